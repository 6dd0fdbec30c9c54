"""On real data the alarm rests through a year's seasons, names what a surcharge moved, and is there when a model fails."""

import numpy as np
import pytest
from benchmarks.real_tables import (
    BIKE_NUMBERS,
    BIKE_TEXTS,
    ELEC2,
    TRIP_NUMBERS,
    TRIP_TEXTS,
    bikes,
    elec2,
    march_trips,
    trips,
)
from scipy.special import kolmogorov
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from upkeep.core.columns import select
from upkeep.core.drift.baseline import measure
from upkeep.core.drift.compare import compare
from upkeep.core.drift.tolerance import FLOOR
from upkeep.core.profile.profile import Profile

pytestmark = pytest.mark.slow

DAY = np.timedelta64(1, "D")
PAST_WEEKS = 33  # of the power market


def life(table, when, names, *, reference_days, days):
    """Reports of one window after the other, what the reference tolerates, and rows and profiles of the windows."""
    past = np.flatnonzero(when < when[0].astype("datetime64[D]") + reference_days * DAY)
    reference, natural, _ = measure(select({name: table[name] for name in names}, past), when[past], days)
    tolerated = {key: max(FLOOR, value) for key, value in natural.items()}
    window = (when.astype("datetime64[D]") - when[0].astype("datetime64[D]")) // DAY - reference_days
    rows = [np.flatnonzero(window // days == i) for i in range((int(window.max()) + 1) // days)]
    profiles = [Profile.build(reference.grid, select({name: table[name] for name in names}, part)) for part in rows]
    reports = [
        compare(reference, profile, look=look, tolerance=tolerated) for look, profile in enumerate(profiles, start=1)
    ]
    return reference, profiles, rows, reports


def ks_p_value(report, column):
    found = next(f for f in report.findings if (f.column, f.distance) == (column, "ks"))
    n, m = report.reference_rows, report.rows
    return float(kolmogorov(found.statistic * np.sqrt(n * m / (n + m))))


@pytest.mark.parametrize("days", [7, 28])
def test_a_year_of_the_same_seasons_raises_no_alarm_where_p_values_and_a_fixed_limit_do(days):
    table, when = bikes()
    names = (*BIKE_NUMBERS, *BIKE_TEXTS)
    reference, profiles, _, reports = life(table, when, names, reference_days=364, days=days)
    assert len(reports) == {7: 52, 28: 13}[days]
    assert [report.drifted for report in reports if report.drifted] == []
    assert np.mean([ks_p_value(report, "temp") < 0.05 for report in reports]) > 0.9
    fixed = [compare(reference, profile, look=look) for look, profile in enumerate(profiles, start=1)]
    assert all(report.drifted for report in fixed)


@pytest.fixture(scope="module")
def january():
    table, when = trips("2019-01")
    reference, natural, _ = measure({name: table[name] for name in (*TRIP_NUMBERS, *TRIP_TEXTS)}, when, 7)
    return reference, {key: max(FLOOR, value) for key, value in natural.items()}


def test_the_month_of_the_surcharge_is_told_by_the_columns_that_it_moved(january):
    reference, tolerated = january
    report = compare(reference, Profile.build(reference.grid, trips("2019-02")[0]), tolerance=tolerated)
    moved = {"congestion_surcharge", "extra", "total_amount", "tip_amount", "passenger_count"}
    assert set(report.drifted) == moved
    assert {name for name in ("trip_distance", "fare_amount") if ks_p_value(report, name) < 0.05}, (
        "a p-value calls distances and fares drifted, which moved by .022 and .035"
    )


def test_no_passengers_are_new_in_february_and_so_rightly_called_drifted():
    assert not (trips("2019-01")[0]["passenger_count"] == 0).any()
    assert (trips("2019-02")[0]["passenger_count"] == 0).mean() > 0.15


def test_a_third_month_from_another_source_keeps_the_total_moved_and_the_distance_not(january):
    reference, tolerated = january
    table, _ = march_trips()
    names = [name for name in reference.columns if name in table]
    now = Profile.build(reference.grid.only(names), {name: table[name] for name in names})
    drifted = compare(reference.only(names), now, look=2, tolerance=tolerated).drifted
    assert "total_amount" in drifted
    assert "trip_distance" not in drifted


@pytest.fixture(scope="module")
def market():
    """Reports of the weeks after the reference, accuracy in them, and in weeks of the reference kept from the model."""
    table, when = elec2()
    _, _, rows, reports = life(table, when, ELEC2, reference_days=7 * PAST_WEEKS, days=7)
    x = np.column_stack([table[name] for name in ("period", *ELEC2)])
    y = table["class"]
    week = np.arange(len(y)) // (7 * 48)
    past = week < PAST_WEEKS

    def right(train, test):
        with threadpool_limits(1):  # its threads wait for each other for long where cores are shared
            model = HistGradientBoostingClassifier(max_iter=30, random_state=0).fit(x[train], y[train])
            return model.predict(x[test]) == y[test]

    kept = np.empty(past.sum(), dtype=bool)
    for block in range(5):
        out = week // 7 == block
        kept[out[past]] = right(past & ~out, past & out)
    live = right(past, ~past)
    first = int(past.sum())
    return reports, np.array([live[part - first].mean() for part in rows]), kept.reshape(PAST_WEEKS, -1).mean(axis=1)


def test_an_alarm_is_there_in_the_weeks_in_which_the_model_fails(market):
    reports, accuracy, kept = market
    fails = accuracy < kept.min()
    alarmed = np.array([bool(report.drifted) for report in reports])
    assert fails.sum() > 25
    assert alarmed[fails].mean() >= 0.95
    lasting = next(i for i in range(2, len(fails)) if fails[i - 2 : i + 1].sum() >= 2)
    assert alarmed[lasting - 4 : lasting + 1].all()


def test_the_price_is_called_drifted_where_the_model_is_worse_and_a_p_value_nearly_always(market):
    reports, accuracy, _ = market
    called = np.array(["nswprice" in report.drifted for report in reports])
    assert 0.1 < called.mean() < 0.6
    assert accuracy[called].mean() < accuracy[~called].mean() - 0.1
    significant = np.array([ks_p_value(report, "nswprice") < 0.05 for report in reports])
    assert significant.mean() > 0.95


def test_columns_of_one_value_are_called_drifted_as_soon_as_they_come_to_life(market):
    reports, _, _ = market
    called = np.array(["transfer" in report.drifted for report in reports])
    alive = int(np.argmax(called))
    table, when = elec2()
    changes = when[np.flatnonzero(np.diff(table["transfer"]))[0] + 1]
    week = int((changes - when[0]) // (7 * DAY)) - PAST_WEEKS
    assert alive - week in (0, 1)
    assert called[alive:].all()
