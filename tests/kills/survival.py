"""Kill a stage at many points, run it again, and compare what is stored with a run that was never killed."""

from __future__ import annotations

import contextlib
import importlib
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kills.dying import TERMINATED, Changes, die
from tests.kills.forks import Ending, in_fork


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival:
    """Kills that a stage has survived; `events` is how many changes it makes when left alone."""

    sigkill: int
    sigterm: int
    events: int
    seconds: float


def survives_kills(
    make_workspace: Callable[[Path], None],
    stage: Callable[[Path], Any],
    snapshot: Callable[[Path], Any],
    points: int,
) -> Survival:
    """Kill `stage` at `points` points spread over all its changes, by SIGKILL and SIGTERM in turn.

    Parameters
    ----------
    make_workspace, stage, snapshot
        Called with the workspace's folder, each in a process of its own. `make_workspace` runs once; every kill starts
        from a copy at the same path. `snapshot` returns what must be equal, as JSON.
    points : int
        How many kills.

    Raises
    ------
    AssertionError
        If a repetition fails, or what is stored then differs from a run that was never killed.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="upkeep-kills-") as folder:
        runs = _Runs(Path(folder), make_workspace, stage, snapshot)
        counted = runs.count_changes()
        expected = runs.state()
        runs.again("left alone and repeated")
        assert runs.state() == expected, "a repetition of a stage that was left alone changes what is stored"
        for number in range(points):
            how = signal.SIGTERM if number % 2 else signal.SIGKILL
            at = 1 + round(number * (counted - 1) / max(points - 1, 1))
            runs.kill(at, how, in_programs=number % 4 > 1)
            runs.again(f"after {how.name} at change {at} of {counted}")
            difference = _difference(expected, runs.state())
            assert not difference, f"after {how.name} at change {at} of {counted}, and a repetition: {difference}"
    return Survival(sigkill=(points + 1) // 2, sigterm=points // 2, events=counted, seconds=time.monotonic() - started)


class _Runs:
    def __init__(
        self,
        folder: Path,
        make_workspace: Callable[[Path], None],
        stage: Callable[[Path], Any],
        snapshot: Callable[[Path], Any],
    ) -> None:
        self._folder = folder
        self._home = folder / "home"
        self._template = folder / "template"
        self._stage = stage
        self._snapshot = snapshot
        self._home.mkdir()
        _ended_well(in_fork(lambda: make_workspace(self._home), folder), "making the workspace")
        self._home.rename(self._template)

    def count_changes(self) -> int:
        """Run the stage undisturbed, twice: the first time imports change things too, and are then made here."""
        _, modules = self._counted()
        for name in modules:
            with contextlib.suppress(ImportError):  # a few are made by their parents, not imported
                importlib.import_module(name)
        count, _ = self._counted()
        assert count > 1, "a stage changes something"
        return count

    def _counted(self) -> tuple[int, list[str]]:
        self._reset()

        def counted() -> list[Any]:
            known, changes = set(sys.modules), Changes(self._home)
            changes.watch()
            self._stage(self._home)
            return [changes.count, sorted(set(sys.modules) - known)]

        count, modules = _ended_well(in_fork(counted, self._folder), "the stage, left alone,")
        return count, modules

    def kill(self, at: int, how: signal.Signals, *, in_programs: bool) -> None:
        self._reset()

        def killed() -> None:
            Changes(self._home, at, die(how, in_programs=in_programs)).watch()
            self._stage(self._home)
            if signal.getitimer(signal.ITIMER_REAL)[0]:
                signal.pause()  # the program was faster than the kill, which comes now

        ending = in_fork(killed, self._folder)
        wanted = -signal.SIGKILL if how == signal.SIGKILL else TERMINATED
        assert ending.status == wanted, (
            f"{how.name} at change {at} ended the stage with {ending.status}\n{ending.printed[-4000:]}"
        )

    def again(self, when: str) -> None:
        _ended_well(in_fork(self._run, self._folder), f"the stage, {when},")

    def _run(self) -> None:
        self._stage(self._home)

    def state(self) -> Any:
        return _ended_well(in_fork(lambda: self._snapshot(self._home), self._folder), "the snapshot")

    def _reset(self) -> None:
        shutil.rmtree(self._home, ignore_errors=True)
        shutil.copytree(self._template, self._home, symlinks=True)


def _ended_well(ending: Ending, what: str) -> Any:
    assert ending.status == 0, f"{what} must succeed, but ended with {ending.status}:\n{ending.printed[-4000:]}"
    return ending.value


def _difference(expected: Any, found: Any, where: str = "") -> str:
    """The first place where two snapshots differ."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted(expected.keys() | found.keys()):
            if expected.get(key) != found.get(key):
                return _difference(expected.get(key), found.get(key), f"{where}/{key}")
    return "" if expected == found else f"{where or 'the snapshot'} must be {expected!r}, but is {found!r}"
