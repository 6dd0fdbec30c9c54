"""Labels are called slower with at most the chance promised for a whole life; forecasts and limits hold as often as they say."""

import numpy as np
import pytest

from upkeep.core.feedback.delay.curve import DelayCurve
from upkeep.core.feedback.delay.forecast import forecast
from upkeep.core.feedback.delay.log_rank import compare_delays
from upkeep.core.feedback.delay.risk_table import RiskTable
from upkeep.core.feedback.intervals import clopper_pearson

pytestmark = pytest.mark.slow

ALPHA, LIVES, WINDOWS = 0.05, 200, 12


def window(rng, n, mean_h):
    delay, age = rng.exponential(mean_h, n), rng.uniform(0, 40, n)
    return np.minimum(delay, age), delay > age


@pytest.mark.parametrize(("tolerance", "mean_h"), [(0.0, 10.0), (0.25, 12.5)])
def test_at_most_alpha_of_all_lives_just_within_tolerance_ever_see_an_alarm(tolerance, mean_h):
    rng = np.random.default_rng(20240101)
    ours = naive = 0
    for _ in range(LIVES):
        before, found = window(rng, 600, 10), [False, False]
        for look in range(1, WINDOWS + 1):
            change = compare_delays(before, window(rng, 150, mean_h), tolerance=tolerance, look=look, alpha=ALPHA)
            found[0] |= change.slower or change.faster
            found[1] |= change.p_value < ALPHA
        ours += found[0]
        naive += found[1]
    assert ours / LIVES <= ALPHA + 2 * np.sqrt(ALPHA * (1 - ALPHA) / LIVES)  # two standard errors of so many lives
    assert naive / LIVES > 0.3  # the control: p < .05 in any window


def test_a_small_window_is_as_often_faster_as_slower_by_chance_and_not_by_the_plain_log_rank_test():
    rng = np.random.default_rng(6)
    runs, share, quantile = 4_000, 0.025, 1.959964
    ours, plain = np.zeros(2), np.zeros(2)
    for _ in range(runs):
        table = RiskTable.of(window(rng, 1_500, 10), window(rng, 60, 10), None, (0.0, 0.0))
        for counts, statistic in ((ours, table.statistic(0.0, both=True)), (plain, table.statistic(0.0))):
            counts += statistic < -quantile, statistic > quantile
    error = np.sqrt(share * (1 - share) / runs)
    assert (np.abs(ours / runs - share) <= 2.5 * error).all(), ours / runs
    assert plain[1] / runs > share + 2.5 * error, plain / runs


def test_labels_twice_as_slow_are_seen_in_the_first_window_though_many_were_fine():
    rng = np.random.default_rng(2)
    before = window(rng, 2_000, 10)
    seen = [compare_delays(before, window(rng, 500, 20), look=50).slower for _ in range(100)]
    assert np.mean(seen) >= 0.98


def test_limits_of_the_curve_hold_the_truth_and_those_without_log_log_do_not():
    rng = np.random.default_rng(3)
    held, plain, runs = np.zeros(3), np.zeros(3), 1_500
    at = np.array([0.5, 10.0, 25.0])
    for _ in range(runs):
        curve = DelayCurve.fit(*window(rng, 60, 10))
        low, high = curve.interval(at)
        truth, centre, error = 1 - np.exp(-at / 10), curve.labelled_by(at), curve.standard_error(at)
        held += (low <= truth) & (truth <= high)
        plain += np.abs(centre - truth) <= 1.959964 * error
    assert (held / runs >= 0.935).all(), held / runs
    assert (plain / runs).min() < 0.92, plain / runs  # Greenwood's interval on the scale of shares


def reached(rng, curve, never, precision):
    """Moment foreseen and the one that it became, for a window of 1,500 rows of up to a day."""
    delay = np.where(rng.random(1_500) < never, np.inf, rng.lognormal(2, 1, 1_500))
    age, right = rng.uniform(0, 24, 1_500), rng.random(1_500) < 0.9
    pending = delay > age
    told = forecast(
        age[pending], int((~pending).sum()), int(right[~pending].sum()), curve, precision=precision, accuracy=0.9
    )
    left = (delay - age)[pending]
    order = np.argsort(left)
    labels = (~pending).sum() + np.arange(len(left) + 1)
    correct = right[~pending].sum() + np.append(0, np.cumsum(right[pending][order]))
    moments = np.append(0.0, left[order])
    for moment, rows, good in zip(moments.tolist(), labels.tolist(), correct.tolist(), strict=True):
        low, high = clopper_pearson(good, rows, 0.05)
        if (high - low) / 2 <= precision:
            return told, moment
    return told, np.inf


def test_the_moment_lies_within_its_limits_and_a_curve_that_forgets_the_pending_is_wrong():
    rng = np.random.default_rng(4)
    held = naive = runs = 0
    for _ in range(60):
        delay, age = rng.lognormal(2, 1, 1_000), rng.uniform(0, 60, 1_000)
        hours, pending = np.minimum(delay, age), delay > age
        seed = rng.integers(2**32)
        for curve, ours in (
            (DelayCurve.fit(hours, pending), True),
            (DelayCurve.fit(hours[~pending], pending[~pending]), False),
        ):
            told, moment = reached(np.random.default_rng(seed), curve, 0.03, 0.0175)
            early, late = told.early_h, np.inf if told.late_h is None else told.late_h
            inside = early is not None and early <= moment <= late
            held, naive = held + (inside and ours), naive + (inside and not ours)
        runs += 1
    assert held / runs >= 0.95
    assert naive / runs < held / runs - 0.05


def test_never_is_said_only_of_what_never_comes():
    rng = np.random.default_rng(5)
    delay, age = np.where(rng.random(4_000) < 0.3, np.inf, rng.lognormal(2, 1, 4_000)), rng.uniform(0, 800, 4_000)
    curve = DelayCurve.fit(np.minimum(delay, age), delay > age)
    said, wrong = 0, 0
    for precision in (0.0145, 0.0165, 0.0185):
        for _ in range(40):
            told, moment = reached(rng, curve, 0.3, precision)
            said += bool(told.never)
            wrong += bool(told.never) and np.isfinite(moment)
    assert said >= 40
    assert wrong / said <= 0.05
