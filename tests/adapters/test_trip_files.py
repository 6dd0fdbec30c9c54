"""Weeks whose tips come later: the trips know nothing of them, and together they are what comes at once otherwise."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from upkeep.adapters.trip_files import write_tips, write_week
from upkeep.core.identity import row_ids
from upkeep.core.simulation.incidents import Incidents
from upkeep.core.simulation.trips import KEY, generate_week
from upkeep.taxi import tipped

WEEK = {"start": "2025-11-03", "rows": 500, "seed": 3, "incidents": Incidents()}


@pytest.fixture
def inbox(tmp_path):
    write_week(tmp_path, 2, **WEEK, tips=False)
    return tmp_path


def _columns(folder):
    (file,) = folder.iterdir()
    table = pq.read_table(file)
    return {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}


def test_trips_without_tips_come_without_any_label_of_theirs(inbox):
    trips = _columns(inbox / "trips")
    assert np.isnan(trips["tip_amount"]).all()
    assert not (inbox / "feedback").exists()


def test_the_total_tells_nothing_of_a_tip(inbox):
    trips = _columns(inbox / "trips")
    parts = ("fare_amount", "extra", "mta_tax", "improvement_surcharge", "tolls_amount")
    due = sum(trips[name] for name in parts) + np.where(trips["vendor_id"] == 1, 0, trips["congestion_surcharge"])
    assert trips["total_amount"] == pytest.approx(due, abs=0.011)


def test_the_tips_are_those_that_trips_come_with_otherwise_beside_the_labels_of_earlier_weeks(inbox):
    write_tips(inbox, 2, **WEEK)
    made = generate_week(2, **WEEK)
    label = tipped(made.trips)
    wanted = dict(zip(row_ids(made.trips, KEY).tolist(), label.tolist(), strict=True))
    wanted = {key: value for key, value in wanted.items() if not np.isnan(value)}
    wanted |= dict(zip(made.feedback["prediction_id"].tolist(), made.feedback["label"].tolist(), strict=True))
    feedback = _columns(inbox / "feedback")
    found = dict(zip(feedback["prediction_id"].tolist(), feedback["label"].tolist(), strict=True))
    assert found.items() >= wanted.items()


def test_the_last_hours_of_a_week_have_as_many_labels_as_the_others(inbox):
    """Otherwise every window would show labels that are late on Sunday nights."""
    write_tips(inbox, 2, **WEEK)
    made = generate_week(2, **WEEK)
    dropped, ids = made.trips["dropoff_datetime"], row_ids(made.trips, KEY)
    last = dropped > np.sort(dropped)[-50]
    assert np.isnan(made.trips["tip_amount"][last]).mean() > 0.2
    assert np.isin(ids[last], _columns(inbox / "feedback")["prediction_id"]).mean() > 0.8
