"""Labels that are missing: which rows to label, that they are few, and that the gate answers once they are in."""

import csv
import json

import numpy as np
import pytest
from tests.gate_house import AS_OF, GateHouse

from upkeep.errors import InputError
from upkeep.stages.gate_labels import requested_labels


@pytest.fixture
def house(tmp_path):
    """No label at all, 2000 rows held out, and a champion that errs on 30 of 100 rows."""
    house = GateHouse.build(tmp_path, rows=1000, labels=False)
    house.registry.set_alias("tips", "champion", "1")
    return house


def _listed(house, request, tmp_path):
    return list(csv.DictReader((tmp_path / "reports" / request.record).read_text().splitlines()))


def test_a_difference_needs_labels_only_where_the_models_disagree(house, tmp_path):
    asked = house.missing(condition="n - o > 0.02 +/- 0.05")
    assert not asked.enough
    rows = _listed(house, asked, tmp_path)
    assert len(rows) == asked.requested == asked.needed
    held = house.datasets.read("trips/features", since="2024-01-15")
    places = {int(row): place for place, row in enumerate(held["row_id"].tolist())}
    assert asked.requested < 0.4 * len(held["row_id"])
    assert {"prediction_id", "at", "distance", "fare", "city"} == set(rows[0])  # no label, no prediction
    assert {int(row["prediction_id"]) for row in rows} <= set(places)
    assert house.documents.names("ledger") == []  # asking spends nothing


def test_the_gate_answers_once_the_rows_it_asked_for_are_labelled(house, tmp_path):
    asked = house.missing(condition="n - o > 0.02 +/- 0.05")
    shut = house.ask(condition="n - o > 0.02 +/- 0.05")
    assert (shut.measured, shut.requested, shut.request) == (False, asked.requested, asked.record)
    assert "label" in shut.sentence
    ids = np.array([int(row["prediction_id"]) for row in _listed(house, asked, tmp_path)])
    about = {"model": "tips", "evaluation_id": "e", "as_of": AS_OF}
    house.label(ids[:-1], "most")
    assert requested_labels(house.datasets, house.documents, **about) == {
        "requested": len(ids),
        "labelled": len(ids) - 1,
        "new": 0,  # labels of other rows will not do
    }
    assert not house.missing(condition="n - o > 0.02 +/- 0.05").enough
    house.label(ids[-1:], "last")
    assert house.missing(condition="n - o > 0.02 +/- 0.05").enough
    result = house.ask(condition="n - o > 0.02 +/- 0.05")
    assert (result.passed, result.method, result.n, result.labels) == (True, "active", None, len(ids))
    assert result.gain == pytest.approx(0.3, abs=0.06)


def test_other_conditions_ask_for_a_sample_of_the_rows(house, tmp_path):
    asked = house.missing(condition="n > 0.6 +/- 0.05 and n - o > 0.02 +/- 0.1")
    rows = _listed(house, asked, tmp_path)
    assert len(rows) == asked.requested < 2000
    house.label(np.array([int(row["prediction_id"]) for row in rows]), "sample")
    result = house.ask(condition="n > 0.6 +/- 0.05 and n - o > 0.02 +/- 0.1")
    assert result.passed, result.sentence
    assert result.n == 1.0


def test_where_no_label_helps_it_is_said_and_nobody_waits(house):
    asked = house.missing(condition="n > 0.6 +/- 0.001")
    assert asked.enough
    assert asked.record == ""
    assert "hold out more rows, or widen the tolerance" in asked.sentence


def test_labels_of_other_rows_that_came_since_are_counted_once_each_where_they_may_do(house):
    held = house.datasets.read("trips/features", since="2024-01-15")["row_id"]
    house.label(held[:5], "before")
    asked = {"rows": held[10:20].tolist(), "active": False, "feedback": 5}
    house.documents.put("label_requests", "tips/e", asked)
    about = {"model": "tips", "evaluation_id": "e"}

    def state(as_of=AS_OF):
        return requested_labels(house.datasets, house.documents, **about, as_of=as_of)

    assert state() == {"requested": 10, "labelled": 0, "new": 0}
    house.label(held[18:22], "some")
    house.label(held[20:24], "again", observed="2024-02-21")
    assert state() == {"requested": 10, "labelled": 2, "new": 6}
    assert state(as_of="2024-02-20") == {"requested": 10, "labelled": 2, "new": 4}
    house.documents.put("label_requests", "tips/e", asked | {"feedback": 11})  # as the next request will say
    assert state()["new"] == 0
    house.documents.put("label_requests", "tips/e", asked | {"active": True})
    assert state()["new"] == 0
    house.documents.put("label_requests", "tips/e", {"rows": asked["rows"]})
    assert state()["new"] == 0


def test_who_never_asked_has_no_request(house):
    with pytest.raises(InputError, match="has not"):
        requested_labels(house.datasets, house.documents, model="tips", evaluation_id="x", as_of=AS_OF)


def test_a_cell_that_a_spreadsheet_would_run_is_listed_as_text(house, tmp_path):
    table = house.datasets.read("trips/features")
    city = table["city"].copy()
    city[:] = '=HYPERLINK("http://x","y")'
    house.datasets.write(
        "trips/features", "b4", [table | {"city": city, "row_id": table["row_id"] + 10_000}], time="at"
    )
    for kept in house.registry.holdouts.values():
        kept["batches"] = ["b4"]
    asked = house.missing(condition="n - o > 0.02 +/- 0.05")
    assert {row["city"][0] for row in _listed(house, asked, tmp_path)} == {"'"}


def test_the_list_is_json_for_machines(house):
    asked = house.missing(condition="n - o > 0.02 +/- 0.05")
    record = house.documents.get("label_requests", "tips/e")
    assert len(record["rows"]) == asked.requested
    json.dumps(record, allow_nan=False)
