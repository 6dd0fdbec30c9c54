import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.drift.compare import compare, holm
from upkeep.core.drift.distances import distances
from upkeep.core.drift.spending import spend
from upkeep.core.drift.tolerance import tolerances
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError

TAXI = Path(__file__).parents[3] / "../shared/data/taxi"


def profiles(reference, *others):
    grid = ReferenceGrid.fit(reference)
    return [Profile.build(grid, table) for table in (reference, *others)]


def test_the_budget_of_all_looks_adds_up_to_alpha():
    assert spend(0.05, 1) == pytest.approx(0.0303964, abs=1e-7)
    assert sum(spend(0.05, k) for k in range(1, 100_000)) == pytest.approx(0.05, abs=1e-6)
    assert sum(spend(0.05, k) for k in range(1, 100_000)) < 0.05


@pytest.mark.parametrize(("alpha", "look"), [(0.0, 1), (1.0, 1), (95, 1), (0.05, 0)])
def test_a_budget_that_cannot_be_is_refused(alpha, look):
    with pytest.raises(InputError):
        spend(alpha, look)


def test_the_interval_by_hand():
    x = np.arange(10_000.0)
    reference, current = profiles({"x": x}, {"x": x + 1000})
    found = {f.distance: f for f in compare(reference, current, alpha=0.05, look=1).findings}
    radius = np.sqrt((1 + np.log(2 / spend(0.05, 1))) / 10_000)  # one column, two distances, e in place of 2

    assert found["ks"].statistic == pytest.approx(0.1, abs=1e-3)
    assert found["ks"].low == pytest.approx(found["ks"].statistic - radius)
    assert found["ks"].high == pytest.approx(found["ks"].statistic + found["ks"].grid_error + radius)
    assert found["ks"].drifted
    assert not found["null_rate"].drifted


def test_a_p_value_is_the_level_at_which_the_interval_touches_the_tolerance():
    x = np.arange(10_000.0)
    reference, current = profiles({"x": x}, {"x": x + 700})
    found = {f.distance: f for f in compare(reference, current, tolerance=0.02).findings}
    distance = {d.name: d for d in distances(reference, current, "x")}["ks"]

    assert found["ks"].p_value == pytest.approx(np.e * np.exp(-10_000 * (distance.statistic - 0.02) ** 2))
    assert distance.statistic - distance.radius(found["ks"].p_value) == pytest.approx(0.02)
    assert found["null_rate"].p_value == 1.0


def test_holm_by_hand():
    assert holm([0.060, 0.011, 0.020, 0.026], alpha=0.05) == [False, True, False, False]  # .011 < .0125, .020 > .0167
    assert holm([0.060, 0.011, 0.016, 0.026], alpha=0.05) == [False, True, True, False]  # .016 < .0167, .026 > .025
    assert holm([0.2, 0.0124], alpha=0.05) == [False, True]
    assert holm([0.0124, 0.2, 0.03], alpha=0.05) == [True, False, False]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0.001, 0.5))
def test_holm_rejects_what_bonferroni_rejects_and_never_a_larger_p_before_a_smaller(p_values, alpha):
    rejected = holm(p_values, alpha)
    for p, gone in zip(p_values, rejected, strict=True):
        assert gone or p > alpha / len(p_values)
        assert not gone or all(other for q, other in zip(p_values, rejected, strict=True) if q < p)


def test_many_moved_columns_make_each_easier_to_see():
    x = np.arange(4_000.0)
    table = {f"x{i}": x for i in range(6)}
    moved = table | {f"x{i}": x + 800 for i in range(5)} | {"x5": x + 244}  # seen alone, x5 does not suffice
    alone = table | {"x5": x + 244}
    reference, all_moved, one_moved = profiles(table, moved, alone)

    assert "x5" in compare(reference, all_moved).drifted
    assert compare(reference, one_moved).drifted == ()


def test_more_columns_and_later_looks_need_more_evidence():
    x = np.arange(2_000.0)
    one, moved = profiles({"x": x}, {"x": x + 400})
    two, moved_two = profiles({"x": x, "y": x}, {"x": x + 400, "y": x})

    def low(reference, current, look):
        return max(f.low for f in compare(reference, current, look=look).findings if f.column == "x")

    assert low(one, moved, 1) > low(two, moved_two, 1) > low(two, moved_two, 2)


def test_a_tolerance_per_column_and_distance_decides():
    x = np.arange(10_000.0)
    reference, current = profiles({"x": x, "y": x}, {"x": x + 1000, "y": x + 1000})

    assert compare(reference, current).drifted == ("x", "y")
    assert compare(reference, current, tolerance={"x": 0.2}).drifted == ("y",)
    assert compare(reference, current, tolerance={"x:ks": 0.2, "x": 0.0, "y:null_rate": 0.9}).drifted == ("y",)
    assert compare(reference, current, tolerance=0.2).drifted == ()


