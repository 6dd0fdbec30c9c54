"""What judging a window of 1,000,000 x 50 costs, beside one sort of its numbers and beside six other libraries.

    python benchmarks/bench_drift.py [--quick] [--peers-dir DIR] [--markdown FILE]

`--quick` leaves the other libraries out. Without it each of them gets an environment of its own, made once in `--peers-dir`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from peers import ours
from peers.environments import REQUIREMENTS, ask, interpreter
from peers.tables import Table, wide
from peers.worker import cpu_s
from report import Report
from upkeep.core.profile.profile import Profile

#: Peers whose default is KS and chi2 on every row, as against sketches, samples or other distances.
EXACT = ("scipy", "nannyml", "alibi_detect")
DRIFTED = {"num_0", "num_1", "num_2", "num_3", "cat_0"}


@dataclass(slots=True)
class Times:
    """CPU and wall seconds of one thing, over rounds."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    def measure(self, work: Any) -> Any:
        cpu, wall = cpu_s(), time.perf_counter()
        result = work()
        self.cpu.append(cpu_s() - cpu)
        self.wall.append(time.perf_counter() - wall)
        return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="without the other libraries")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, help="how often ours and the sort are timed in turn")
    parser.add_argument("--peers", default=",".join(REQUIREMENTS), help="which of the other libraries, by commas")
    parser.add_argument("--peers-dir", type=Path, default=Path(__file__).parent / ".peers")
    parser.add_argument("--limit-s", type=float, default=120, help="CPU seconds after which another library is stopped")
    parser.add_argument("--markdown", type=Path)
    given = parser.parse_args()
    peers = [] if given.quick else given.peers.split(",")
    pythons = {peer: interpreter(peer, given.peers_dir.resolve()) for peer in peers}
    with tempfile.TemporaryDirectory() as folder, tqdm(total=4 + len(peers), unit="step", leave=False) as steps:
        tables = Path(folder)
        _step(steps, "drawing the tables")
        rng = np.random.default_rng(7)
        wide(rng, given.rows, drifted=False).save(tables / "reference")
        wide(rng, given.rows, drifted=True).save(tables / "window")
        _step(steps, "storing the reference")
        reference, stored_s, stored_bytes = _stored(tables)
        _step(steps, "ours and np.sort in turn")
        times, judged = _against_sort(reference, tables, given.rounds or (5 if given.quick else 9))
        _step(steps, "ours in a process of its own")
        answers = {"upkeep": ask(sys.executable, "ours", ["time", folder, "600"], limit_s=900)}
        for peer in peers:
            _step(steps, peer)
            work = ["time", folder, str(given.limit_s)]
            answers[peer] = ask(pythons[peer], peer, work, limit_s=10 * given.limit_s)
    report = Report(f"Drift of {given.rows:,} rows x 50 columns against a stored reference")
    figures = _limit(report, times, judged, stored_s, stored_bytes)
    if peers:
        figures |= _beside(report, answers, min(times["ours"].cpu))
    report.finish(figures | {"rows": given.rows}, given.markdown)


def _step(steps: Any, name: str) -> None:
    steps.set_description(name)
    steps.update()


def _stored(tables: Path) -> tuple[Any, float, int]:
    began = cpu_s()
    reference = ours.remember(ours.load(Table.load(tables / "reference")))
    spent = cpu_s() - began
    return reference, spent, len(json.dumps(reference.to_json())) + len(json.dumps(reference.grid.to_json()))


def _against_sort(reference: Any, tables: Path, rounds: int) -> tuple[dict[str, Times], ours.Judged]:
    table = Table.load(tables / "window")
    window = ours.load(table)
    times = {name: Times() for name in ("sort", "ours", "two threads", "counting")}
    judged = ours.judge(reference, window)
    for _ in range(rounds):
        times["sort"].measure(lambda: _sort(table))
        judged = times["ours"].measure(lambda: ours.judge(reference, window))
        times["two threads"].measure(lambda: ours.judge(reference, window, threads=2))
        times["counting"].measure(lambda: Profile.build(reference.grid, window))
    return times, judged


def _sort(table: Table) -> None:
    for column in table.numbers:
        np.sort(column)


