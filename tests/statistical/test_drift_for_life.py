"""The drift alarm keeps its promise over whole lives, and still sees what matters."""

import numpy as np
import pytest
from scipy.special import kolmogorov

from upkeep.core.drift.compare import compare
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile

pytestmark = pytest.mark.slow

ALPHA = 0.05
LIVES, WINDOWS = 300, 30


def rows(rng, n):
    """Correlated columns, one with ties, one mostly missing, one of text."""
    common = rng.normal(size=n)
    return {
        "a": common + 0.3 * rng.normal(size=n),
        "b": common + 0.3 * rng.normal(size=n),
        "ties": np.round(common),
        "gaps": np.where(rng.random(n) < 0.6, np.nan, common),
        "zone": rng.integers(0, 12, n).astype(str).astype(object),
    }


@pytest.fixture(scope="module")
def alarms():
    """Lives with any alarm when nothing moves: ours at tolerance 0, and a KS p-value below alpha per column and window."""
    rng = np.random.default_rng(20240101)
    ours = naive = 0
    for _ in range(LIVES):
        table = rows(rng, 500)
        grid = ReferenceGrid.fit(table, bins=64)
        reference = Profile.build(grid, table)
        found = [False, False]
        for look in range(1, WINDOWS + 1):
            window = Profile.build(grid, rows(rng, 250))
            report = compare(reference, window, alpha=ALPHA, look=look, tolerance=0.0)
            found[0] |= bool(report.drifted)
            found[1] |= any(
                kolmogorov(f.statistic * np.sqrt(500 / 3)) < ALPHA for f in report.findings if f.distance == "ks"
            )
        ours += found[0]
        naive += found[1]
    return ours / LIVES, naive / LIVES


def test_at_most_alpha_of_all_lives_without_drift_ever_see_an_alarm(alarms):
    assert alarms[0] <= ALPHA


def test_a_fixed_p_value_per_window_alarms_in_most_lives(alarms):
    assert alarms[1] > 0.8


@pytest.mark.parametrize("tolerance", [0.02, 0.1])
def test_sources_just_at_the_tolerance_are_called_drifted_with_at_most_alpha(tolerance):
    """The worst case: one uniform sample moved against the other by exactly the tolerance."""
    rng = np.random.default_rng(7)
    n, runs, alpha = 1_000, 1_500, 0.2
    radius = np.sqrt((1 + np.log(1 / alpha)) / n)
    cuts = np.linspace(0, 1 - tolerance, 1_000)
    wrong = naive = 0
    for _ in range(runs):
        f = np.searchsorted(np.sort(rng.random(n)), cuts + tolerance) / n
        g = np.searchsorted(np.sort(rng.random(n)), cuts) / n
        distance = np.abs(f - g).max()
        wrong += distance - radius > tolerance
        naive += distance > tolerance
    assert wrong / runs <= alpha
    assert naive / runs > 2 * alpha  # without a radius


def test_a_shift_of_a_fifth_of_a_sigma_in_one_of_20_columns_is_seen_and_no_other_named():
    rng = np.random.default_rng(11)
    runs, n = 60, 10_000
    seen = others = 0
    for _ in range(runs):
        table = {f"x{i}": rng.normal(size=n) for i in range(20)}
        grid = ReferenceGrid.fit(table)
        now = {name: rng.normal(0.2 if name == "x3" else 0.0, 1, n) for name in table}
        drifted = compare(Profile.build(grid, table), Profile.build(grid, now), alpha=ALPHA).drifted
        seen += "x3" in drifted
        others += bool(set(drifted) - {"x3"})
    assert seen / runs >= 0.95
    assert others == 0


def test_intervals_hold_the_true_distance_of_categories_and_of_nulls():
    rng = np.random.default_rng(5)
    levels = np.array([f"z{i:02}" for i in range(40)], dtype=object)
    p = np.linspace(1, 3, 40) / 80
    q = p[::-1]
    truth = {"total_variation": np.abs(p - q).sum() / 2, "null_rate": 0.1}
    alpha, runs = 0.3, 400
    missed, missed_without_bias = dict.fromkeys(truth, 0), 0
    for _ in range(runs):
        a = np.where(rng.random(600) < 0.1, None, rng.choice(levels, 600, p=p))
        b = np.where(rng.random(600) < 0.2, None, rng.choice(levels, 600, p=q))
        grid = ReferenceGrid.fit({"x": a})
        report = compare(Profile.build(grid, {"x": a}), Profile.build(grid, {"x": b}), alpha=alpha, tolerance=0.0)
        for f in report.findings:
            if f.distance in truth:
                missed[f.distance] += not f.low <= truth[f.distance] <= f.high
        same = rng.choice(levels, 600, p=p)
        equal = (
            np.abs(np.bincount(rng.choice(40, 600, p=p), minlength=40) - [np.sum(same == z) for z in levels]).sum()
            / 1_200
        )
        missed_without_bias += equal - np.sqrt(np.log(1 / alpha) / 600) > 0
    assert all(count / runs <= alpha for count in missed.values())
    assert missed_without_bias / runs > 0.9  # negative control: many levels look like a difference