def test_many_rare_categories_do_not_drift_by_their_number():
    rng = np.random.default_rng(1)
    before, now = ({"zone": rng.integers(0, 100, 2_000).astype(str).astype(object)} for _ in range(2))
    report = compare(*profiles(before, now), tolerance=0.0)
    found = {f.distance: f for f in report.findings}

    assert found["total_variation"].statistic > 0.08  # of two samples of one source
    assert report.drifted == ()


def test_a_column_whose_values_are_gone_drifts_by_its_nulls():
    x = np.arange(3_000.0)
    report = compare(*profiles({"x": x}, {"x": np.full(3_000, np.nan)}))
    assert report.drifted == ("x",)
    assert "share of missing or infinite values moved from 0.0% to 100.0%" in report.findings[0].sentence
    assert any("nothing can be said" in f.sentence for f in report.findings)


def test_profiles_of_other_grids_or_without_columns_are_refused():
    (a,), (b,) = profiles({"x": np.arange(5.0)}), profiles({"x": np.arange(6.0)})
    with pytest.raises(InputError, match="share one reference grid"):
        compare(a, b)
    with pytest.raises(InputError, match="at least one"):
        compare(a.only([]), a.only([]))


def test_the_tolerance_is_the_natural_variation_of_past_windows_but_never_below_the_floor():
    rng = np.random.default_rng(1)
    levels = [0.0, 0.3, -0.3, 0.1, -0.1]
    weeks = [{"season": rng.normal(level, 1, 4_000), "still": rng.normal(size=4_000)} for level in levels]
    grid = ReferenceGrid.fit({name: np.concatenate([week[name] for week in weeks]) for name in weeks[0]})
    windows = [Profile.build(grid, week) for week in weeks]
    learned = tolerances(windows, quantile=1.0)

    assert learned["season:ks"] == pytest.approx(0.13, abs=0.03)  # a move of .3 + .075 sigma, less chance
    assert learned["still:ks"] == 0.02
    assert tolerances(windows[:2]) == {}  # nothing is known, so `compare` takes the floor
    assert tolerances(windows, floor=0.2)["season:ks"] == 0.2
    assert tolerances(windows, floor=0.0)["still:ks"] < 0.01  # what chance gives is taken off
    with pytest.raises(InputError, match="quantile must lie"):
        tolerances(windows, quantile=1.5)


def test_windows_of_few_rows_excuse_nothing():
    rng = np.random.default_rng(1)
    weeks = [rng.normal(size=rows) for rows in (2_000, 3, 2_000, 5, 2_000, 1, 2_000)]
    grid = ReferenceGrid.fit({"x": np.concatenate(weeks)})
    assert tolerances([Profile.build(grid, {"x": week}) for week in weeks])["x:ks"] == 0.02


def test_what_counts_as_moved_in_the_past_pays_for_every_window():
    rng = np.random.default_rng(2)
    weeks = [{"x": rng.normal(size=400)} for _ in range(200)]
    grid = ReferenceGrid.fit({"x": np.concatenate([week["x"] for week in weeks])})
    windows = [Profile.build(grid, week) for week in weeks]

    assert tolerances(windows)["x:ks"] == 0.02
    assert tolerances(windows, alpha=0.999 * 400)["x:ks"] > 0.02  # as if each window had all of it


def test_a_rare_season_of_the_past_is_tolerated_when_it_returns():
    rng = np.random.default_rng(1)
    weeks = [{"x": rng.normal(0.8 if week == 3 else 0.0, 1, 2_000)} for week in range(30)]
    whole = {"x": np.concatenate([week["x"] for week in weeks])}
    grid = ReferenceGrid.fit(whole)
    learned = tolerances([Profile.build(grid, week) for week in weeks])
    again, stronger = (Profile.build(grid, {"x": rng.normal(mean, 1, 2_000)}) for mean in (0.8, 1.1))

    assert compare(Profile.build(grid, whole), again, tolerance=0.02).drifted == ("x",)
    assert compare(Profile.build(grid, whole), again, tolerance=learned).drifted == ()
    assert compare(Profile.build(grid, whole), stronger, tolerance=learned).drifted == ("x",)


@pytest.fixture(scope="module")
def months():
    """Numeric columns of the January and the February sample; the folder's absence is the only excuse."""
    if not TAXI.exists():
        return None
    tables = []
    for month in ("01", "02"):
        with (TAXI / f"yellow_tripdata_sample_2019-{month}.csv").open() as file:
            rows = list(csv.DictReader(file))
        text = {"pickup_datetime", "dropoff_datetime", "store_and_fwd_flag"}
        tables.append({c: np.array([float(r[c] or "nan") for r in rows]) for c in rows[0] if c not in text})
    return tables


def test_the_surcharge_of_february_2019_has_drifted_by_name_and_trip_distance_has_not(months):
    if months is None:
        return
    assert all(len(month["trip_distance"]) == 10_000 for month in months)
    report = compare(*profiles(*months), alpha=0.05)

    assert report.drifted[0] == "congestion_surcharge"
    assert "trip_distance" not in report.drifted
    nulls = next(f for f in report.findings if (f.column, f.distance) == ("congestion_surcharge", "null_rate"))
    assert (nulls.before, nulls.after, nulls.drifted) == (0.6327, 0.0, True)
