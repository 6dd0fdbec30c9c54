"""GateLabelsTrigger: fires when the last label that was asked for is in, or with the reason it cannot tell."""

import asyncio

import pytest

from upkeep.errors import InputError
from upkeep.triggers.gate import GateLabelsTrigger


def _fire(trigger):
    async def first():
        return await anext(trigger.run())

    return asyncio.run(first()).payload


@pytest.fixture
def trigger():
    return GateLabelsTrigger({"name": "taxi"}, "weekly-2", 12.5, 0.0)


def test_it_survives_a_round_trip_through_the_database(trigger):
    path, kwargs = trigger.serialize()
    assert path == f"{GateLabelsTrigger.__module__}.GateLabelsTrigger"
    assert GateLabelsTrigger(**kwargs).serialize() == (path, kwargs)


def test_it_fires_with_the_last_label(trigger, monkeypatch):
    states = [{"requested": 3, "labelled": have, "new": 0} for have in (0, 2, 3)]
    monkeypatch.setattr(trigger, "_look", lambda: states.pop(0))
    assert _fire(trigger) == {"requested": 3, "labelled": 3, "new": 0, "deadline": 12.5}
    assert states == []


def test_it_fires_with_as_many_new_labels_of_other_rows(trigger, monkeypatch):
    states = [{"requested": 3, "labelled": 1, "new": new} for new in (0, 2, 4)]
    monkeypatch.setattr(trigger, "_look", lambda: states.pop(0))
    assert _fire(trigger) == {"requested": 3, "labelled": 1, "new": 4, "deadline": 12.5}
    assert states == []


@pytest.mark.parametrize("error", [InputError("has not asked"), OSError("disk")])
def test_what_cannot_be_read_is_told(trigger, monkeypatch, error):
    def look():
        raise error

    monkeypatch.setattr(trigger, "_look", look)
    fired = _fire(trigger)
    assert str(error) in fired["error"]
    assert fired["type"] == type(error).__name__
