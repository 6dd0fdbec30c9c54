"""Speed and memory of joining predictions with labels that come late, twice, too early or never.

    python benchmarks/bench_join.py [--quick] [--rows N] [--markdown FILE]

Two unordered streams come in batches of 100,000 predictions and about as many labels: of each batch of predictions, 45 % of
the labels come with it, 4 % before it, 40 % in the batch after it, 11 % never; 1 % come twice. Speed is the CPU seconds of one
core that `FeedbackJoin.update` takes, with 10 buckets; beside it stand, in the same run, a pandas merge of the same events, all
at once and in memory, a loop over Python tuples with a dictionary, and `np.sort` of the ids. Memory is that of a process of its
own, by Linux's own figure, after 1 million events and after 100 million (10 million with `--quick`). Counts are checked.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from report import Report
from upkeep.core.columns import Columns, concatenate
from upkeep.core.feedback.stream.join import FeedbackJoin
from upkeep.core.feedback.stream.policy import JoinPolicy

BATCH = 100_000  # predictions; a batch is BATCH seconds of the stream
EARLY, SOON, LATE = 4_000, 45_000, 40_000  # labels before, with and after the batch of their predictions
TWICE = 1_000
GOAL = 2_000_000
ROUNDS = 3
START = np.datetime64("2026-01-01", "us")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="10 million events instead of 100")
    parser.add_argument("--rows", type=int, help="a number of events of your own")
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--measure", choices=("exact", "sampled"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    events = given.rows or (10_000_000 if given.quick else 100_000_000)
    if given.measure:
        print(json.dumps(streamed(given.measure, events)))
        return
    speed = speeds()
    runs = {(kind, n): measured(kind, n) for kind in ("exact", "sampled") for n in (1_000_000, events)}
    show(speed, runs, events, given.markdown)


class Streams:
    """Batches made from one drawn template, so that making them costs little beside joining them."""

    def __init__(self, kind: str = "whole") -> None:
        rng = np.random.default_rng(7)
        self._kind = kind
        self._order = rng.permutation(BATCH)
        self._score = rng.random(BATCH)
        self._bucket = rng.integers(0, 10, BATCH)
        self.label = (rng.random(BATCH) < self._score).astype(np.int64)
        self._second = np.arange(BATCH).astype("m8[s]")
        self._texts = np.array([f"0000-{row:06}" for row in range(BATCH)], dtype="S11")

    def ids(self, batch: int, rows: Any = slice(None)) -> Any:
        if self._kind == "whole":
            return (np.arange(BATCH) + batch * BATCH)[rows]
        texts = self._texts.copy()
        digits = np.frombuffer(f"{batch:04}".encode(), dtype=np.uint8)
        texts.view(np.uint8).reshape(BATCH, -1)[:, :4] = digits
        return texts[rows] if self._kind == "bytes" else texts[rows].astype("U").astype(object)

    def batch(self, number: int) -> tuple[Columns, Columns]:
        """Predictions and labels of one batch; the rows before the first batch do not exist."""
        at = START + np.timedelta64(number * BATCH, "s")
        order = self._order
        predictions = {
            "prediction_id": self.ids(number, order[::-1]),
            "predicted_at": (at + self._second)[order[::-1]],
            "bucket": self._bucket[order[::-1]],
            "score": self._score[order[::-1]],
            "prediction": (self._score >= 0.5).astype(np.int64)[order[::-1]],
        }
        parts = [(number + 1, order[:EARLY]), (number, order[EARLY : EARLY + SOON])]
        if number:
            parts += [
                (number - 1, order[EARLY + SOON : EARLY + SOON + LATE]),
                (number - 1, order[EARLY : EARLY + TWICE]),
            ]
        seen = sum(len(rows) for _, rows in parts)
        feedback = {
            "prediction_id": np.concatenate([self.ids(of, rows) for of, rows in parts]),
            "observed_at": at + (np.arange(seen) * (BATCH / seen)).astype("m8[s]"),
            "label": np.concatenate([self.label[rows] for _, rows in parts]),
        }
        return predictions, feedback

    def pairs(self, batches: int) -> int:
        """Pairs that the exact join of the first batches has."""
        return batches * SOON + (batches - 1) * (EARLY + LATE)


def policy(kind: str) -> JoinPolicy:
    """`exact` gives predictions up after three batches; `sampled` never does, and has room for one batch."""
    if kind == "exact":
        return JoinPolicy(buckets=10, capacity=1_000_000, slot_s=BATCH, wait_s=3 * BATCH)
    return JoinPolicy(buckets=10, capacity=BATCH, early=10_000, slot_s=BATCH)


def joined(streams: Streams, kind: str, batches: Iterator[int]) -> tuple[FeedbackJoin, int, float]:
    """The join, events and CPU seconds of `update`."""
    join, events, cpu = FeedbackJoin.empty(policy(kind)), 0, 0.0
    for number in batches:
        predictions, feedback = streams.batch(number)
        begin = time.process_time()
        join = join.update(str(number), predictions=predictions, feedback=feedback)
        cpu += time.process_time() - begin
        events += len(predictions["bucket"]) + len(feedback["label"])
    return join, events, cpu


def streamed(kind: str, events: int) -> dict[str, Any]:
    """In a process of its own."""
    base, streams = peak_mb(), Streams()
    batches = events // (2 * BATCH - 10_000)
    join, seen, cpu = joined(streams, kind, iter(tqdm(range(batches), desc=kind, unit="batch", leave=False)))
    pairs, truth = join.totals().pairs, streams.pairs(batches)
    assert join.predicted() == batches * BATCH
    assert abs(pairs.value - truth) <= 4 * pairs.error
    assert join.exact == (kind == "exact" or pairs.error == 0)
    stored = len(json.dumps(join.to_json()))
    return {
        "events": seen,
        "base_mb": base,
        "peak_mb": peak_mb(),
        "per_s": seen / cpu,
        "relative_error": pairs.value / truth - 1,
        "relative_standard_error": pairs.error / truth,
        "stored_mb": stored / 1e6,
    }


def measured(kind: str, events: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--measure", kind, "--rows", str(events)]
    return dict(json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout))


def speeds() -> dict[str, float]:
    """Nanoseconds of CPU per event, the least of a few rounds that take turns."""
    import pandas as pd

    kinds = {"whole numbers": "whole", "texts of 11 bytes": "bytes", "Python texts": "texts"}
    best: dict[str, float] = {}

    def keep(name: str, ns: float) -> None:
        best[name] = min(best.get(name, float("inf")), ns)

    for _ in tqdm(range(ROUNDS), desc="rounds", leave=False):
        for name, kind in kinds.items():
            streams, batches = Streams(kind), 10
            _, events, cpu = joined(streams, "exact", iter(range(batches)))
            keep(name, cpu / events * 1e9)
            tables = [streams.batch(number) for number in range(batches)]
            made, came = (concatenate(part) for part in zip(*tables, strict=True))
            one, other = (
                pd.DataFrame(part | {"prediction_id": as_pandas(part["prediction_id"])}) for part in (made, came)
            )
            keep(f"{name}, pandas merge", cpu_of(one.merge, other, on="prediction_id") / events * 1e9)
            if kind == "whole":
                ids = np.concatenate([made["prediction_id"], came["prediction_id"]])
                keep("np.sort of the ids", cpu_of(np.sort, ids) / events * 1e9)
                keep("np.argsort of the ids", cpu_of(np.argsort, ids) / events * 1e9)
                keep("a loop with a dictionary", cpu_of(loop, tables) / events * 1e9)
    return best


def as_pandas(ids: Any) -> Any:
    """Texts as pandas likes them."""
    return ids.astype("U").astype(object) if ids.dtype.kind == "S" else ids


def loop(tables: list[tuple[Columns, Columns]]) -> int:
    """Tuple by tuple, everything that waits in a dictionary; it counts the right ones of each bucket and nothing else."""
    waiting: dict[int, tuple[int, int]] = {}
    early: dict[int, int] = {}
    right = [0] * 10
    for made, came in tables:
        columns = (made[name].tolist() for name in ("prediction_id", "bucket", "prediction"))
        for id_, bucket, prediction in zip(*columns, strict=True):
            label = early.pop(id_, None)
            if label is None:
                waiting[id_] = (bucket, prediction)
            else:
                right[bucket] += label == prediction
        for id_, label in zip(*(came[name].tolist() for name in ("prediction_id", "label")), strict=True):
            found = waiting.pop(id_, None)
            if found is None:
                early[id_] = label
            else:
                right[found[0]] += label == found[1]
    return sum(right)


def cpu_of(work: Callable[..., Any], *given: Any, **named: Any) -> float:
    begin = time.process_time()
    work(*given, **named)
    return time.process_time() - begin


def peak_mb() -> float:
    """Peak resident memory of this program: `ru_maxrss` would count that of the one which started it, before it was replaced."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM:"))) / 1024


