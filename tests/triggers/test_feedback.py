"""FeedbackTrigger: survives serialization, fires when labels suffice, waits while they do not, and reports failures."""

import asyncio
import json
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import pytest
from tests.taxi_labels import AS_OF, SINCE, write_labels, write_predictions

from upkeep.adapters.life_file import read_life
from upkeep.triggers.feedback import FeedbackTrigger

LIFE = Path(__file__).parents[2] / "dags" / "config" / "taxi.yaml"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("UPKEEP_HOME", str(tmp_path))
    write_predictions(tmp_path)
    return tmp_path


def _trigger(**changes):
    settings = {"since": SINCE, "until": AS_OF, "precision": 0.01, "poll_s": 0.01}
    return FeedbackTrigger(life=asdict(read_life(LIFE)), **settings | changes)


def _next(trigger, timeout=5.0):
    return asyncio.run(asyncio.wait_for(anext(trigger.run()), timeout=timeout)).payload


def test_serialized_form_goes_through_json_and_rebuilds_the_same_trigger():
    path, kwargs = _trigger().serialize()
    assert json.loads(json.dumps(kwargs)) == kwargs
    module, name = path.rsplit(".", 1)
    assert getattr(import_module(module), name)(**kwargs).serialize() == (path, kwargs)


def test_fires_with_the_counts_when_the_labels_give_the_precision(home):
    write_labels(home, 0, 390)  # all right: half-width (1 - 0.025 ** (1 / 390)) / 2 = 0.0047
    event = _next(_trigger())
    assert (event["predicted"], event["labelled"], event["pending"]) == (400, 390, 10)
    assert event["half_width"] == pytest.approx(0.0047, abs=1e-4)
    json.dumps(event, allow_nan=False)


def test_keeps_waiting_while_the_labels_are_too_few(home):
    write_labels(home, 0, 100)  # half-width 0.018
    with pytest.raises(TimeoutError):
        _next(_trigger(), timeout=0.4)


def test_labels_count_that_were_observed_after_the_windows_end(home):
    write_labels(home, 0, 390, observed="2026-03-13")
    assert _next(_trigger())["labelled"] == 390


def test_fires_as_soon_as_the_missing_labels_are_in(home):
    write_labels(home, 0, 100)

    async def wait():
        waiting = asyncio.ensure_future(anext(_trigger().run()))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        write_labels(home, 100, 390)
        return (await asyncio.wait_for(waiting, 5)).payload

    assert asyncio.run(wait())["labelled"] == 390


def test_fires_once_and_ends(home):
    write_labels(home, 0, 390)

    async def all_events():
        return [event async for event in _trigger().run()]

    assert len(asyncio.run(asyncio.wait_for(all_events(), 5))) == 1


def test_a_log_that_cannot_be_read_is_an_event_with_the_reason(home):
    write_labels(home, 0, 390)
    [file] = (home / "data" / "taxi_tip" / "feedback").glob("date=*/l0.parquet")
    file.write_bytes(b"not a table")
    assert "BackendError: " in _next(_trigger())["error"]


def test_a_batch_whose_file_is_gone_is_an_event_with_the_reason(home):
    write_labels(home, 0, 390)
    [file] = (home / "data" / "taxi_tip" / "feedback").glob("date=*/l0.parquet")
    file.unlink()
    assert "l0.parquet" in _next(_trigger())["error"]
