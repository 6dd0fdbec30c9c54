"""Totals of a join with room for 1 % of its rows are those of the exact join on average; those of reservoirs are not.

One pair of streams, in bursts: labels of the first bucket come quickly and are mostly right, those of the last come slowly
and are mostly wrong, some come before their prediction and some never. Over the runs only the hash changes.
"""

from dataclasses import replace

import numpy as np
import pytest

from upkeep.core.feedback.stream.join import FeedbackJoin
from upkeep.core.feedback.stream.outcomes import Outcomes
from upkeep.core.feedback.stream.policy import JoinPolicy
from upkeep.core.feedback.stream.waiting import Waiting

pytestmark = pytest.mark.slow

RUNS, ROWS = 2_000, 3_000
SEEDS = [int(child.generate_state(1)[0]) for child in np.random.SeedSequence(0).spawn(RUNS)]
BURSTS = (300, 1_500, 100, 800, 300)  # predictions per batch; then come labels alone
ROOM = ROWS // 100  # of either stream, so 1 % of the rows of both
BUCKETS = 3
NEVER, LAST = 99, 5


class Streams:
    """Per id the batch of its prediction and that of its label, its bucket, and whether it was predicted right."""

    def __init__(self):
        rng = np.random.default_rng(20240610)
        self.made = np.repeat(np.arange(len(BURSTS)), BURSTS)
        self.bucket = rng.integers(0, BUCKETS, ROWS)
        delay = rng.poisson(np.array([0.4, 1.5, 3.0])[self.bucket])
        delay = np.where(rng.random(ROWS) < 0.08, -1, delay)  # early
        self.came = np.clip(self.made + delay, 0, LAST)
        self.came[rng.random(ROWS) < 0.1] = NEVER
        self.right = rng.random(ROWS) < np.array([0.9, 0.7, 0.4])[self.bucket]
        self.labelled = self.came < NEVER

    def totals(self, weight):
        """Pairs, right ones, and pairs per bucket, each pair weighted."""
        each = np.bincount(self.bucket, weights=weight, minlength=BUCKETS)
        return np.array([weight.sum(), weight[self.right].sum(), *each])

    @property
    def truth(self):
        return self.totals(self.labelled.astype(float))


@pytest.fixture(scope="module")
def streams():
    return Streams()


@pytest.fixture(scope="module")
def ours(streams):
    """Estimates and their stated standard errors, each shape (runs, totals)."""
    batches = [parts(streams, batch) for batch in range(LAST + 1)]
    found = [joined(batches, seed) for seed in SEEDS]
    return np.array([values for values, _ in found]), np.array([errors for _, errors in found])


def parts(streams, batch):
    made, came = (np.flatnonzero(when == batch) for when in (streams.made, streams.came))
    at = np.datetime64("2024-01-01", "D") + batch
    predictions = {
        "prediction_id": made,
        "predicted_at": np.full(len(made), at),
        "bucket": streams.bucket[made],
        "score": np.ones(len(made)),
        "prediction": np.ones(len(made), dtype=int),
    }
    label = streams.right[came].astype(int)
    return predictions, {"prediction_id": came, "observed_at": np.full(len(came), at), "label": label}


def empty(seed):
    outcomes = Outcomes(bins=2)
    policy = JoinPolicy(outcomes=outcomes, buckets=BUCKETS, capacity=ROOM, early=ROOM, recent=1, slots=1, seed=seed)
    return FeedbackJoin.empty(policy)


def joined(batches, seed):
    return estimates(taken(empty(seed), batches))


def taken(join, batches, first=0):
    for number, (predictions, feedback) in enumerate(batches, start=first):
        join = join.update(str(number), predictions=predictions, feedback=feedback)
    return join


def estimates(join):
    """Values and standard errors."""
    whole = join.totals()
    found = [whole.pairs, whole.correct, *(join.totals(bucket=b).pairs for b in range(BUCKETS))]
    return [estimate.value for estimate in found], [estimate.error for estimate in found]


def far_off(estimates, truth):
    """Which means lie 3 of their own standard errors or more from the truth."""
    return np.abs(estimates.mean(axis=0) - truth) >= 3 * estimates.std(axis=0, ddof=1) / np.sqrt(len(estimates))


def test_totals_are_unbiased_with_room_for_one_row_in_a_hundred(streams, ours):
    assert not far_off(ours[0], streams.truth).any()


