"""A source with seasons, ties, gaps and Cauchy's tails that never changes is left alone for life; one that moves is not."""

from functools import reduce

import numpy as np
import pytest
from scipy.special import kolmogorov
from scipy.stats import norm

from upkeep.core.columns import Coded
from upkeep.core.drift.compare import compare
from upkeep.core.drift.tolerance import tolerances
from upkeep.core.profile.cells import NumericCells
from upkeep.core.profile.counting import ColumnProfile
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile

pytestmark = pytest.mark.slow

ALPHA = 0.05
YEAR, LIVES, WINDOWS = 52, 40, 60
SEASONAL = {"warmth", "sensor", "weather"}


def rows(rng, week, n):
    common = rng.normal(size=n)
    wave = np.sin(2 * np.pi * week / YEAR)
    holiday = 1.5 if week % YEAR == 50 else 0.0
    shares = np.cumsum([3 + wave, 2, 1, 1.01 - wave]) / 7.01
    return {
        "tails": rng.standard_cauchy(n) + common,
        "ties": np.round(2 * common + rng.normal(size=n)) / 2,
        "tolls": np.where(rng.random(n) < 0.9, 0.0, np.exp(common)),
        "gaps": np.where(rng.random(n) < 0.2 + 0.1 * (common > 0), np.nan, rng.normal(size=n)),
        "warmth": wave + holiday + common,
        "sensor": np.where(rng.random(n) < 0.1 + 0.08 * wave, np.nan, common),
        "weather": Coded(np.searchsorted(shares, rng.random(n)).clip(max=3), ("dry", "rain", "fog", "snow")),
    }


def joined(weeks):
    codes = np.concatenate([week["weather"].codes for week in weeks])
    numbers = {name: np.concatenate([week[name] for week in weeks]) for name in weeks[0] if name != "weather"}
    return numbers | {"weather": Coded(codes, weeks[0]["weather"].levels)}


def p_value(reference, window, column):
    a, b = reference.columns[column].counts, window.columns[column].counts
    distance = np.abs(np.cumsum(a) / a.sum() - np.cumsum(b) / b.sum()).max()
    return kolmogorov(distance / np.sqrt(1 / a.sum() + 1 / b.sum()))


@pytest.fixture(scope="module")
def lives():
    """Shares of lives with any alarm: ours, ours with the floor alone as tolerance, and a p-value of a column without season."""
    rng = np.random.default_rng(20240202)
    hit = {"ours": 0, "floor": 0, "floor, still columns": 0, "p": 0}
    for _ in range(LIVES):
        year = [rows(rng, week, 600) for week in range(YEAR)]
        grid = ReferenceGrid.fit(joined(year), bins=128)
        past = [Profile.build(grid, week) for week in year]
        reference = Profile.build(grid, joined(year))
        natural = tolerances(past)
        found = dict.fromkeys(hit, False)
        for look in range(1, WINDOWS + 1):
            window = Profile.build(grid, rows(rng, YEAR + look - 1, 600))
            report = compare(reference, window, alpha=ALPHA, look=look, tolerance=natural)
            floor = {f.column for f in report.findings if f.low > 0.02}
            found["ours"] |= bool(report.drifted)
            found["floor"] |= bool(floor)
            found["floor, still columns"] |= bool(floor - SEASONAL)
            found["p"] |= p_value(reference, window, "tails") < ALPHA
        for rule, alarmed in found.items():
            hit[rule] += alarmed
    return {rule: count / LIVES for rule, count in hit.items()}


def test_a_season_that_returns_ties_gaps_and_long_tails_alarm_in_at_most_alpha_of_all_lives(lives):
    assert lives["ours"] <= ALPHA
    assert lives["floor, still columns"] <= ALPHA


def test_a_tolerance_that_knows_nothing_of_the_season_alarms_in_most_lives(lives):
    assert lives["floor"] > 0.9


def test_one_column_without_season_judged_by_p_values_alarms_in_most_lives(lives):
    assert lives["p"] > 0.7


CUTS = 1.5 * norm.ppf(np.arange(1, 256) / 256)
LARGE = ReferenceGrid(cells={name: NumericCells(cuts=CUTS) for name in ("still", "warmth")})


def large(rng, week, shift=0.0, n=1_000_000):
    """A window whose counts are drawn in place of its rows, which is the same law."""
    wave = np.sin(2 * np.pi * week / YEAR) + (0.8 if week % YEAR == 50 else 0.0)
    columns = {
        name: ColumnProfile(counts=rng.multinomial(n, np.diff(norm.cdf(CUTS - mean), prepend=0, append=1)), nulls=0)
        for name, mean in (("still", shift), ("warmth", wave))
    }
    return Profile(grid=LARGE, rows=n, columns=columns)


def test_at_a_million_rows_a_window_the_season_is_no_drift_though_every_p_value_calls_it_one():
    rng = np.random.default_rng(3)
    alarmed, lives, significant = 0, 20, []
    for _ in range(lives):
        past = [large(rng, week) for week in range(YEAR)]
        reference = reduce(Profile.merge, past)
        natural = tolerances(past)
        windows = [large(rng, week) for week in range(YEAR, 2 * YEAR)]
        reports = [compare(reference, w, alpha=ALPHA, look=k, tolerance=natural) for k, w in enumerate(windows, 1)]
        alarmed += any(report.drifted for report in reports)
        significant += [p_value(reference, window, "warmth") < ALPHA for window in windows]
    assert alarmed / lives <= ALPHA
    assert np.mean(significant) > 0.9


def test_at_a_million_rows_a_shift_of_a_hundredth_of_a_sigma_is_significant_and_no_drift_and_one_of_a_fifth_is_drift():
    rng = np.random.default_rng(4)
    windows, significant, drifted, seen = 40, 0, 0, 0
    reference = large(rng, 0)
    for look in range(1, windows + 1):
        tiny, real = large(rng, 0, shift=0.01), large(rng, 0, shift=0.2)
        significant += p_value(reference, tiny, "still") < ALPHA
        drifted += bool(compare(reference, tiny, alpha=ALPHA, look=look).drifted)
        seen += compare(reference, real, alpha=ALPHA, look=look).drifted == ("still",)
    assert significant / windows > 0.9
    assert drifted == 0
    assert seen == windows
