"""One-pass adversarial validation: values by hand, and what holds for every table."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upkeep.core.columns import Coded
from upkeep.core.drift.adversary import Adversary
from upkeep.core.drift.adversary_judge import BatchScore, ColumnShare, auc, judge, radius
from upkeep.core.drift.spending import spend
from upkeep.errors import InputError


def rows(rng, n, shift=0.0):
    common = rng.normal(size=n)
    return {
        "a": common + 0.3 * rng.normal(size=n) + shift,
        "b": common + 0.3 * rng.normal(size=n),
        "ties": np.round(rng.standard_t(2, n)),
        "gaps": np.where(rng.random(n) < 0.3, np.nan, rng.exponential(size=n)),
        "zone": np.where(rng.random(n) < 0.05, None, rng.integers(0, 12, n).astype(str).astype(object)),
        "flag": rng.random(n) < 0.2,
        "when": np.datetime64("2024-01-01T00:00:00.000000") + rng.integers(0, 10**12, n),
    }


@pytest.fixture(scope="module")
def start():
    rng = np.random.default_rng(1)
    return Adversary.start(rows(rng, 4_000), rng=rng)


def text(adversary):
    return json.dumps(adversary.to_json(), sort_keys=True)


# By hand


def test_auc_counts_pairs_and_half_of_ties():
    live, reference = [0.2, 0.7, 0.7], [0.1, 0.7]
    wins = sum((x > y) + 0.5 * (x == y) for x in live for y in reference)  # 1 + 1.5 + 1.5 of 6
    assert wins == 4
    assert auc(np.array(live), np.array(reference)) == pytest.approx(4 / 6)


def test_the_interval_is_that_of_hoeffding_at_the_share_of_this_look():
    batches = (
        BatchScore(rows=300, judges=300, auc=0.7, log_loss=0.6),
        BatchScore(rows=100, judges=100, auc=0.9, log_loss=0.5),
    )
    report = judge(
        batches, 1_000, (ColumnShare(column="a", separation=1.0, share=1.0),), alpha=0.05, look=3, tolerance=0.05
    )
    off = np.sqrt(np.log(2 / spend(0.05, 3)) / (2 * 400))
    assert report.auc == pytest.approx(0.75)
    assert (report.low, report.high) == pytest.approx((0.75 - off, 0.75 + off))
    assert report.band == pytest.approx((0.5 - off, 0.5 + off))
    assert report.log_loss == pytest.approx(0.575)
    assert report.drifted is bool(0.75 - off > 0.55)


def test_judges_who_are_asked_again_make_no_interval_narrower():
    batch = BatchScore(rows=100, judges=100, auc=0.5, log_loss=0.7)
    assert radius([batch] * 10, 1_000, 0.01) == pytest.approx(np.sqrt(np.log(100) / 2_000))
    assert radius([batch] * 10, 200, 0.01) == pytest.approx(np.sqrt(np.log(100) / 400))
    few = replace(batch, rows=400)  # 400 live rows against 100 judges: the judges decide
    assert radius([few], 1_000, 0.01) == pytest.approx(np.sqrt(np.log(100) / 200))


def test_the_first_step_is_that_of_newton_worked_out_by_hand():
    """One category of two, equally frequent; of four live rows three are "x"."""
    sample = {"c": np.array(["x", "y"] * 200, dtype=object)}
    state = Adversary.start(sample, rng=np.random.default_rng(0), top=2)
    taught = np.bincount(state.reference.learned[:, 0], minlength=2)
    share = taught[0] / taught.sum()
    first = state.reference.learned[:4, 0]
    learner = state.update({"c": np.array(["x", "x", "x", "y"], dtype=object)}).learner
    # An indicator less its mean over the reference: the residuals, 1/2 per live row and -1/2 per other one, add up to
    # zero, and so the mean drops out of the gradient.
    gradient = (3 - np.count_nonzero(first == 0)) / 2
    curvature = (3 * (1 - share) ** 2 + 1 * share**2 + 4 * share * (1 - share)) / 4
    assert learner.cells.curvature[0, 0] == pytest.approx(curvature)
    step = np.sqrt(learner.cells.noise[0, 0] / curvature)
    assert 0 < step <= 1
    assert learner.cells.pull[0, 0] == pytest.approx(step * gradient)


def test_a_weight_within_its_noise_is_zero_and_a_clear_one_is_nearly_newtons(start):
    rng = np.random.default_rng(2)
    learner = start.update(rows(rng, 5_000, shift=1.0)).learner
    a = learner.features.columns.index("a")
    shown = learner.cell_weights[a, 0]  # along the normal score
    noise = learner.features.threshold[a, 0] * np.sqrt(learner.cells.noise[a, 0])
    assert abs(shown) > 0.5
    assert abs(learner.cells.pull[a, 0]) > 10 * noise
    assert (
        learner.cell_weights[np.abs(learner.cells.pull) < learner.features.threshold * np.sqrt(learner.cells.noise)]
        == 0
    ).all()


# For every table


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), sizes=st.lists(st.integers(0, 900), min_size=1, max_size=3))
def test_what_is_saved_and_restored_goes_on_to_the_same_bits(start, seed, sizes):
    rng = np.random.default_rng(seed)
    tables = [rows(rng, n, shift=0.2) for n in sizes]
    through = stopped = start
    for table in tables:
        through = through.update(table)
        stopped = Adversary.from_json(json.loads(json.dumps(stopped.to_json()))).update(table)
    assert text(stopped) == text(through)
    probe = rows(rng, 50)
    assert (stopped.scores(probe) == through.scores(probe)).all()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_rows_within_a_mini_batch_changes_nothing_but_rounding(start, seed):
    rng = np.random.default_rng(seed)
    table = rows(rng, 250, shift=0.5)
    order = rng.permutation(250)
    one = start.update(table).update(rows(np.random.default_rng(3), 100))
    other = start.update({k: v[order] for k, v in table.items()}).update(rows(np.random.default_rng(3), 100))
    assert [b.auc for b in one.batches] == pytest.approx([b.auc for b in other.batches], abs=1e-3)
    probe = rows(rng, 50)
    assert one.scores(probe) == pytest.approx(other.scores(probe), abs=1e-4)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(1e-6, 1e6), move=st.floats(-1e3, 1e3))
def test_units_of_a_column_do_not_matter(seed, scale, move):
    """Whole numbers, so that no two of them become one by rounding."""
    rng = np.random.default_rng(seed)
    sample, live = ({"x": rng.integers(0, 500, n).astype(float), "y": rng.normal(size=n)} for n in (600, 300))

    def told(change):
        state = Adversary.start({**sample, "x": change(sample["x"])}, rng=np.random.default_rng(0))
        state = state.update({**live, "x": change(live["x"])})
        return state.report(look=1), state.scores({**live, "x": change(live["x"])})

    (report, scores), (other, others) = told(lambda x: x), told(lambda x: scale * x + move)
    assert report == other
    assert (scores == others).all()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shift=st.sampled_from([0.0, 1.0, np.inf, -np.inf, np.nan, 1e300]))
def test_scores_are_probabilities_whatever_comes(start, seed, shift):
    rng = np.random.default_rng(seed)
    table = rows(rng, 700, shift=shift)
    state = start.update(table)
    scores = state.scores(table)
    assert ((scores >= 0) & (scores <= 1)).all()
    report = state.report(look=1)
    assert 0 <= report.low <= report.auc <= report.high <= 1
    assert sum(c.share for c in report.columns) == pytest.approx(1) or all(c.share == 0 for c in report.columns)


# What it finds


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("a", lambda t, rng: t["a"] + 0.5),
        ("b", lambda t, rng: rng.permutation(t["b"])),  # only what it has in common with a
        ("gaps", lambda t, rng: np.where(rng.random(len(t["gaps"])) < 0.3, np.nan, t["gaps"])),
        ("zone", lambda t, rng: np.where(rng.random(len(t["zone"])) < 0.3, "new", t["zone"])),
        ("flag", lambda t, rng: rng.random(len(t["flag"])) < 0.5),
        ("ties", lambda t, rng: 2 * t["ties"]),
        (
            "when",
            lambda t, rng: t["when"].astype("datetime64[D]") + (t["when"] - t["when"].astype("datetime64[D]")) // 2,
        ),
    ],
)
def test_the_column_that_changed_is_named_and_the_changed_rows_score_higher(start, column, change):
    rng = np.random.default_rng(4)
    table = rows(rng, 6_000)
    table[column] = change(table, rng)
    state = start.update(table)
    report = state.report(look=1)
    first = {"a", "b"} if column == "b" else {column}
    assert report.drifted
    assert report.columns[0].column in first
    assert report.columns[0].column in report.sentence
    assert state.scores(table).mean() > state.scores(rows(rng, 6_000)).mean() + 0.02


def test_without_a_shift_the_sentence_says_so(start):
    report = start.update(rows(np.random.default_rng(5), 4_000)).report(look=1)
    assert not report.drifted
    assert report.band[0] <= report.auc <= report.band[1]
    assert report.log_loss == pytest.approx(np.log(2), abs=0.005)
    assert "is tolerated" in report.sentence


def test_coded_text_is_text(start):
    rng = np.random.default_rng(6)
    table = rows(rng, 900)
    levels = tuple(sorted({z for z in table["zone"] if z is not None}))
    codes = np.array([-1 if z is None else levels.index(z) for z in table["zone"]])
    assert text(start.update({**table, "zone": Coded(codes, levels)})) == text(start.update(table))


def test_a_new_window_sees_what_is_new_and_forgets_most_of_the_old(start):
    rng = np.random.default_rng(7)
    quiet = start
    for _ in range(4):
        quiet = quiet.update(rows(rng, 4_000))
    table = rows(rng, 4_000, shift=0.4)
    soon = quiet.next_window().update(table).report(look=1).auc
    assert soon > start.update(table).report(look=1).auc - 0.04
    assert soon > quiet.next_window(memory=np.inf).update(table).report(look=1).auc + 0.02
    assert len(quiet.next_window().batches) == 0


def test_rows_that_were_sampled_more_often_count_less():
    """Half of the rows are large ones, which were sampled nine times as often as they occur."""
    rng = np.random.default_rng(8)
    large = rng.random(8_000) < 0.5
    sample = {"x": rng.normal(size=8_000) + 3 * large}
    share = 0.5 / 9 / (0.5 + 0.5 / 9)
    live = {"x": rng.normal(size=4_000) + 3 * (rng.random(4_000) < share)}
    fair = Adversary.start(sample, rng=rng, weights=np.where(large, 1 / 9, 1.0)).update(live).report(look=1)
    assert fair.band[0] <= fair.auc <= fair.band[1]
    assert Adversary.start(sample, rng=rng).update(live).report(look=1).drifted  # without the weights


# Errors


def test_errors_say_what_must_hold(start):
    rng = np.random.default_rng(0)
    table = rows(rng, 300)
    with pytest.raises(InputError, match=r"\['b'\] are absent"):
        start.update({name: values for name, values in table.items() if name != "b"})
    with pytest.raises(InputError, match="'a' must hold numbers"):
        start.update({**table, "a": table["zone"]})
    with pytest.raises(InputError, match="at least 100 rows, got 99"):
        Adversary.start({"x": np.zeros(99)}, rng=rng)
    with pytest.raises(InputError, match="300 positive numbers"):
        Adversary.start(table, rng=rng, weights=np.zeros(300))
    with pytest.raises(InputError, match="leave 50 rows to judge by"):
        Adversary.start(table, rng=rng, weights=np.geomspace(1e-6, 1, 300))
    with pytest.raises(InputError, match="half_life"):
        Adversary.start(table, rng=rng, half_life=0)
    with pytest.raises(InputError, match="call update"):
        start.report(look=1)
    with pytest.raises(InputError, match="tolerance"):
        start.update(table).report(look=1, tolerance=0.5)
    with pytest.raises(InputError, match="format 1, got 2"):
        Adversary.from_json({**start.to_json(), "format": 2})
