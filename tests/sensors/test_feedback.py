"""FeedbackSensor: returns at once when labels suffice, defers with the window of the event, and resumes."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowSensorTimeout, TaskDeferred
from tests.taxi_labels import AS_OF, SINCE, write_labels, write_predictions

from upkeep.adapters.life_file import read_life
from upkeep.errors import BackendError, InputError
from upkeep.sensors.feedback import FeedbackSensor

LIFE = Path(__file__).parents[2] / "dags" / "config" / "taxi.yaml"
EVENT = {"since": SINCE, "until": AS_OF, "batches": ["p"]}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("UPKEEP_HOME", str(tmp_path))
    write_predictions(tmp_path)
    return tmp_path


def _sensor(**kwargs):
    return FeedbackSensor(task_id="wait", life=read_life(LIFE), **kwargs)


def _context(event=EVENT, conf=None):
    events = {"predictions": [SimpleNamespace(timestamp=1, extra=event)]} if event else {}
    return {"triggering_asset_events": events, "dag_run": SimpleNamespace(conf=conf or {})}


@pytest.mark.parametrize("deferrable", [True, False])
def test_returns_the_counts_at_once_when_the_labels_suffice(home, deferrable):
    write_labels(home, 0, 390)
    state = _sensor(deferrable=deferrable).execute(_context())
    assert (state["predicted"], state["labelled"]) == (400, 390)


def test_defers_with_the_window_of_the_event(home):
    write_labels(home, 0, 50)
    with pytest.raises(TaskDeferred) as deferred:
        _sensor(deferrable=True, precision=0.02, poke_interval=7, timeout=3600).execute(_context())
    asked = deferred.value.trigger.serialize()[1]
    assert {key: asked[key] for key in ("since", "until", "precision", "poll_s")} == {
        "since": SINCE,
        "until": AS_OF,
        "precision": 0.02,
        "poll_s": 7,
    }
    assert asked["life"]["model"] == "taxi_tip"
    assert deferred.value.method_name == "resume"
    assert deferred.value.timeout.total_seconds() == 3600


def test_the_precision_decides_how_many_labels_suffice(home):
    write_labels(home, 0, 100)
    assert _sensor(precision=0.05).poke(_context())
    assert not _sensor(precision=0.01).poke(_context())


def test_without_deferral_it_gives_up_after_its_timeout(home):
    with pytest.raises(AirflowSensorTimeout):
        _sensor(deferrable=False, poke_interval=0.01, timeout=0.05).execute(_context())


def test_a_run_by_hand_takes_the_window_of_its_conf_and_is_refused_without_one(home):
    write_labels(home, 0, 390)
    conf = {"since": SINCE, "until": AS_OF}
    assert _sensor(deferrable=True).execute(_context(None, conf))["labelled"] == 390
    with pytest.raises(InputError, match="since, until"):
        _sensor(deferrable=True).execute(_context(None))


def test_resumes_with_the_event_or_with_its_error():
    event = {"predicted": 400, "labelled": 390, "half_width": 0.005}
    assert _sensor().resume({}, event) == event
    with pytest.raises(BackendError, match="the labels of taxi_tip must be readable, but: OSError: disk gone"):
        _sensor().resume({}, {"error": "OSError: disk gone"})


def test_an_answer_that_the_trigger_met_stays_an_answer_and_is_not_tried_again():
    with pytest.raises(InputError, match="the feedback file lacks label"):
        _sensor().resume({}, {"error": "InputError: the feedback file lacks label", "type": "InputError"})


@pytest.mark.parametrize("deferrable", [True, False])
def test_does_not_wait_for_labels_that_never_come_and_says_why(home, deferrable, capsys):
    write_labels(home, 0, 100, observed="2026-01-07")
    write_labels(home, 9_999, 10_000, observed="2026-02-20")  # others have had theirs long since
    state = _sensor(deferrable=deferrable, precision=0.01, poke_interval=0.01, timeout=5).execute(_context())
    assert state["pending"] == 300
    assert "of 400 no more than 100 will come" in state["never"]
    assert "precision 0.018 now, 0.01 cannot be reached" in capsys.readouterr().out
