"""Groups are called slow with at most the chance promised, at shares where the normal approximation fails."""

import numpy as np
import pytest
from scipy.special import ndtri

from upkeep.core.feedback.delays import TOLERATED, summarise_delays

pytestmark = pytest.mark.slow

DAY = np.datetime64("2024-01-01", "us")
ALPHA, LOOKS, GROUPS, HELD = 0.01, 200, 20, 60


def looks(rng, shares):
    """Windows of one row count, each group pending with its own share; ours and the unpooled z-test's verdict."""
    group = np.repeat([f"g{i:02}" for i in range(len(shares))], HELD).astype(object)
    for _ in range(LOOKS):
        pending = rng.random(len(group)) < np.repeat(shares, HELD)
        seen = np.where(pending, np.datetime64("NaT", "us"), DAY + np.timedelta64(5, "h"))
        found = summarise_delays(
            seen, np.full(len(group), DAY), DAY + np.timedelta64(9, "D"), groups={"g": group}, alpha=ALPHA
        )
        p = pending.reshape(-1, HELD).mean(axis=1)
        rest = (pending.sum() - p * HELD) / (len(group) - HELD)
        error = np.sqrt(p * (1 - p) / HELD + rest * (1 - rest) / (len(group) - HELD))
        naive = p - rest - TOLERATED > -ndtri(ALPHA / len(shares)) * error
        yield {slow.level for slow in found.slow}, naive


def test_groups_just_as_slow_as_tolerated_are_named_with_at_most_alpha():
    rng = np.random.default_rng(20240101)
    wrong = naive = 0
    for named, z_test in looks(rng, [0.95] * (GROUPS // 2) + [0.855] * (GROUPS // 2)):
        # a group of the first half: 0.95 against (9 x 0.95 + 10 x 0.855) / 19 = 0.90 of the others
        wrong += bool(named)
        naive += bool(z_test.any())
    assert wrong / LOOKS <= ALPHA
    assert naive / LOOKS > 0.2  # the negative control: 60 pending of 60 is taken for free of error


def test_a_group_that_is_much_slower_is_named_and_no_other():
    rng = np.random.default_rng(2)
    named = [found for found, _ in looks(rng, [0.8] + [0.3] * (GROUPS - 1))]
    assert all(found == {"g00"} for found in named)
