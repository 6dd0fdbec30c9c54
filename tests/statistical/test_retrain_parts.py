"""Intervals of the parts of a change of accuracy cover them as often as they say."""

import numpy as np
import pytest

from upkeep.core.retrain.kitagawa import kitagawa

pytestmark = pytest.mark.slow

BEFORE, NOW = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.25, 0.3, 0.25, 0.2])
RIGHT_BEFORE, RIGHT_NOW = np.array([0.95, 0.85, 0.7, 0.55]), np.array([0.93, 0.8, 0.72, 0.4])
LABELLED = np.array([0.9, 0.5, 0.3, 0.1])  # labels are late unevenly
TRUE = {
    "covariate": ((NOW - BEFORE) * RIGHT_BEFORE).sum(),
    "concept": (NOW * (RIGHT_NOW - RIGHT_BEFORE)).sum(),
}


def covered(rng, runs, *, reference=2_000, live=1_500, all_known=False):
    """Share of the runs in which a 95 % interval holds the part."""
    hits = dict.fromkeys(TRUE, 0)
    for _ in range(runs):
        n, m = rng.multinomial(reference, BEFORE), rng.multinomial(live, NOW)
        c, known = rng.binomial(n, RIGHT_BEFORE), rng.binomial(m, LABELLED)
        share = rng.binomial(known, RIGHT_NOW) / np.maximum(known, 1)
        split = kitagawa(
            reference_rows=n,
            reference_correct=c,
            live_rows=m,
            live_correct=m * share,
            live_known=None if all_known else known,
        )
        for part in hits:
            low, high = split.interval(part)
            hits[part] += low <= TRUE[part] <= high
    return {part: hit / runs for part, hit in hits.items()}


def test_an_interval_of_95_percent_holds_each_part_in_93_to_97_percent_of_windows():
    for share in covered(np.random.default_rng(1), 3_000).values():
        assert 0.93 < share < 0.97


def test_taking_pending_rows_for_labelled_ones_makes_the_interval_of_the_concept_part_too_narrow():
    assert covered(np.random.default_rng(2), 1_000, all_known=True)["concept"] < 0.85
