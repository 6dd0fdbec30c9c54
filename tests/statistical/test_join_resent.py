"""Totals of a join with little room for early labels are those of the exact join on average when labels are sent again.

Labels come before their predictions and do not all fit. Then predictions come, and labels once more: all of them, or as
files that grow. Over the runs only the hash changes.
"""

import numpy as np
import pytest

from upkeep.core.feedback.stream.join import FeedbackJoin
from upkeep.core.feedback.stream.lost import Lost
from upkeep.core.feedback.stream.outcomes import Outcomes
from upkeep.core.feedback.stream.policy import JoinPolicy

pytestmark = pytest.mark.slow

RUNS, ROWS, PARTS, BUCKETS = 800, 240, 3, 2
ROOM = 40  # for early labels; predictions all fit
RNG = np.random.default_rng(11)
BUCKET = RNG.integers(0, BUCKETS, ROWS)
RIGHT = RNG.random(ROWS) < np.array([0.9, 0.5])[BUCKET]
LABELLED = RNG.random(ROWS) < 0.9
PART = np.repeat(np.arange(PARTS), ROWS // PARTS)
DAY = np.datetime64("2024-01-01", "us") + PART * np.timedelta64(1, "D")

#: Labelled, right, labelled per bucket, and pending.
TRUTH = np.array([LABELLED.sum(), (LABELLED & RIGHT).sum(), *np.bincount(BUCKET[LABELLED]), (~LABELLED).sum()])


def predictions(part):
    at = np.flatnonzero(part)
    one = np.ones(len(at))
    return {
        "prediction_id": at,
        "predicted_at": DAY[at],
        "bucket": BUCKET[at],
        "score": one,
        "prediction": one,
    }


def labels(part):
    at = np.flatnonzero(part & LABELLED)
    return {"prediction_id": at, "observed_at": DAY[at] + np.timedelta64(1, "h"), "label": RIGHT[at].astype(int)}


ALL = np.ones(ROWS, dtype=bool)
#: Predictions come in parts, so that the last ones come when labels that were kept have met theirs and left.
TWICE = [
    {"feedback": labels(ALL)},
    *({"predictions": predictions(PART == part)} for part in range(PARTS)),
    {"feedback": labels(ALL)},
]
#: Each part's labels come with all before, first without its predictions and then after them.
GROWING = [
    batch
    for part in range(PARTS)
    for batch in (
        {"feedback": labels(PART <= part)},
        {"predictions": predictions(PART == part)},
        {"feedback": labels(PART <= part)},
    )
]


def empty(seed):
    return FeedbackJoin.empty(
        JoinPolicy(outcomes=Outcomes(bins=2), buckets=BUCKETS, capacity=ROWS, early=ROOM, recent=1, slots=1, seed=seed)
    )


def taken(join, batches):
    for number, batch in enumerate(batches):
        join = join.update(f"{number} of {len(batches)}", **batch)
    return join


def merged(seed):
    """Labels in one part and predictions in the other, merged; then the labels again."""
    both = taken(empty(seed), TWICE[:1]).merge(taken(empty(seed), TWICE[1:-1]))
    return both.update("again", **TWICE[-1])


WAYS = {
    "twice": lambda seed: taken(empty(seed), TWICE),
    "growing": lambda seed: taken(empty(seed), GROWING),
    "merged": merged,
}


def off(way, runs):
    """How many of their own standard errors the mean totals lie from the truth."""
    found = np.empty((runs, len(TRUTH)))
    for seed in range(runs):
        join = WAYS[way](seed)
        whole = join.totals()
        buckets = (join.totals(bucket=bucket).pairs for bucket in range(BUCKETS))
        found[seed] = [part.value for part in (whole.pairs, whole.correct, *buckets, join.pending)]
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (found.mean(axis=0) - TRUTH) / (found.std(axis=0, ddof=1) / np.sqrt(runs))
    return np.nan_to_num(z)


@pytest.mark.parametrize("way", WAYS)
def test_labels_that_are_sent_again_are_counted_once(way):
    assert (np.abs(off(way, RUNS)) < 3).all()


@pytest.mark.parametrize("way", WAYS)
def test_the_control_predictions_whose_labels_were_lost_that_wait_on_are_counted_twice(way, monkeypatch):
    monkeypatch.setattr(Lost, "weighed", lambda lost, rows: rows)
    assert (off(way, RUNS // 10)[:4] > 3).all()
