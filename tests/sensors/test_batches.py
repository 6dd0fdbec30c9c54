"""NewBatchSensor: returns at once when there is something new, defers when asked to, and says what it could not list."""

import pytest
from airflow.sdk.exceptions import TaskDeferred

from upkeep.errors import BackendError
from upkeep.sensors.batches import NewBatchSensor


@pytest.fixture
def inbox(tmp_path, monkeypatch):
    monkeypatch.setenv("UPKEEP_HOME", str(tmp_path))
    folder = tmp_path / "inbox" / "trips"
    folder.mkdir(parents=True)
    return folder


def test_returns_the_fingerprint_of_what_is_new(inbox):
    (inbox / "a.csv").write_text("x\n1\n")
    first = NewBatchSensor(task_id="wait", source="trips").execute({})
    assert first
    known = NewBatchSensor(task_id="again", source="trips", known=first, deferrable=True)
    with pytest.raises(TaskDeferred):
        known.execute({})


def test_defers_to_the_trigger_with_the_same_question(inbox):
    with pytest.raises(TaskDeferred) as deferred:
        NewBatchSensor(task_id="wait", source="trips", poke_interval=7, deferrable=True).execute({})
    assert deferred.value.trigger.serialize()[1] == {"source": "trips", "poll_s": 7, "known": "", "trusted": False}
    assert deferred.value.method_name == "resume"


def test_resumes_with_the_event_or_with_its_error():
    sensor = NewBatchSensor(task_id="wait", source="trips")
    assert sensor.resume({}, {"source": "trips", "fingerprint": "f"}) == "f"
    with pytest.raises(BackendError, match="source 'trips' must be listable, but: no such bucket"):
        sensor.resume({}, {"error": "no such bucket"})
