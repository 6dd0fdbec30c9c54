import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.feedback.stream.logs import DAY, days, exact, feedback, predictions

from upkeep.core.feedback.stream.join import FeedbackJoin
from upkeep.core.feedback.stream.outcomes import LOSS_UNIT, Outcomes
from upkeep.core.feedback.stream.policy import JoinPolicy
from upkeep.core.feedback.stream.tallies import SUMS
from upkeep.core.feedback.stream.totals import Totals
from upkeep.errors import InputError

POLICY = JoinPolicy(outcomes=Outcomes(bins=10), buckets=3, capacity=100, early=100, recent=100, slots=2)
EMPTY = FeedbackJoin.empty(POLICY)


def same_sums(one, other):
    assert one.newest == other.newest
    for name in SUMS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def same_memory(one, other):
    """All but the order in which batches came."""
    first, second = one.to_json(), other.to_json()
    assert first["memory"] == second["memory"]
    assert first["clock_us"] == second["clock_us"]
    assert set(one.batches.tolist()) == set(other.batches.tolist())


def test_by_hand():
    """Four predictions, labels for three of them: one early, one in time, one corrected.

    Right are the first (.9, label 1) and, once corrected, the third (.6, label 1); the second (.8, label 0) is wrong.
    Log-loss: -(ln .9 + ln .2 + ln .6) / 3. Brier: (.1^2 + .8^2 + .4^2) / 3 = .27. The positives have .9 and .6, the
    negative .8: one of two pairs is in order.
    """
    made = {
        "prediction_id": np.array(["a", "b", "c", "d"]),
        "predicted_at": days([0, 0, 1, 1]),
        "bucket": np.array([0, 1, 1, 1]),
        "score": np.array([0.9, 0.8, 0.6, 0.1]),
        "prediction": np.array([1, 1, 1, 0]),
    }

    def label(id_, day, value):
        return {"prediction_id": np.array([id_]), "observed_at": days([day]), "label": np.array([value])}

    join = EMPTY.update("1", feedback=label("a", 2, 1)).update("2", predictions=made)
    join = join.update("3", feedback=label("b", 3, 0)).update("4", feedback=label("c", 3, 0))
    assert join.totals().metrics()["accuracy"].value == pytest.approx(1 / 3)
    join = join.update("5", feedback=label("c", 9, 1)).update(
        "6", feedback=label("c", 4, 0)
    )  # the last one is older news

    found = {name: metric.value for name, metric in join.totals().metrics().items()}
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert (found["precision"], found["recall"], found["f1"]) == (pytest.approx(2 / 3), 1.0, pytest.approx(0.8))
    assert found["log_loss"] == pytest.approx(-np.log(0.9 * 0.2 * 0.6) / 3, abs=LOSS_UNIT)
    assert found["brier"] == pytest.approx(0.27, abs=LOSS_UNIT)
    assert found["roc_auc"] == 0.5
    assert all(metric.error == 0 for metric in join.totals().metrics().values())
    assert join.totals().confusion.tolist() == [[0, 1], [0, 2]]
    assert (join.pending.value, join.predicted(), join.predicted(bucket=1), join.predicted(slots=1)) == (1, 4, 3, 2)
    assert join.totals(bucket=1).metrics()["accuracy"].value == 0.5
    assert join.totals(slots=1).metrics()["accuracy"].value == 1.0
    assert join.totals(outcomes=2).metrics()["accuracy"].value == 0.5  # b on the third day, c on the ninth
    assert join.exact


@st.composite
def streams(draw):
    """Batches in which each prediction and each label comes once or more often, in any order."""
    ids = st.lists(st.integers(-3, 8), max_size=8)
    entries = st.lists(st.tuples(st.integers(-4, 9), st.integers(0, 6), st.integers(0, 1)), max_size=8)
    return draw(st.lists(st.tuples(ids, entries), max_size=6))


def taken(join, batches):
    for number, (ids, entries) in enumerate(batches):
        join = join.update(str(number), predictions=predictions(ids), feedback=feedback(entries))
    return join


@given(streams())
def test_it_is_the_exact_join_in_any_order_and_split_of_the_streams(batches):
    join = taken(EMPTY, batches)
    tallies, pairs = exact(POLICY, [i for ids, _ in batches for i in ids], [e for _, es in batches for e in es])
    same_sums(join.memory.tallies, tallies)
    assert join.exact
    for count in (1, 3, 100):
        last = Totals.of_pairs(POLICY.outcomes, {name: values[-count:] for name, values in pairs.items()})
        np.testing.assert_array_equal(join.totals(outcomes=count).cells, last.cells)
        np.testing.assert_array_equal(join.totals(outcomes=count).losses, last.losses)


@given(streams())
def test_a_batch_that_comes_again_changes_nothing(batches):
    once = taken(EMPTY, batches)
    assert taken(once, batches).to_json() == once.to_json()


