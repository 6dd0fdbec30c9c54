"""What runs inside a peer's environment: its work is timed, or its alarms on many small pairs are counted."""

from __future__ import annotations

import json
import logging
import resource
import signal
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from peers.tables import Table, pair

#: A peer is run again, up to this often and this long, and its best run counts.
_RUNS, _RUNS_S = 5, 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """How a peer judges a window.

    `load` turns a table into what the peer takes (not timed: its users have it so). `remember` does what the peer can do
    once per reference, `judge` what it must do for every window: True or False per column, and its own alarm for the whole table.
    """

    load: Callable[[Table], Any]
    remember: Callable[[Any], Any]
    judge: Callable[[Any, Any], tuple[dict[str, bool], bool]]


class _TooLong(BaseException):  # not an Exception, which a peer could swallow
    pass


def run(peer: Peer) -> None:
    """Answer `time FOLDER LIMIT_S` or `alarms PAIRS ROWS SHIFT LIMIT_S` with a line of JSON."""
    warnings.filterwarnings("ignore")  # a peer's own, thousands in a run; its errors are kept
    logging.disable(logging.WARNING)
    task, *rest = sys.argv[1:]
    if task == "time":
        answer = _timed(peer, Path(rest[0]), float(rest[1]))
    else:
        answer = _alarms(peer, int(rest[0]), int(rest[1]), float(rest[2]), float(rest[3]))
    print("\n" + json.dumps(answer))


def cpu_s() -> float:
    """CPU seconds, user and system, of this process with all its threads and of its finished children."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # Linux counts in KiB


def _timed(peer: Peer, folder: Path, limit_s: float) -> dict[str, Any]:
    reference = peer.load(Table.load(folder / "reference"))
    window = peer.load(Table.load(folder / "window"))
    answer: dict[str, Any] = {"loaded_gb": peak_gb()}
    began = cpu_s()
    _stop_after(limit_s)
    try:
        state = peer.remember(reference)
        answer["reference_cpu_s"] = cpu_s() - began
        times: list[tuple[float, float]] = []
        while len(times) < _RUNS and sum(cpu for cpu, _ in times) < _RUNS_S:
            cpu, wall = cpu_s(), time.perf_counter()
            columns, alarm = peer.judge(state, window)
            times.append((cpu_s() - cpu, time.perf_counter() - wall))
            _stop_after(limit_s)
    except _TooLong:
        return answer | {"stopped": True, "cpu_s": cpu_s() - began, "peak_gb": peak_gb()}
    cpu, wall = min(times)
    flagged = sorted(name for name, drifted in columns.items() if drifted)
    return answer | {
        "cpu_s": cpu,
        "wall_s": wall,
        "runs": len(times),
        "peak_gb": peak_gb(),
        "flagged": flagged,
        "alarm": bool(alarm),
    }


def _alarms(peer: Peer, pairs: int, rows: int, shift: float, limit_s: float) -> dict[str, Any]:
    alarms = columns = found = done = 0
    began = time.perf_counter()
    while done < pairs and time.perf_counter() - began < limit_s:
        reference, window = pair(done, rows, shift)
        flagged, alarm = peer.judge(peer.remember(peer.load(reference)), peer.load(window))
        alarms += bool(alarm)
        columns += sum(flagged.values())
        found += bool(flagged["num_0"])
        done += 1
    return {"pairs": done, "alarms": alarms, "columns": columns / done, "found": found}


def _stop_after(limit_s: float) -> None:
    """Raise `_TooLong` in the main thread once the process has used `limit_s` more CPU seconds."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGXCPU, signal.SIG_IGN)  # it comes again every second
        raise _TooLong

    signal.signal(signal.SIGXCPU, stop)
    used = resource.getrusage(resource.RUSAGE_SELF)
    at = int(used.ru_utime + used.ru_stime + limit_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (at, resource.RLIM_INFINITY))
