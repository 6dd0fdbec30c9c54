import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.feedback.stream.logs import days, feedback, predictions

from upkeep.core.feedback.stream.join import FeedbackJoin
from upkeep.core.feedback.stream.lost import Lost
from upkeep.core.feedback.stream.policy import JoinPolicy

LABELS = [(i, 5, 1) for i in range(400)]
DAY_US = 86_400_000_000


def empty(seed=0, **sizes):
    return FeedbackJoin.empty(JoinPolicy(**{"buckets": 3, "early": 100, "recent": 1, "seed": seed} | sizes))


def test_a_prediction_whose_label_was_dropped_does_not_wait_for_it_to_come_again():
    """Of 400 labels no more than 100 stay, at a weight w; whatever comes then, only these pairs count, w each."""
    join = empty().update("labels", feedback=feedback(LABELS))
    kept, lost = len(join.memory.early), join.memory.lost
    assert lost == Lost(weight=join.memory.early.rows["weight"][0], until=int(days([5])[0].astype(int)))
    for part in range(4):  # the labels that were kept leave one by one: the threshold is remembered without them
        join = join.update(f"made {part}", predictions=predictions(range(part * 100, part * 100 + 100)))
    assert (join.totals().pairs.value, join.pending.value) == (kept * lost.weight, 0)
    assert join.update("again", feedback=feedback(LABELS)).totals().pairs.value == kept * lost.weight
    assert not join.exact


def test_parts_that_are_merged_do_not_wait_for_labels_that_the_other_part_lost():
    labels, made = (
        empty().update("l", feedback=feedback(LABELS)),
        empty().update("p", predictions=predictions(range(400))),
    )
    for both in (labels.merge(made), made.merge(labels)):
        pairs = both.totals().pairs.value
        assert (pairs, both.pending.value) == (len(labels.memory.early) * labels.memory.lost.weight, 0)
        assert both.update("again", feedback=feedback(LABELS)).totals().pairs.value == pairs


def test_predictions_that_are_later_than_all_lost_labels_all_wait():
    join = empty().update("labels", feedback=feedback(LABELS))
    made = predictions(range(1_000, 1_400)) | {"predicted_at": days(np.full(400, 6))}
    join = join.update("later", predictions=made)
    assert (join.pending.value, join.pending.error, join.exact) == (400, 0, True)


def test_files_of_all_labels_so_far_leave_totals_exact_when_each_comes_after_its_predictions():
    join = empty()
    for week in range(4):
        ids = range(week * 300, week * 300 + 300)
        made = predictions(ids) | {"predicted_at": days(np.full(300, 7 * week))}
        so_far = feedback([(i, 7 * (i // 300) + 1, 1) for i in range(week * 300 + 300)])
        join = join.update(f"p{week}", predictions=made).update(f"l{week}", feedback=so_far)
    assert join.memory.early.dropped > 0
    assert (join.exact, join.totals().pairs.value, join.totals().pairs.error) == (True, 1_200, 0)


def test_what_was_lost_is_forgotten_once_it_is_too_old_to_wait():
    lost = Lost(weight=4, until=5 * DAY_US)
    assert lost.settled(5 * DAY_US) == lost
    assert lost.settled(5 * DAY_US + 1) == Lost()
    assert Lost().settled(0) == Lost()
    join = empty(wait_s=2 * 86_400).update("labels", feedback=feedback(LABELS))
    assert join.memory.lost.weight > 1
    late = predictions([9_999]) | {"predicted_at": days([8])}
    assert join.update("late", predictions=late).memory.lost == Lost()


def test_a_sampled_join_that_lost_labels_goes_on_from_its_record():
    join = empty().update("labels", feedback=feedback(LABELS))
    back = FeedbackJoin.from_json(join.to_json())
    assert back.memory.lost == join.memory.lost
    made = predictions(range(400))
    assert back.update("p", predictions=made).to_json() == join.update("p", predictions=made).to_json()


@given(
    st.lists(st.tuples(st.lists(st.integers(0, 40), max_size=20), st.integers(0, 3)), max_size=8), st.integers(0, 99)
)
def test_no_label_is_counted_again_however_often_it_is_sent(steps, seed):
    """Predictions of a few days, labels of the last one: once all came, all labels again add only what still waits."""
    join, made = empty(seed, early=3), set()
    for number, (ids, what) in enumerate(steps):
        fresh = [i for i in dict.fromkeys(ids) if i not in made]
        if what == 0:
            join, made = join.update(f"p{number}", predictions=predictions(fresh)), made | set(fresh)
        else:
            join = join.update(f"l{number}", feedback=feedback([(i, 5, 1) for i in ids]))
    rest = [i for i in range(41) if i not in made]
    join = join.update("rest", predictions=predictions(rest))
    for time in range(2):
        wanted = join.totals().pairs.value + join.pending.value
        join = join.update(f"all {time}", feedback=feedback([(i, 5, 1) for i in range(41)]))
        assert (join.totals().pairs.value, join.pending.value) == (pytest.approx(wanted), 0)