def show(
    speed: dict[str, float], runs: dict[tuple[str, int], dict[str, Any]], events: int, markdown: Path | None
) -> None:
    report = Report(f"{events:,} events of two unordered streams, joined")
    report.table(
        "Speed, one core",
        ("", "CPU ns per event", "events a second"),
        [(name, f"{ns:.0f}", f"{1e9 / ns:,.0f}") for name, ns in speed.items()],
    )
    report.table(
        "Memory and speed of a process that does nothing else",
        (
            "what is kept",
            "events",
            "peak MB",
            "of which before, MB",
            "events a second",
            "error of the count",
            "stored MB",
        ),
        [
            (
                {"exact": "all that waits, 3 batches long", "sampled": "a sample of 100,000, for ever"}[kind],
                f"{run['events']:,}",
                f"{run['peak_mb']:.0f}",
                f"{run['base_mb']:.0f}",
                f"{run['per_s']:,.0f}",
                f"{run['relative_error']:+.4%} (standard error {run['relative_standard_error']:.4%})",
                f"{run['stored_mb']:.1f}",
            )
            for (kind, _), run in runs.items()
        ],
    )
    ratio = {name: speed[name] / speed[f"{name}, pandas merge"] for name in ("whole numbers", "texts of 11 bytes")}
    growth = {kind: runs[kind, events]["peak_mb"] / runs[kind, 1_000_000]["peak_mb"] for kind in ("exact", "sampled")}
    slowest = min(1e9 / speed["whole numbers"], 1e9 / speed["texts of 11 bytes"], *(r["per_s"] for r in runs.values()))
    figures = {
        "events_per_s_int64": round(1e9 / speed["whole numbers"]),
        "events_per_s_text": round(1e9 / speed["texts of 11 bytes"]),
        "events_per_s_python_text": round(1e9 / speed["Python texts"]),
        "events_per_s_slowest": round(slowest),
        "cost_ratio_to_pandas_merge_int64": round(ratio["whole numbers"], 2),
        "cost_ratio_to_pandas_merge_text": round(ratio["texts of 11 bytes"], 2),
        "cost_ratio_to_sort": round(speed["whole numbers"] / speed["np.sort of the ids"], 2),
        "cost_ratio_to_dictionary_loop": round(speed["whole numbers"] / speed["a loop with a dictionary"], 2),
        "peak_mb": {kind: round(runs[kind, events]["peak_mb"]) for kind in growth},
        f"memory_growth_1e6_to_{f'{events:.0e}'.replace('+0', '')}": {k: round(v, 3) for k, v in growth.items()},
        "met": slowest >= GOAL and max(growth.values()) <= 1.2,
    }
    report.finish(figures, markdown)


if __name__ == "__main__":
    main()