@given(streams(), st.integers(0, 6))
def test_a_join_that_was_stored_in_between_goes_on_as_if_it_had_not_been(batches, at):
    names = list(enumerate(batches))
    join = EMPTY
    for number, (ids, entries) in names:
        join = FeedbackJoin.from_json(join.to_json()) if number == at else join
        join = join.update(str(number), predictions=predictions(ids), feedback=feedback(entries))
    assert join.to_json() == taken(EMPTY, batches).to_json()


@given(streams(), st.integers(1, 4))
def test_parts_by_id_add_up_to_the_whole_in_any_grouping(batches, modulus):
    def part(wanted):
        return taken(
            EMPTY,
            [
                ([i for i in ids if i % 3 % modulus in wanted], [e for e in entries if e[0] % 3 % modulus in wanted])
                for ids, entries in batches
            ],
        )

    whole = taken(EMPTY, batches)
    a, b, c = part({0}), part({1}), part({2, 3})
    same_memory(a.merge(b).merge(c), whole)
    same_memory(a.merge(b.merge(c)), whole)
    same_memory(c.merge(a).merge(b), whole)


@given(streams())
def test_one_part_may_have_the_predictions_and_the_other_one_the_labels(batches):
    ids, entries = [i for ids, _ in batches for i in ids], [e for _, entries in batches for e in entries]
    made = EMPTY.update("0", predictions=predictions(ids))
    came = EMPTY.update("0", feedback=feedback(entries))
    whole = EMPTY.update("0", predictions=predictions(ids), feedback=feedback(entries))
    same_memory(made.merge(came), whole)
    same_memory(came.merge(made), whole)


def test_joins_with_another_policy_or_the_same_pair_are_not_merged():
    join = EMPTY.update("0", predictions=predictions([1]), feedback=feedback([(1, 0, 1)]))
    with pytest.raises(InputError, match="different pairs"):
        join.merge(join)
    with pytest.raises(InputError, match="one policy"):
        join.merge(FeedbackJoin.empty(JoinPolicy()))


def test_a_label_that_comes_again_after_its_pair_was_let_go_does_not_count_twice():
    join = FeedbackJoin.empty(JoinPolicy(buckets=3, recent=2))
    entries = [(i, i, 1) for i in range(5)]
    join = join.update("0", predictions=predictions(range(5)), feedback=feedback(entries))
    before = join.totals().cells
    join = join.update("1", feedback=feedback([(0, 9, 0), (1, 9, 0)]))
    np.testing.assert_array_equal(join.totals().cells, before)
    join = join.update("2", feedback=feedback([(4, 9, 0)]))  # still at hand, so it is a correction
    assert join.totals().pairs.value == 5
    assert (join.totals().cells != before).any()


def test_what_waited_too_long_is_given_up_and_counted():
    join = FeedbackJoin.empty(JoinPolicy(buckets=3, wait_s=2 * 86_400))
    join = join.update("0", predictions=predictions([4, 8, 6]), feedback=feedback([(77, 0, 1)]))  # days 0, 0 and 2
    assert (join.pending.value, len(join.memory.early)) == (3, 1)
    join = join.update("1", predictions=predictions([7]))  # on day 3
    assert (join.pending.value, join.memory.expired, len(join.memory.early)) == (2, 2, 0)
    assert join.update("2", feedback=feedback([(4, 3, 1), (6, 3, 1)])).totals().pairs.value == 1


def test_old_slots_are_summed_up_and_none_is_lost():
    join = EMPTY
    for day in range(6):
        made = predictions([day]) | {"predicted_at": days([day])}
        join = join.update(str(day), predictions=made, feedback=feedback([(day, day, 1)]))
    late = predictions([40, 41]) | {"predicted_at": days([0, 4])}
    join = join.update("late", predictions=late, feedback=feedback([(40, 9, 1), (41, 9, 1)]))
    assert [int(join.totals(slots=n).pairs.value) for n in (1, 2)] == [1, 3]
    assert int(join.totals().pairs.value) == join.predicted() == 8
    far = join.update("far", predictions=predictions([50]) | {"predicted_at": days([9000])})
    assert (far.predicted(slots=2), far.predicted(), far.totals().pairs.value) == (1, 9, 8)


def test_times_before_1970_have_slots_too():
    made = predictions([1]) | {"predicted_at": np.array(["1969-12-31T12"], dtype="datetime64[h]")}
    join = EMPTY.update("0", predictions=made).update("1", predictions=predictions([2]))
    assert (join.predicted(slots=1), join.predicted()) == (1, 2)