def test_the_stated_standard_errors_are_those_of_the_runs(ours):
    estimates, errors = ours
    np.testing.assert_allclose(np.sqrt((errors**2).mean(axis=0)), estimates.std(axis=0), rtol=0.1)


def test_two_joins_that_are_merged_half_way_and_go_on_as_one_are_unbiased_too(streams):
    batches = [parts(streams, batch) for batch in range(LAST + 1)]
    halves = [[tuple(half(table, parity) for table in both) for both in batches[:3]] for parity in (0, 1)]
    found = []
    for seed in SEEDS[: RUNS * 2 // 5]:
        one, other = (taken(empty(seed), part) for part in halves)
        found.append(estimates(taken(one.merge(other), batches[3:], first=3))[0])
    assert not far_off(np.array(found), streams.truth).any()


def half(table, parity):
    mine = table["prediction_id"] % 2 == parity
    return {name: values[mine] for name, values in table.items()}


def test_the_control_a_threshold_that_rises_for_rows_at_hand_as_well_is_biased(streams, monkeypatch):
    """Old rows were held against the lower threshold: they stand for as many as they did then."""
    relaxed = Waiting.relaxed

    def for_all(waiting):
        after = relaxed(waiting)
        weight = np.minimum(after.rows["weight"], after.weight)
        return replace(after, rows=after.rows | {"weight": weight})

    monkeypatch.setattr(Waiting, "relaxed", for_all)
    batches = [parts(streams, batch) for batch in range(LAST + 1)]
    found = np.array([joined(batches, seed)[0] for seed in SEEDS[: RUNS // 20]])
    assert far_off(found, streams.truth).all()


def test_the_control_two_reservoirs_matched_afterwards_are_biased(streams):
    """A uniform reservoir of each stream; pairs found, scaled as the sample of predictions that they are taken from."""
    rng = np.random.default_rng(1)
    scaled = np.empty((RUNS, 2 + BUCKETS))
    for run in range(RUNS):
        kept = np.zeros(ROWS, dtype=bool)
        kept[rng.permutation(ROWS)[:ROOM]] = True
        answers = rng.permutation(np.flatnonzero(streams.labelled))[:ROOM]
        scaled[run] = streams.totals(np.isin(np.arange(ROWS), answers) * kept * (ROWS / ROOM))
    assert far_off(scaled, streams.truth).all()


def test_scaled_by_both_rates_they_are_unbiased_and_useless(streams, ours):
    """The same, scaled by the chance that two independent samples hold both halves of a pair: it seldom happens."""
    rng = np.random.default_rng(2)
    labelled = np.flatnonzero(streams.labelled)
    factor = ROWS / ROOM * len(labelled) / ROOM
    twice = np.empty((RUNS, 2 + BUCKETS))
    for run in range(RUNS):
        both = np.intersect1d(rng.permutation(ROWS)[:ROOM], rng.permutation(labelled)[:ROOM])
        twice[run] = streams.totals(np.isin(np.arange(ROWS), both) * factor)
    assert (twice.std(axis=0) > 4 * ours[0].std(axis=0)).all()


def test_the_control_a_shared_reservoir_that_pairs_leave_is_biased(streams):
    """Reservoirs by one hash of the rows that wait, pairs counted as they meet, all scaled by the share of rows that stayed.

    It is uniform at every moment, and still: a pair that meets soon has had fewer chances to be thrown out than one that waits.
    """
    rng = np.random.default_rng(3)
    scaled = np.empty((RUNS, 2 + BUCKETS))
    for run in range(RUNS):
        chance = rng.random(ROWS)
        waiting, early, met = (np.zeros(ROWS, dtype=bool) for _ in range(3))
        for batch in range(LAST + 1):
            waiting |= streams.made == batch
            early |= streams.came == batch
            both = waiting & early
            met |= both
            for held in (waiting, early):
                held &= ~both
                within(held, chance)
        scaled[run] = streams.totals(met * (ROWS / (met.sum() + waiting.sum())))
    assert far_off(scaled, streams.truth).all()


def within(held, chance):
    """Keep the rows of least chance that there is room for."""
    if held.sum() > ROOM:
        held &= chance <= np.partition(chance[held], ROOM - 1)[ROOM - 1]
