"""What a generated week promises, and that each incident does what it says and nothing else."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from upkeep.core.columns import Columns, row_count
from upkeep.core.identity import row_ids
from upkeep.core.simulation.boroughs import boroughs
from upkeep.core.simulation.incidents import Incidents
from upkeep.core.simulation.trips import COLUMNS, KEY, LATEST_WEEKS, GeneratedWeek, generate_week
from upkeep.errors import InputError

JANUARY = Path(__file__).parents[3].parent / "shared" / "data" / "taxi" / "yellow_tripdata_sample_2019-01.csv"
START = "2024-10-07"
ROWS = 20_000
NUMERIC = ("trip_distance", "fare_amount", "passenger_count", "extra", "tolls_amount", "congestion_surcharge")
AFTER_THE_TRIP = {"tip_amount", "total_amount"}


def week(number: int, incidents: Incidents | None = None, *, rows: int = ROWS, seed: int = 7) -> GeneratedWeek:
    return generate_week(number, start=START, rows=rows, seed=seed, incidents=incidents)


def ends(number: int) -> np.datetime64:
    return np.datetime64(START, "us") + np.timedelta64(7 * (number + 1), "D")


def differing(a: Columns, b: Columns) -> set[str]:
    return {name for name in a if not np.array_equal(a[name], b[name], equal_nan=a[name].dtype.kind == "f")}


def minutes(trips: Columns) -> NDArray[np.float64]:
    return np.asarray((trips["dropoff_datetime"] - trips["pickup_datetime"]) / np.timedelta64(1, "m"))


def hours(times: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return (times - times.astype("datetime64[D]")).astype("timedelta64[h]").astype(np.int64)


@pytest.fixture(scope="module")
def january() -> Columns:
    with JANUARY.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    texts: dict[str, NDArray[Any]] = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    times = {name: texts[name].astype("datetime64[us]") for name in ("pickup_datetime", "dropoff_datetime")}
    numbers = ("trip_distance", "fare_amount", "tip_amount", "passenger_count", "payment_type", "pickup_location_id")
    return times | {name: texts[name].astype(float) for name in numbers}


def test_the_columns_are_those_of_the_real_file_in_its_order() -> None:
    header = JANUARY.read_text().split("\n", 1)[0].split(",")
    assert list(week(0, rows=10).trips) == header == list(COLUMNS)


def test_a_week_lies_in_its_own_seven_days_in_order_of_pickup() -> None:
    pickups = week(3).trips["pickup_datetime"]
    assert (np.diff(pickups) >= np.timedelta64(0)).all()
    assert ends(2) <= pickups[0] <= pickups[-1] < ends(3)


@given(order=st.permutations(range(6)), seed=st.integers(0, 2**32))
@settings(max_examples=10, deadline=None)
def test_a_week_is_the_same_whatever_was_made_before(order: list[int], seed: int) -> None:
    incidents = Incidents(concept_week=2, new_year_week=3, broken_meter_week=4)
    first = {number: week(number, incidents, rows=200, seed=seed) for number in order}
    for number in range(6):
        again = week(number, incidents, rows=200, seed=seed)
        assert not differing(first[number].trips, again.trips)
        assert not differing(first[number].feedback, again.feedback)


def test_another_seed_and_another_week_are_other_trips() -> None:
    base = set(row_ids(week(3).trips, KEY).tolist())
    assert not base & set(row_ids(week(3, seed=8).trips, KEY).tolist())
    assert not base & set(row_ids(week(4).trips, KEY).tolist())


def test_ids_are_unique_but_for_rare_twins() -> None:
    assert ROWS - len(np.unique(row_ids(week(5).trips, KEY))) <= 2


def test_a_week_takes_less_than_a_third_of_a_second() -> None:
    began = time.process_time()
    week(10)
    assert time.process_time() - began < 0.3


def test_marginals_are_near_the_real_january(january: Columns) -> None:
    trips = generate_week(0, start="2019-01-07", rows=ROWS, seed=1).trips
    for name in ("trip_distance", "fare_amount"):
        assert ks_2samp(trips[name], january[name]).statistic < 0.06, name
    assert ks_2samp(minutes(trips), minutes(january)).statistic < 0.06
    assert ks_2samp(hours(trips["pickup_datetime"]), hours(january["pickup_datetime"])).statistic < 0.04
    for name, value, tolerance in (("payment_type", 1, 0.02), ("payment_type", 2, 0.02), ("passenger_count", 1, 0.02)):
        assert np.mean(trips[name] == value) == pytest.approx(np.mean(january[name] == value), abs=tolerance)
    for place in ("Manhattan", "Queens", "Brooklyn"):
        share = np.mean(boroughs(trips["pickup_location_id"]) == place)
        assert share == pytest.approx(np.mean(boroughs(january["pickup_location_id"]) == place), abs=0.015)
    tipped = np.nanmean(
        np.where(np.isnan(trips["tip_amount"]), np.nan, trips["tip_amount"] > 0.2 * trips["fare_amount"])
    )
    assert tipped == pytest.approx(np.mean(january["tip_amount"] > 0.2 * january["fare_amount"]), abs=0.06)


def test_the_total_tells_nothing_of_a_tip_that_is_not_known() -> None:
    trips = week(2).trips
    parts = ("fare_amount", "extra", "mta_tax", "tolls_amount", "improvement_surcharge")
    charges = sum(trips[name] for name in parts) + np.where(trips["vendor_id"] == 1, 0, trips["congestion_surcharge"])
    assert np.allclose(trips["total_amount"], charges + np.nan_to_num(trips["tip_amount"]))


def test_every_label_comes_once_and_about_two_in_a_hundred_never() -> None:
    own = row_ids(week(0).trips, KEY)
    at_once = np.isfinite(week(0).trips["tip_amount"])
    late = np.concatenate([week(number).feedback["prediction_id"] for number in range(1, LATEST_WEEKS + 1)])
    late = late[np.isin(late, own)]
    assert len(np.unique(late)) == len(late)
    assert not np.isin(late, own[at_once]).any()
    assert at_once.mean() == pytest.approx(0.885, abs=0.01)
    assert (at_once.sum() + len(late)) / ROWS == pytest.approx(0.98, abs=0.004)
    assert not np.isin(week(LATEST_WEEKS + 1).feedback["prediction_id"], own).any()


def test_feedback_of_a_week_is_known_in_that_week_after_the_trip() -> None:
    feedback = week(5).feedback
    assert (feedback["observed_at"] >= ends(4)).all()
    assert (feedback["observed_at"] < ends(5)).all()
    earlier = {}
    for number in range(1, 5):
        trips = week(number).trips
        earlier |= dict(zip(row_ids(trips, KEY).tolist(), trips["dropoff_datetime"], strict=True))
    ids = feedback["prediction_id"].tolist()
    assert all(earlier[i] < when for i, when in zip(ids, feedback["observed_at"], strict=True))
    assert {name: values.dtype.str for name, values in feedback.items()} == {
        "prediction_id": "<i8", "observed_at": "<M8[us]", "label": "<i8"
    }  # fmt: skip


def test_the_first_week_has_no_feedback() -> None:
    assert row_count(week(0, rows=50).feedback) == 0


def test_concept_shift_leaves_everything_but_the_tips_as_it_was() -> None:
    shifted = Incidents(concept_week=6)
    assert not differing(week(5, shifted).trips, week(5).trips)
    for number in (6, 8):
        changed, unchanged = week(number, shifted).trips, week(number).trips
        assert differing(changed, unchanged) == AFTER_THE_TRIP
        elsewhere = week(number, seed=99).trips  # and against other trips there is sampling noise alone
        assert all(ks_2samp(changed[name], elsewhere[name]).pvalue > 1e-4 for name in NUMERIC)


def test_new_year_moves_the_trips_in_its_week_alone() -> None:
    celebrated = Incidents(new_year_week=6)
    party, plain = week(6, celebrated).trips, week(6).trips
    assert ks_2samp(party["trip_distance"], plain["trip_distance"]).statistic > 0.08
    night = [np.isin(hours(t["pickup_datetime"]), [21, 22, 23, 0, 1, 2, 3, 4]).mean() for t in (party, plain)]
    assert night[0] > night[1] + 0.1
    assert party["passenger_count"].mean() > plain["passenger_count"].mean() + 0.2
    assert np.mean(party["payment_type"] == 1) == pytest.approx(np.mean(plain["payment_type"] == 1), abs=1e-9)
    for number in (5, 7):
        assert not differing(week(number, celebrated).trips, week(number).trips)


def test_a_broken_meter_hits_a_share_of_vendor_2_in_its_week_alone() -> None:
    incident = Incidents(broken_meter_week=6, broken_meter_share=0.2)
    broken, plain = week(6, incident).trips, week(6).trips
    assert differing(broken, plain) == {"trip_distance", "fare_amount", "total_amount"}
    hit = (broken["trip_distance"] != plain["trip_distance"]) | (broken["fare_amount"] != plain["fare_amount"])
    assert set(broken["vendor_id"][hit]) == {2}
    assert hit[broken["vendor_id"] == 2].mean() == pytest.approx(0.2, abs=0.015)
    ratio = broken["trip_distance"][hit] / plain["trip_distance"][hit]
    assert set(ratio.round(6)) == {0.0, 1.0, 100.0}
    assert set(broken["fare_amount"][hit & (broken["trip_distance"] == plain["trip_distance"])]) == {0.0}
    for number in (5, 7):
        assert not differing(week(number, incident).trips, week(number).trips)


def test_labels_of_the_late_borough_are_ten_days_late_and_no_others() -> None:
    incident = Incidents(late_borough="Queens", late_borough_week=4)
    assert not differing(week(3, incident).trips, week(3).trips)
    trips, plain = week(4, incident).trips, week(4).trips
    queens = boroughs(trips["pickup_location_id"]) == "Queens"
    pending = np.isnan(trips["tip_amount"])
    assert pending[queens].all()
    assert np.array_equal(pending[~queens], np.isnan(plain["tip_amount"])[~queens])
    dropoffs = dict(zip(row_ids(trips, KEY)[queens].tolist(), trips["dropoff_datetime"][queens], strict=True))
    delays = []
    for number in range(5, 5 + LATEST_WEEKS):
        feedback = week(number, incident).feedback
        for i, when in zip(feedback["prediction_id"].tolist(), feedback["observed_at"], strict=True):
            delays += [when - dropoffs[i]] if i in dropoffs else []
    assert min(delays) >= np.timedelta64(10, "D")
    assert len(delays) / queens.sum() == pytest.approx(0.98, abs=0.02)


def test_without_season_every_hour_is_like_any_other() -> None:
    flat = np.bincount(hours(week(0, Incidents(season=False)).trips["pickup_datetime"]), minlength=24)
    shaped = np.bincount(hours(week(0).trips["pickup_datetime"]), minlength=24)
    assert flat.min() > 0.8 * flat.max()
    assert shaped.min() < 0.2 * shaped.max()


def test_summer_is_a_little_different_from_winter() -> None:
    winter = generate_week(0, start="2024-01-15", rows=ROWS, seed=7).trips["trip_distance"]
    summer = generate_week(0, start="2024-07-15", rows=ROWS, seed=7).trips["trip_distance"]
    assert 1.03 < np.median(summer) / np.median(winter) < 1.12


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"number": -1}, "at least 0"),
        ({"number": 0, "rows": 0}, "rows 0"),
        ({"number": 0, "seed": -1}, "seed -1"),
    ],
)
def test_numbers_out_of_range_are_refused(bad: dict[str, int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        week(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("start", ["yesterday", "NaT", "2024-01-01T00:30"])
def test_a_start_that_is_no_full_hour_is_refused(start: str) -> None:
    with pytest.raises(InputError, match="start must be a date"):
        generate_week(0, start=start, rows=10, seed=0)


def test_an_incident_that_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="must be one of"):
        Incidents(late_borough="Gotham", late_borough_week=3)
    with pytest.raises(InputError, match="broken_meter_share"):
        Incidents(broken_meter_share=1.5)
