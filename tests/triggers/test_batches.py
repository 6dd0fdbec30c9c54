"""NewBatchTrigger: survives serialization, fires for what is new and settled, remembers, and reports what it cannot list."""

import asyncio
from importlib import import_module

import pytest

from upkeep.triggers.batches import CURSOR, NewBatchTrigger


class _Store:
    """An asset's state store in memory."""

    def __init__(self):
        self.values = {}

    async def aget(self, key, default=None):
        return self.values.get(key, default)

    async def aset(self, key, value):
        self.values[key] = value


@pytest.fixture
def inbox(tmp_path, monkeypatch):
    monkeypatch.setenv("UPKEEP_HOME", str(tmp_path))
    folder = tmp_path / "inbox" / "trips"
    folder.mkdir(parents=True)
    return folder


def _trigger(store=None, **kwargs):
    trigger = NewBatchTrigger(source="trips", poll_s=0.01, **kwargs)
    trigger.asset_state_store = store
    return trigger


def _next(trigger, timeout=5):
    return asyncio.run(asyncio.wait_for(anext(trigger.run()), timeout=timeout)).payload


def test_serialized_form_rebuilds_the_same_trigger():
    path, kwargs = NewBatchTrigger(source="trips", poll_s=1.0, known="a").serialize()
    module, name = path.rsplit(".", 1)
    assert getattr(import_module(module), name)(**kwargs).serialize() == (path, kwargs)


def test_fires_for_a_new_file(inbox):
    (inbox / "a.csv").write_text("x\n1\n")
    event = _next(_trigger())
    assert event["source"] == "trips"
    assert event["fingerprint"]


def test_does_not_fire_again_for_what_a_watcher_has_seen_before_a_restart(inbox):
    (inbox / "a.csv").write_text("x\n1\n")
    store = _Store()
    first = _next(_trigger(store))
    assert store.values == {CURSOR: first["fingerprint"]}
    with pytest.raises(TimeoutError):
        _next(_trigger(store), timeout=0.3)
    (inbox / "b.csv").write_text("x\n2\n")
    assert _next(_trigger(store))["fingerprint"] != first["fingerprint"]


def test_waits_until_a_file_has_stopped_growing(inbox, monkeypatch):
    looks = iter(["", "one line", "two lines", "three lines", "three lines"])
    trigger = _trigger()
    monkeypatch.setattr(trigger, "_look", lambda: next(looks))
    assert _next(trigger)["fingerprint"] == "three lines"


@pytest.mark.parametrize("name", [".a.csv.123.tmp", "_SUCCESS"])
def test_files_that_are_being_written_are_not_there_yet(inbox, name):
    (inbox / name).write_text("x")
    with pytest.raises(TimeoutError):
        _next(_trigger(), timeout=0.3)


def test_reports_a_source_outside_the_allowed_folders_instead_of_polling_for_ever(inbox):
    trigger = NewBatchTrigger(source="../../etc", poll_s=0.01)
    assert "InputError: a source must lie under" in _next(trigger)["error"]


def test_a_watcher_whose_source_cannot_be_listed_starts_no_runs(inbox):
    trigger = NewBatchTrigger(source="../../etc", poll_s=0.01)
    trigger.asset_state_store = _Store()
    with pytest.raises(TimeoutError):
        _next(trigger, timeout=0.3)
