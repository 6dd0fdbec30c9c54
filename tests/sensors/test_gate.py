"""GateLabelsSensor: lists the rows to label, waits without a worker slot, and looks again when they are in."""

import time
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowSensorTimeout, TaskDeferred
from tests.taxi_world import TaskInstance

from upkeep.errors import BackendError, InputError
from upkeep.lifecycle import Lifecycle
from upkeep.sensors.gate import GateLabelsSensor

TRAINED = {"version": "2", "training_id": "weekly-2", "as_of": "2026-01-12"}
LIFE = SimpleNamespace(gate={"wait_h": 2}, poll_s=7, model="taxi_tip", name="taxi")


@pytest.fixture
def looks(monkeypatch):
    """What each look gives; asked in turn."""
    given, asked = [], []

    def look(self, **about):
        asked.append(about)
        return given.pop(0)

    monkeypatch.setattr(Lifecycle, "gate_labels", look)
    monkeypatch.setattr(Lifecycle, "__init__", lambda self, life: None)
    monkeypatch.setattr("upkeep.sensors.gate.asdict", vars)
    return SimpleNamespace(given=given, asked=asked)


def _state(enough):
    return {"enough": enough, "record": "" if enough else "label_requests/a.csv", "sentence": "needs 5 labels, has 3"}


def _sensor(**kwargs):
    return GateLabelsSensor(task_id="labels", life=LIFE, trained=TRAINED, **kwargs)


@pytest.mark.parametrize("deferrable", [True, False])
def test_goes_on_at_once_where_the_labels_suffice(looks, deferrable):
    looks.given += [_state(True), _state(True)]
    assert _sensor(deferrable=deferrable).execute({"ti": TaskInstance()})["enough"]
    assert looks.asked[0] == {"challenger": "2", "evaluation_id": "weekly-2", "as_of": "2026-01-12"}


def test_defers_until_the_rows_that_it_lists_are_labelled(looks):
    looks.given.append(_state(False))
    ti = TaskInstance()
    with pytest.raises(TaskDeferred) as deferred:
        _sensor().execute({"ti": ti})
    path, asked = deferred.value.trigger.serialize()
    assert path == "upkeep.triggers.gate.GateLabelsTrigger"
    assert (asked["evaluation_id"], asked["poll_s"]) == ("weekly-2", 7)
    assert asked["deadline"] == pytest.approx(time.time() + 7200, abs=60)
    assert ti.pushed["label_request"] == "label_requests/a.csv"


@pytest.mark.parametrize("came", [{"labelled": 5, "new": 0}, {"labelled": 1, "new": 6}])
def test_looks_again_when_they_or_as_many_others_are_in_and_keeps_its_deadline(looks, came):
    looks.given += [_state(False), _state(True)]
    event = {"requested": 5, "deadline": time.time() + 60} | came
    with pytest.raises(TaskDeferred) as deferred:
        _sensor().resume({"ti": TaskInstance()}, event)
    assert deferred.value.trigger.serialize()[1]["deadline"] == event["deadline"]
    assert 0 < deferred.value.timeout.total_seconds() <= 60
    assert _sensor().resume({"ti": TaskInstance()}, event)["enough"]


def test_without_the_triggerer_it_waits_no_longer_than_it_is_told(looks):
    looks.given += [_state(False)] * 50
    with pytest.raises(AirflowSensorTimeout):
        _sensor(deferrable=False, timeout=0.05, poke_interval=0.02, soft_fail=False).execute({"ti": TaskInstance()})


@pytest.mark.parametrize(("kind", "error"), [("InputError", InputError), ("OSError", BackendError)])
def test_labels_that_cannot_be_read_end_the_wait_with_the_reason(kind, error):
    with pytest.raises(error, match="no such folder"):
        _sensor().resume({"ti": TaskInstance()}, {"error": "no such folder", "type": kind})
