"""FeedbackTrigger: survives serialization, fires when labels suffice, waits while they do not, and reports failures."""

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pytest
from tests.taxi_labels import AS_OF, SINCE, write_labels, write_predictions

from upkeep.adapters.life_file import read_life
from upkeep.errors import BackendError, InputError
from upkeep.triggers.feedback import FeedbackTrigger, enough, pause_s

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


@pytest.mark.parametrize("kind", [InputError, BackendError])
def test_the_event_says_of_what_kind_the_reason_is(kind, monkeypatch):
    def look(_):
        raise kind("the feedback file lacks label")

    monkeypatch.setattr(FeedbackTrigger, "_look", look)
    event = _next(_trigger())
    assert event == {"error": f"{kind.__name__}: the feedback file lacks label", "type": kind.__name__}


def test_a_batch_whose_file_is_gone_is_an_event_with_the_reason(home):
    write_labels(home, 0, 390)
    [file] = (home / "data" / "taxi_tip" / "feedback").glob("date=*/l0.parquet")
    file.unlink()
    assert "l0.parquet" in _next(_trigger())["error"]


def _state(**changes):
    moments = {"newest_label": "2026-01-08T12:00:00", "ready_from": "2026-01-08T13:00:00"}
    state = {"half_width": 0.03, "predicted": 9, "pending": 4, "final": False, "sentence": ""} | moments
    return state | changes


@pytest.mark.parametrize(
    ("poll_s", "ready_from", "expected"),
    [
        (15, "2026-01-08T13:00:00", 150),  # ten polls
        (120, "2026-01-08T13:00:00", 900),  # a quarter of an hour
        (15, "2026-01-08T12:01:00", 60),  # as foreseen
        (15, "2026-01-08T12:00:00", 15),
        (1800, "2026-01-08T13:00:00", 1800),  # who polls rarely is not made to poll more
        (15, None, 15),
    ],
)
def test_it_sleeps_until_the_labels_can_be_enough_but_not_so_long_that_faster_ones_are_missed(
    poll_s, ready_from, expected
):
    now = datetime(2026, 1, 8, 14, tzinfo=UTC)  # the feed of labels is two hours behind
    assert pause_s(_state(ready_from=ready_from), poll_s, now) == expected


def test_where_data_have_a_clock_of_their_own_it_looks_at_every_poll():
    assert pause_s(_state(), 15, datetime(2026, 9, 8, tzinfo=UTC)) == 15


def test_it_waits_no_longer_for_labels_that_never_come():
    assert enough(_state(final=True), 0.01)
    assert not enough(_state(), 0.01)
    assert enough({"half_width": 0.01, "predicted": 9, "pending": 4}, 0.01)  # as callers knew it before


def test_fires_with_the_reason_when_the_rest_of_the_labels_will_never_come(home):
    write_labels(home, 0, 100, observed="2026-01-07")  # of older predictions none is missing
    write_labels(home, 9_999, 10_000, observed="2026-02-20")  # weeks later: others have theirs
    event = _next(_trigger())
    assert event["final"]
    assert event["pending"] == 300
    assert "of the labels never come" in event["never"]
    json.dumps(event, allow_nan=False)


def test_the_moment_that_is_waited_for_is_logged(home, capsys):
    write_labels(home, 0, 100)
    with pytest.raises(TimeoutError):
        _next(_trigger(), timeout=1.0)
    assert "precision 0.018 now, 0.01 expected 2026-01-" in capsys.readouterr().out
