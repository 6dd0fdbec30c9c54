"""Run a function in a forked process. The parent stays without threads, so that a fork cannot copy a held lock."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a forked process ended: `status` is its exit code, or minus the signal; `value` is what it returned."""

    status: int
    value: Any
    printed: str


def in_fork(action: Callable[[], Any], scratch: Path) -> Ending:
    """Run `action` in a process group of its own; what it returns must be JSON.

    Raises
    ------
    AssertionError
        If it has not ended after `TIMEOUT_S`; the message says where each thread stood.
    """
    assert threading.active_count() == 1, "fork from a process that has no threads"
    answer, log = scratch / "answer.json", scratch / "log.txt"
    answer.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        _be_the_child(action, answer, log)
    status = _wait(child)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # programs that it left running
    printed = log.read_text(errors="replace") if log.exists() else ""
    assert status is not None, f"a stage must end within {TIMEOUT_S:.0f} s, but hung:\n{printed[-8000:]}"
    value = json.loads(answer.read_text()) if status == 0 else None
    return Ending(status, value, printed)


def _be_the_child(action: Callable[[], Any], answer: Path, log: Path) -> None:
    """Never returns: the parent's `finally` clauses and exit handlers are not ours to run."""
    status = 1
    try:
        os.setsid()
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(descriptor, stream)
        faulthandler.dump_traceback_later(TIMEOUT_S - 5, file=sys.__stderr__ or 2)
        answer.write_text(json.dumps(action()))
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        if sys.exc_info()[0]:  # on its way up, which it does not get to go
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(status)


def _wait(child: int) -> int | None:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.004)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None
