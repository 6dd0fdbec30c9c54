"""Two gates at once on one test set, and gates that are killed: the ledger never spends less than what was seen."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy.event  # noqa: F401 - what forks import is imported once, here
from tests.kills.dying import Changes
from tests.ledger_gates import RecordLast, documents, judge, race, seen

from upkeep.stages.gate_ledger import GateLedger


def _entries(home: Path) -> list[str]:
    entries = GateLedger(documents(home), "tips", "trips").entries()
    assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
    return [entry.evaluation_id for entry in entries]


@pytest.mark.kills
@pytest.mark.parametrize("steps", [1, 25])
def test_two_processes_never_open_more_than_was_agreed_and_lose_nothing(tmp_path: Path, steps: int) -> None:
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(2)
    common = [f"both-{n}" for n in range(10)]
    lists = [[f"{name}-{n}" for n in range(20)] + common for name in ("one", "two")]
    lists[1].reverse()
    racers = [spawn.Process(target=race, args=(tmp_path, ids, steps, start)) for ids in lists]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(timeout=120)
        assert racer.exitcode == 0
    opened = _entries(tmp_path)
    assert len(opened) == len(set(opened)) == steps
    assert set(seen(tmp_path)) == set(opened)
    assert all(len(values) == 1 for values in seen(tmp_path).values())
    verdicts = documents(tmp_path).names("verdicts", "tips/")
    assert {name.removeprefix("tips/") for name in verdicts} == set(opened)


def _forked(action: Callable[[], object]) -> int:
    child = os.fork()
    if not child:
        try:
            action()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _changes(home: Path, ledger: type[GateLedger]) -> int:
    """How many changes one evaluation makes when it is left alone."""
    reading, writing = os.pipe()

    def count() -> None:
        changes = Changes(home)
        changes.watch()
        judge(home, "one", ledger=ledger)
        os.write(writing, str(changes.count).encode())

    assert _forked(count) == 0
    count_ = int(os.read(reading, 16))
    os.close(reading)
    os.close(writing)
    return count_


def _kill(home: Path, at: int, ledger: type[GateLedger]) -> None:
    """Kill the evaluation "one" before its change number `at`."""

    def killed() -> None:
        Changes(home, at, lambda _: os.kill(os.getpid(), signal.SIGKILL)).watch()
        judge(home, "one", ledger=ledger)

    assert _forked(killed) == -signal.SIGKILL


def _killed_everywhere(base: Path, ledger: type[GateLedger]) -> list[Path]:
    """A store for each point at which the evaluation was killed."""
    changes = _changes(base / "whole", ledger)
    homes = [base / f"killed-{at}" for at in range(1, changes + 1)]
    for at, home in enumerate(homes, start=1):
        home.mkdir()
        _kill(home, at, ledger)
    return homes


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    base = tmp_path_factory.mktemp("killed")
    (base / "whole").mkdir()
    return _killed_everywhere(base, GateLedger)


@pytest.mark.kills
def test_killed_anywhere_and_repeated_there_is_one_entry_and_one_verdict(killed: list[Path], tmp_path: Path) -> None:
    assert len(killed) > 12
    for number, source in enumerate(killed):
        home = tmp_path / str(number)
        shutil.copytree(source, home)
        opened = _entries(home)
        repeated = judge(home, "one", as_of="2024-04-01")  # when more labels have come in
        assert repeated is not None
        assert _entries(home) == ["one"]
        assert seen(home) == {"one": {str(repeated["measured"])}}  # and what was seen before the kill is the verdict
        assert documents(home).get("verdicts", "tips/one") == repeated == judge(home, "one")
        never_killed = judge(killed[0].parent / "whole", "one")
        assert (repeated == never_killed) is bool(opened)


def _seen_in_all(source: Path, home: Path, ledger: type[GateLedger]) -> set[str]:
    """The killed evaluation is never repeated; others come until the budget is used up."""
    shutil.copytree(source, home)
    for number in range(6):
        judge(home, f"other-{number}", ledger=ledger)
    return set(seen(home))


@pytest.mark.kills
def test_killed_anywhere_and_never_repeated_what_was_seen_is_counted(killed: list[Path], tmp_path: Path) -> None:
    found = [_seen_in_all(home, tmp_path / str(n), GateLedger) for n, home in enumerate(killed)]
    assert {len(names) for names in found} == {2, 3}  # of 3 steps, one may have been spent on nothing
    assert any("one" in names for names in found)
    for number, names in enumerate(found):
        assert names <= set(_entries(tmp_path / str(number)))


@pytest.mark.kills
def test_a_ledger_that_writes_after_measuring_loses_an_evaluation(tmp_path: Path) -> None:
    """The control: more is seen than was agreed."""
    base = tmp_path / "control"
    (base / "whole").mkdir(parents=True)
    homes = _killed_everywhere(base, RecordLast)
    found = [_seen_in_all(home, tmp_path / str(n), RecordLast) for n, home in enumerate(homes)]
    assert max(len(names) for names in found) == 4