@given(streams(), streams())
def test_a_bucket_that_is_folded_into_another_is_counted_there_before_and_after(first, second):
    def renamed(batches):
        join = EMPTY
        for number, (ids, entries) in enumerate(batches):
            made = predictions(ids)
            made["bucket"] = np.where(made["bucket"] == 2, 0, made["bucket"])
            join = join.update(str(number), predictions=made, feedback=feedback(entries))
        return join

    same_memory(taken(EMPTY, first).fold(2, into=0), renamed(first))
    assert taken(EMPTY, second).fold(1, into=1).to_json() == taken(EMPTY, second).to_json()


def test_memory_is_bounded_and_totals_go_on_as_estimates():
    join = FeedbackJoin.empty(JoinPolicy(buckets=3, capacity=50, early=20, recent=10))
    for batch in range(20):
        ids = np.arange(200) + 200 * batch
        join = join.update(f"p{batch}", predictions=predictions(ids))
        assert len(join.memory.pending) <= 50
    strangers = [(10_000 + i, 0, 1) for i in range(500)]
    join = join.update("f", feedback=feedback(strangers))
    assert (len(join.memory.early) <= 20, len(join.memory.recent["key"])) == (True, 0)
    assert not join.exact
    assert join.predicted() == 4_000
    low, high = join.pending.interval(0.001)
    assert low < 4_000 < high
    join = join.update("g", feedback=feedback([(i, 5, 1) for i in range(4_000)]))
    low, high = join.totals().pairs.interval(0.001)
    assert low < 4_000 < high
    assert join.memory.pending.weight == 1  # all labels are in, so there is room for every later prediction


def test_what_meets_in_one_batch_needs_no_memory():
    join = FeedbackJoin.empty(JoinPolicy(buckets=3, capacity=1, early=1))
    join = join.update("0", predictions=predictions(range(50)))
    ids = range(100, 300)
    join = join.update("1", predictions=predictions(ids), feedback=feedback([(i, 9, 1) for i in ids]))
    assert (join.totals().pairs.value, join.totals().pairs.error) == (200, 0)


def test_classes_and_numbers_are_predicted_too():
    rng = np.random.default_rng(3)
    made = {"prediction_id": np.arange(40), "predicted_at": np.full(40, DAY), "prediction": rng.integers(0, 3, 40)}
    came = {"prediction_id": np.arange(40), "observed_at": np.full(40, DAY), "label": rng.integers(0, 3, 40)}
    policy = JoinPolicy(outcomes=Outcomes(kind="multiclass", classes=3))
    totals = FeedbackJoin.empty(policy).update("0", predictions=made, feedback=came).totals()
    assert totals.confusion[1, 2] == ((came["label"] == 1) & (made["prediction"] == 2)).sum()
    assert totals.metrics()["accuracy"].value == (came["label"] == made["prediction"]).mean()

    error = rng.normal(0, 5, 40)
    made["prediction"] = came["label"] + error
    policy = JoinPolicy(outcomes=Outcomes(kind="regression", unit=0.01))
    metrics = FeedbackJoin.empty(policy).update("0", predictions=made, feedback=came).totals().metrics()
    assert metrics["mae"].value == pytest.approx(np.abs(error).mean(), abs=0.005)
    assert metrics["rmse"].value == pytest.approx(np.sqrt((error**2).mean()), abs=0.005)
    assert metrics["bias"].value == pytest.approx(error.mean(), abs=0.005)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"score": np.array([1.5])}, "score"),
        ({"prediction": np.array([0.5])}, "prediction"),
        ({"bucket": np.array([3])}, "bucket"),
        ({"predicted_at": np.array(["NaT"], dtype="datetime64[us]")}, "predicted_at"),
        ({"predicted_at": np.array([0])}, "datetime64"),
        ({"prediction_id": np.array([1, 2])}, "one length"),
    ],
)
def test_a_batch_that_cannot_be_is_refused_whole(changes, message):
    with pytest.raises(InputError, match=message):
        EMPTY.update("0", predictions=predictions([1]) | changes)


def test_absent_columns_are_named_and_rows_without_label_left_out():
    with pytest.raises(InputError, match=r"lack \['score'\]"):
        EMPTY.update("0", predictions={k: v for k, v in predictions([1]).items() if k != "score"})
    came = feedback([(1, 0, 1), (1, 5, 0)]) | {"label": np.array([1.0, np.nan])}
    assert EMPTY.update("0", predictions=predictions([1]), feedback=came).totals().confusion[1].sum() == 1


@pytest.mark.parametrize(
    ("asked", "message"), [({"bucket": 3}, "bucket"), ({"slots": 3}, "slots"), ({"outcomes": 0}, "outcomes")]
)
def test_totals_of_what_is_not_kept_are_refused(asked, message):
    with pytest.raises(InputError, match=message):
        EMPTY.totals(**asked)
    with pytest.raises(InputError, match="bucket"):
        EMPTY.fold(0, into=3)


def test_without_pairs_metrics_are_undefined():
    assert all(np.isnan(metric.value) for metric in EMPTY.totals().metrics().values())
    assert EMPTY.totals().pairs.value == 0
