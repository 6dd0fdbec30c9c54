"""The running example: its features leak nothing, its model behaves over a simulated life and on real trips."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from upkeep.core.columns import Columns, concatenate
from upkeep.core.identity import row_ids
from upkeep.core.simulation.incidents import Incidents
from upkeep.core.simulation.trips import KEY, generate_week
from upkeep.errors import InputError
from upkeep.taxi import NUMBERS, TEXTS, tip_features, tip_model, tipped

JANUARY = Path(__file__).parents[1].parent / "shared" / "data" / "taxi" / "yellow_tripdata_sample_2019-01.csv"
ROWS = 20_000
SHIFT = 8


def identified(trips: Columns) -> Columns:
    return trips | {"row_id": row_ids(trips, KEY)}


def week(number: int, *, rows: int = ROWS, **incidents: Any) -> Columns:
    return identified(
        generate_week(number, start="2024-10-07", rows=rows, seed=7, incidents=Incidents(**incidents)).trips
    )


def table(trips: Columns) -> tuple[pd.DataFrame, np.ndarray]:
    label = tipped(trips)
    known = ~np.isnan(label)
    return pd.DataFrame(tip_features(trips))[known], label[known].astype(np.int64)


def trained(weeks: Iterable[Columns]) -> Any:
    return tip_model().fit(*table(concatenate(weeks)))


def accuracy(model: Any, trips: Columns) -> float:
    return float(model.score(*table(trips)))


@pytest.fixture(scope="module")
def champion() -> Any:
    return trained(week(number) for number in range(3))


@pytest.fixture(scope="module")
def january() -> Columns:
    frame = pd.read_csv(JANUARY, parse_dates=["pickup_datetime", "dropoff_datetime"])
    frame = frame.sort_values("pickup_datetime", kind="stable")
    return identified({str(name): np.array(frame[name]) for name in frame.columns})


def test_the_features_of_a_trip_are_those_worked_out_by_hand() -> None:
    trips = {
        "row_id": np.array([5]),
        "pickup_datetime": np.array(["2024-03-05T22:10"], "datetime64[us]"),  # a Tuesday
        "dropoff_datetime": np.array(["2024-03-05T22:40"], "datetime64[us]"),
        "passenger_count": np.array([2]),
        "trip_distance": np.array([18.0]),
        "rate_code_id": np.array([2]),
        "pickup_location_id": np.array([132]),
        "dropoff_location_id": np.array([237]),
        "payment_type": np.array([1]),
        "fare_amount": np.array([52.0]),
        "extra": np.array([0.0]),
        "tolls_amount": np.array([5.76]),
        "congestion_surcharge": np.array([2.5]),
    }
    assert {name: values.tolist()[0] for name, values in tip_features(trips).items() if name != "pickup_datetime"} == {
        "row_id": 5,
        "trip_distance": 18.0,
        "duration_min": 30.0,
        "speed_mph": 36.0,
        "fare_amount": 52.0,
        "passenger_count": 2.0,
        "hour": 22.0,
        "weekday": 1.0,
        "congestion_surcharge": 2.5,
        "extra": 0.0,
        "tolls_amount": 5.76,
        "pickup_borough": "Queens",
        "dropoff_borough": "Manhattan",
        "payment_type": "card",
        "rate_code_id": "JFK",
    }


def test_features_do_not_depend_on_the_tip_or_the_total() -> None:
    trips = week(0, rows=500)
    without = {name: values for name, values in trips.items() if name not in ("tip_amount", "total_amount")}
    with_it, without_it = tip_features(trips), tip_features(without)
    assert list(with_it) == ["row_id", "pickup_datetime", *NUMBERS, *TEXTS]
    assert all(np.array_equal(with_it[name], without_it[name]) for name in with_it)


def test_a_trip_without_duration_has_no_speed_and_a_strange_code_no_meaning() -> None:
    trips = week(0, rows=3)
    trips["dropoff_datetime"] = trips["pickup_datetime"]
    trips["payment_type"] = np.array([99.0, np.nan, 2.0])
    features = tip_features(trips)
    assert np.isnan(features["speed_mph"]).all()
    assert features["payment_type"].tolist() == ["unknown", "unknown", "cash"]


def test_a_missing_column_is_named() -> None:
    trips = week(0, rows=3)
    del trips["rate_code_id"]
    with pytest.raises(InputError, match="'rate_code_id'"):
        tip_features(trips)


def test_a_tip_that_is_not_known_is_no_label() -> None:
    trips = week(0, rows=2000)
    assert np.array_equal(np.isnan(tipped(trips)), np.isnan(trips["tip_amount"]))


def test_late_feedback_says_what_the_label_function_would() -> None:
    first = week(0)
    late = generate_week(2, start="2024-10-07", rows=ROWS, seed=7).feedback
    at_once = tipped(first)
    # Late labels of week 0 are pending there, and as often "tipped" as those that were known at once.
    label = dict(zip(late["prediction_id"].tolist(), late["label"].tolist(), strict=True))
    rows = [i for i, row in enumerate(first["row_id"].tolist()) if row in label]
    assert len(rows) > 500
    assert np.isnan(at_once[rows]).all()
    cash = first["payment_type"][rows] != 1
    labels = np.array([label[row] for row in first["row_id"][rows].tolist()])
    assert not labels[cash].any()
    assert labels.mean() == pytest.approx(np.nanmean(at_once), abs=0.06)


@pytest.mark.slow
def test_accuracy_of_ten_stable_weeks_stays_within_sampling_noise(champion: Any) -> None:
    scores = [accuracy(champion, week(number)) for number in range(3, 13)]
    assert 0.75 < min(scores)
    assert max(scores) < 0.86
    assert max(scores) - min(scores) < 0.015


@pytest.mark.slow
def test_after_a_concept_shift_the_old_model_falls_and_a_new_one_wins_most_back(champion: Any) -> None:
    weeks = [week(number, concept_week=SHIFT) for number in range(SHIFT - 1, SHIFT + 5)]
    before, *after = [accuracy(champion, trips) for trips in weeks]
    loss = before - float(np.mean(after))
    assert 0.08 <= loss <= 0.15
    for size in (1, 2):
        retrained = trained(weeks[1 : 1 + size])
        gain = np.mean([accuracy(retrained, trips) for trips in weeks[3:]]) - np.mean(after[2:])
        assert gain >= loss / 2


@pytest.mark.slow
def test_new_year_costs_less_than_two_points_although_trips_move(champion: Any) -> None:
    party, plain = week(SHIFT, new_year_week=SHIFT), week(SHIFT)
    assert abs(accuracy(champion, party) - accuracy(champion, plain)) < 0.02
    # Negative control: retraining on a New-Year week is no better than the champion in the week after.
    assert accuracy(trained([party]), week(SHIFT + 1)) < accuracy(champion, week(SHIFT + 1)) + 0.005


@pytest.mark.slow
def test_a_broken_meter_is_no_reason_to_retrain(champion: Any) -> None:
    broken, plain = week(SHIFT, broken_meter_week=SHIFT), week(SHIFT)
    sound = (broken["trip_distance"] == plain["trip_distance"]) & (broken["fare_amount"] == plain["fare_amount"])
    kept = {name: values[sound] for name, values in broken.items()}
    assert 0.07 < 1 - sound.mean() < 0.11
    assert accuracy(champion, kept) == pytest.approx(accuracy(champion, plain), abs=0.005)
    assert accuracy(champion, broken) == pytest.approx(accuracy(champion, plain), abs=0.02)


def test_a_trained_model_is_stored_and_read_back_without_pickle() -> None:
    from skops.io import dumps, get_untrusted_types, loads

    trips = week(0, rows=2000)
    model = trained([trips])
    stored = dumps(model)
    strange = get_untrusted_types(data=stored)
    assert all(name.startswith(("sklearn.", "numpy.")) for name in strange)
    features = table(trips)[0]
    assert np.array_equal(loads(stored, trusted=strange).predict_proba(features), model.predict_proba(features))


def test_the_model_scores_texts_and_columns_it_has_not_seen() -> None:
    trips = week(0, rows=2000)
    features = table(trips)[0]
    strange = features.assign(pickup_borough="Atlantis", speed_mph=np.nan, unasked=1.0)
    assert np.isfinite(trained([trips]).predict_proba(strange)).all()


def test_on_real_trips_a_model_of_the_first_70_percent_beats_the_majority(january: Columns) -> None:
    cut = int(0.7 * len(january["row_id"]))
    past, future = ({name: values[part] for name, values in january.items()} for part in (slice(cut), slice(cut, None)))
    labels = tipped(future)
    assert not np.isnan(labels).any()
    majority = max(labels.mean(), 1 - labels.mean())
    assert accuracy(trained([past]), future) > majority + 0.15
