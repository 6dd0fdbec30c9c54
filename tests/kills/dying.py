"""Kill this process at its n-th change to a folder. The hook lives here, in the tests: the package knows nothing of it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

TERMINATED = 143
#: A program that was started is given this long, so that the kill comes in its midst and not before it.
INTO_A_PROGRAM_S = 0.004

_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"}


class Changes:
    """Counts events that change something under `root`, or start a program; runs `at_last` before the `last`-th."""

    def __init__(self, root: Path, last: int = 0, at_last: Callable[[str], None] | None = None) -> None:
        self._root = str(root)
        self._last = last
        self._at_last = at_last
        self.count = 0

    def watch(self) -> None:
        """Listen from now on; an audit hook cannot be removed, so do this in a process that is about to end."""
        sys.addaudithook(self._seen)
        self._watch_sql()

    def _seen(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            self._opened(*arguments[:3])
        elif event == "subprocess.Popen":
            self._happened(event)
        elif (event in _CHANGES or event == "sqlite3.connect") and any(self._inside(a) for a in arguments[:2]):
            self._happened(event)

    def _opened(self, path: object, mode: object, flags: object) -> None:
        # os.open passes no mode. It is counted even when it reads: that is how files are synced after Arrow's C++, whose
        # own opening of files is not audited, has written them.
        writes = mode is None or (isinstance(mode, str) and any(letter in mode for letter in "wax+"))
        if writes and self._inside(path):
            self._happened(f"open {flags}")

    def _inside(self, path: object) -> bool:
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        return isinstance(path, (str, os.PathLike)) and os.fspath(path).removeprefix("file:").startswith(self._root)

    def _watch_sql(self) -> None:
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        written: set[object] = set()

        @event.listens_for(Engine, "before_cursor_execute")
        def statement(connection: object, _k: object, text: str, *_: object) -> None:
            if text.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE"):
                written.add(connection)
                self._happened("sql")

        @event.listens_for(Engine, "commit")
        def commit(connection: object) -> None:
            if connection in written:  # reading is committed too
                written.discard(connection)
                self._happened("commit")

    def _happened(self, event: str) -> None:
        self.count += 1
        if self.count == self._last and self._at_last:
            self._at_last(event)


def die(how: signal.Signals, *, in_programs: bool) -> Callable[[str], None]:
    """What to do at the last event.

    SIGKILL takes the whole process group at once, as the kernel or a power cut does. SIGTERM comes to the process
    alone and unwinds its stack, as in an Airflow task that is cleared or times out.
    """

    def strike() -> None:
        os.killpg(0, how) if how == signal.SIGKILL else os.kill(os.getpid(), how)

    def later(_number: int, _frame: FrameType | None) -> None:
        strike()

    def terminated(_number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(TERMINATED)

    def at_last(event: str) -> None:
        if event == "subprocess.Popen" and in_programs:
            signal.setitimer(signal.ITIMER_REAL, INTO_A_PROGRAM_S)
        else:
            strike()

    signal.signal(signal.SIGTERM, terminated)
    signal.signal(signal.SIGALRM, later)
    return at_last
