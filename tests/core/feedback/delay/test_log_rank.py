import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import CensoredData, logrank

from upkeep.core.feedback.delay.log_rank import compare_delays
from upkeep.errors import InputError

#: Remission under placebo, the other arm of Freireich's trial: all ended.
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
WEEKS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
STILL = [0, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1]

side = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=2, max_size=40).map(
    lambda rows: (np.array([r[0] for r in rows], float), np.array([r[1] for r in rows]))
)


def drawn(rng, n, scale, oldest=40.0):
    delay, age = rng.exponential(scale, n), rng.uniform(0, oldest, n)
    return np.minimum(delay, age), delay > age


def test_the_leukaemia_trial_as_printed():
    change = compare_delays((PLACEBO, np.zeros(21, bool)), (WEEKS, np.array(STILL, bool)))
    assert change.statistic**2 == pytest.approx(16.793, abs=1e-3)  # R: survdiff, chisq = 16.8; SAS prints 16.7929
    assert change.ratio == pytest.approx(math.exp(-1.5092), abs=1e-4)  # coxph with Breslow's ties: -1.5092
    assert (change.labels_before, change.labels) == (21, 9)
    assert not change.slower  # 9 labels are too few to say so


@given(side, side)
def test_statistic_and_p_value_are_those_of_scipy(before, now):
    if before[1].all() and now[1].all():
        return
    sides = [CensoredData(uncensored=h[~late], right=h[late]) for h, late in (now, before)]
    with np.errstate(all="ignore"):
        oracle = logrank(*sides)
    change = compare_delays(before, now)
    if math.isfinite(oracle.statistic):
        assert change.statistic == pytest.approx(oracle.statistic, abs=1e-9)
        assert change.p_value == pytest.approx(oracle.pvalue, abs=1e-9)


@given(side, side)
def test_swapping_the_windows_inverts_the_ratio(before, now):
    one, other = compare_delays(before, now), compare_delays(now, before)
    assert one.statistic == pytest.approx(-other.statistic, abs=1e-9)
    if 0.01 < one.low and one.high < 100:
        assert other.ratio == pytest.approx(1 / one.ratio, rel=1e-4)
        assert (other.low, other.high) == (
            pytest.approx(1 / one.high, rel=1e-4),
            pytest.approx(1 / one.low, rel=1e-4),
        )


def test_the_limits_by_hand():
    """One age: 60 of 100 earlier rows and 30 of 100 get their label at once."""
    before, now = ((np.full(100, 1.0), np.arange(100) >= 60), (np.full(100, 1.0), np.arange(100) >= 30))
    change = compare_delays(before, now)
    assert change.ratio == pytest.approx(30 / 60, rel=1e-4)
    z, ties = 2.1655, 110 / 199  # normal quantile of 0.0304 / 2; (200 - 90) / (200 - 1)
    for limit, sign in ((change.low, 1), (change.high, -1)):
        p = limit / (1 + limit)
        variance = ties * (90 * p * (1 - p) + 30 * (1 - p) ** 2 + 60 * p**2) / 2
        assert (30 - 90 * p) / math.sqrt(variance) == pytest.approx(sign * z, abs=1e-3)


def test_a_bucket_that_grew_is_no_slower_label_within_strata():
    rng = np.random.default_rng(1)
    groups = [np.repeat([0, 1], sizes) for sizes in ((4_000, 500), (500, 4_000))]
    sides = [drawn(rng, 4_500, np.where(group == 0, 2.0, 20.0)) for group in groups]
    assert compare_delays(*sides).slower
    stratified = compare_delays(*sides, strata=tuple(groups))
    assert not stratified.slower
    assert stratified.low < 1 < stratified.high


def test_strata_that_are_not_in_both_windows_tell_nothing():
    rng = np.random.default_rng(2)
    sides = drawn(rng, 100, 5), drawn(rng, 100, 5)
    change = compare_delays(*sides, strata=(np.zeros(100, int), np.ones(100, int)))
    assert (change.statistic, change.p_value, change.slower, change.faster) == (0, 1, False, False)


def test_one_percent_slower_at_a_million_rows_is_significant_and_does_not_matter():
    rng = np.random.default_rng(3)
    change = compare_delays(drawn(rng, 300_000, 10), drawn(rng, 300_000, 10.25))
    assert change.p_value < 1e-6
    assert not change.slower
    assert change.ratio == pytest.approx(1 / 1.025, abs=0.01)


def test_twice_as_slow_and_twice_as_fast_are_said_in_words():
    rng = np.random.default_rng(4)
    slower = compare_delays(drawn(rng, 2_000, 10), drawn(rng, 1_000, 20), look=5)
    faster = compare_delays(drawn(rng, 2_000, 10), drawn(rng, 1_000, 5), look=5)
    assert (slower.slower, slower.faster, faster.slower, faster.faster) == (True, False, False, True)
    assert slower.sentence.startswith("Labels have become slower: at the same age they come at 0.5")
    assert faster.sentence.startswith("Labels have become faster")


def test_early_and_late_weights_look_where_they_should():
    rng = np.random.default_rng(5)
    early = np.minimum(rng.exponential(10, 4_000), 5)  # as before up to five hours, then nothing comes for long
    before, now = (rng.exponential(10, 4_000), np.zeros(4_000, bool)), (np.where(early < 5, early, 60.0), early == 5)
    late = compare_delays(before, now, weights=(0, 1)).statistic
    soon = compare_delays(before, now, weights=(1, 0)).statistic
    assert late < soon < 0


def test_without_labels_on_one_side_there_is_a_limit_on_one_side():
    rng = np.random.default_rng(6)
    change = compare_delays(drawn(rng, 200, 5), (np.full(200, 9.0), np.ones(200, bool)))
    assert (change.ratio, change.low) == (0, 0)
    assert change.high < 0.1
    assert not change.slower  # by the rule of 30 labels


def test_settings_and_rows_that_cannot_be_are_refused():
    fine = ([1.0, 2.0], np.array([False, True]))
    for settings, message in [
        ({"tolerance": -0.1}, "tolerance must be at least 0"),
        ({"alpha": 5}, "alpha"),
        ({"look": 0}, "looks are counted from 1"),
        ({"weights": (-1, 0)}, "weights must be"),
        ({"strata": ([1], [1, 2])}, "strata must be whole numbers of shape"),
    ]:
        with pytest.raises(InputError, match=message):
            compare_delays(fine, fine, **settings)
    with pytest.raises(InputError, match="hours must be finite"):
        compare_delays(fine, ([np.nan], np.array([True])))