def _limit(
    report: Report, times: dict[str, Times], judged: ours.Judged, stored_s: float, stored: int
) -> dict[str, Any]:
    """Ours beside the sort; the least of all rounds counts, as others may use the machine."""
    sort, mine, both = times["sort"], times["ours"], times["two threads"]
    names = {
        "sort": "np.sort of the 40 number columns",
        "ours": "ours: 50 verdicts, all distances, intervals, p-values",
        "two threads": "the same with two threads",
        "counting": "of which counting (Profile.build)",
    }
    rows = [
        (
            label,
            f"{min(times[key].cpu):.3f}",
            f"{min(times[key].cpu) / min(sort.cpu):.2f}",
            f"{min(times[key].wall):.3f}",
            f"{min(times[key].wall) / min(sort.wall):.2f}",
            f"{statistics.median(times[key].cpu):.3f}",
        )
        for key, label in names.items()
    ]
    header = ("work", "CPU s", "x sort", "wall s", "x sort (wall)", "median CPU s")
    report.table(f"The limit: least of {len(sort.cpu)} rounds, taken in turn", header, rows)
    distances = len(
        {(found.column, found.distance) for found in judged.report.findings}
        | {(column, found.name) for column, several in judged.divergences.items() for found in several}
    )
    flagged = set(judged.report.drifted)
    report.paragraph(
        f"{distances} distances for 50 columns. Called drifted: {', '.join(sorted(flagged)) or 'none'} "
        f"(truly moved: {', '.join(sorted(DRIFTED))}, the last by a total variation below the default tolerance). "
        f"Grid, counts and JSON of the reference took {stored_s:.2f} CPU s once; "
        f"they are {stored / 1e6:.1f} MB of JSON."
    )
    return {
        "ratio_to_sort": _round(min(mine.cpu) / min(sort.cpu)),
        "wall_ratio_to_sort_2_threads": _round(min(both.wall) / min(sort.wall)),
        "cpu_s": _round(min(mine.cpu)),
        "counting_cpu_s": _round(min(times["counting"].cpu)),
        "sort_cpu_s": _round(min(sort.cpu)),
        "wall_s_2_threads": _round(min(both.wall)),
        "sort_wall_s": _round(min(sort.wall)),
        "drifted": sorted(flagged),
        "wrongly_drifted": sorted(flagged - DRIFTED),
    }


def _beside(report: Report, answers: dict[str, dict[str, Any]], cpu: float) -> dict[str, Any]:
    rows = []
    for name, answer in answers.items():
        if "error" in answer:
            rows.append((name, f"failed: {answer['error']}", *[""] * 6))
            continue
        at_least = "≥ " if answer.get("stopped") else ""
        flagged = set(answer.get("flagged", ()))
        rows.append(
            (
                name if name not in EXACT else f"{name} (KS and chi2 on all rows)",
                f"{at_least}{answer['cpu_s']:.2f}" + (", stopped" if at_least else ""),
                f"{at_least}{answer['cpu_s'] / cpu:.1f}",
                "" if at_least else f"{answer['wall_s']:.2f}",
                f"{answer.get('reference_cpu_s', 0):.2f}",
                f"{answer['peak_gb'] - answer['loaded_gb']:.2f}",
                f"{len(flagged & DRIFTED)} of 5" if not at_least else "",
                str(len(flagged - DRIFTED)) if not at_least else "",
            )
        )
    header = ("library", "CPU s per window", "x ours", "wall s", "CPU s once per reference", "GB on top of both tables",
              "moved columns found", "others called drifted")  # fmt: skip
    report.table("Other libraries, each in its own process; best of up to five runs", header, rows)
    report.paragraph(
        "Both tables are in memory when the clock starts: text as dictionary codes for ours, as pandas Categoricals for others. "
        "What a library can do once per reference is not part of a window."
    )
    seconds = {name: answer["cpu_s"] for name, answer in answers.items() if "error" not in answer}
    exact = {name: seconds[name] for name in EXACT if name in seconds}
    fastest = min(exact, key=exact.__getitem__, default=None)
    figures: dict[str, Any] = {"fastest_peer": fastest}
    if fastest:
        figures["speedup_vs_fastest_peer"] = _round(exact[fastest] / cpu)
    figures |= {f"speedup_vs_{name}": _round(s / cpu) for name, s in seconds.items() if name != "upkeep"}
    return figures | {"lower_bounds": [name for name, answer in answers.items() if answer.get("stopped")]}


def _round(value: float) -> float:
    return float(f"{value:.4g}")


if __name__ == "__main__":
    main()
