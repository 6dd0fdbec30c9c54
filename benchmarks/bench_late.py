"""Who is late: whether a planted incident is ranked first, and what that costs beside frequent itemsets.

    python benchmarks/bench_late.py [--quick] [--markdown FILE] [--peers-dir DIR]

Tables have 50 columns: 20 of ten equal levels, 15 of ten unequal ones, 10 of two to five, and 5 that repeat another column
in four rows of five. 3 % of the rows are late; among the rows of two levels of two columns, about 1 % of all, 30 %.
Which columns and levels these are is drawn anew in every run, the table in every tenth. An incident is found if the first
rule has these two clauses and no other. Then the same table is given to mlxtend's Apriori and FP-growth.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from peers.environments import ask, interpreter
from report import Report
from upkeep.core.columns import Coded
from upkeep.core.feedback.late.coding import Coding
from upkeep.core.feedback.late.counter import LateCounter
from upkeep.core.feedback.late.counts import pair_counts
from upkeep.core.feedback.late.rules import evidence_of, who_is_late
from upkeep.core.feedback.late.rules import report as report_rules
from upkeep.core.feedback.late.terms import Terms

COLUMNS, USUAL = 50, 0.03
#: Shares of the incident's rows that are late; the first is that of the claim.
SHARES = (0.3, 0.15, 0.6)
LIMIT_GB = 8


@dataclass(frozen=True, kw_only=True)
class Incident:
    columns: tuple[int, int]
    levels: tuple[int, int]

    def rows(self, codes: NDArray[np.uint8]) -> NDArray[np.bool_]:
        (a, b), (u, v) = self.columns, self.levels
        return (codes[a] == u) & (codes[b] == v)

    @property
    def items(self) -> list[int]:
        return sorted(1000 * c + v for c, v in zip(self.columns, self.levels, strict=True))

    @property
    def places(self) -> set[tuple[str, str]]:
        return {(f"c{c}", f"v{v}") for c, v in zip(self.columns, self.levels, strict=True)}


def table(rng: np.random.Generator, rows: int) -> tuple[NDArray[np.uint8], list[int]]:
    """Codes, shape (50, rows), and levels per column; the order of the columns is drawn."""
    zipf = 1 / np.arange(1, 11)
    kinds = (
        [np.full(10, 0.1)] * 20 + [zipf / zipf.sum()] * 15 + [np.full(k, 1 / k) for k in (2, 2, 2, 2, 3, 3, 4, 4, 5, 5)]
    )
    codes = np.empty((COLUMNS, rows), dtype=np.uint8)
    for column, shares in zip(codes, kinds, strict=False):
        column[:] = np.searchsorted(np.cumsum(shares)[:-1], rng.random(rows, dtype=np.float32), side="right")
    for j in range(45, COLUMNS):
        codes[j] = np.where(rng.random(rows, dtype=np.float32) < 0.8, codes[j - 45], codes[j - 20])
    codes = codes[rng.permutation(COLUMNS)]
    return codes, [int(column.max()) + 1 for column in codes]


def incident(rng: np.random.Generator, codes: NDArray[np.uint8], sizes: list[int]) -> Incident:
    """Two levels of two columns that .8 to 1.25 % of the rows have."""
    while True:
        a, b = (int(c) for c in rng.choice(COLUMNS, 2, replace=False))
        found = Incident(columns=(a, b), levels=(int(rng.integers(sizes[a])), int(rng.integers(sizes[b]))))
        if 0.008 <= found.rows(codes[:, :100_000]).mean() <= 0.0125:
            return found


def as_table(codes: NDArray[np.uint8], sizes: list[int]) -> dict[str, Coded]:
    return {f"c{j}": Coded(column, tuple(f"v{v}" for v in range(sizes[j]))) for j, column in enumerate(codes)}


def first_rule(rules: Any) -> set[tuple[str, str]]:
    return {tuple(clause.split(" = ")) for clause in rules.rules[0].clauses} if rules.rules else set()


def ranking(report: Report, runs: int, rows: int) -> dict[str, Any]:
    """Runs in which the first rule is the planted one, per share of its rows that are late; and runs without one."""
    figures: dict[str, Any] = {"runs": runs, "rows": rows}
    cells, seconds = [], []
    counts = {share: runs if share == SHARES[0] else max(1, runs // 10) for share in (*SHARES, USUAL)}
    hits, further, done = dict.fromkeys(counts, 0), dict.fromkeys(counts, 0), 0
    bar = tqdm(total=sum(counts.values()), desc="incidents", leave=False, mininterval=1)
    for share, many in counts.items():
        for _ in range(many):
            rng = np.random.default_rng([4, done, rows])
            if done % 10 == 0:
                codes, sizes = table(rng, rows)
                columns = as_table(codes, sizes)
                coding = Coding.fit(columns)
                coded = coding.encode(columns)
                pairs = pair_counts(coded, coding.sizes)  # do not depend on what is late
            planted = incident(rng, codes, sizes)
            late = rng.random(rows, dtype=np.float32) < np.where(planted.rows(codes), share, USUAL)
            rules = report_rules(evidence_of(coding, coded, late, pairs=pairs), Terms())
            if done % 10 == 0:
                began = time.process_time()
                whole = who_is_late(columns, late)
                seconds.append(time.process_time() - began)
                if whole != rules:
                    raise AssertionError("rules must not depend on when pairs were counted")
            hits[share] += first_rule(rules) == planted.places
            further[share] += len(rules.rules) - (first_rule(rules) == planted.places)
            done += 1
            bar.update()
    bar.close()
    for share, many in counts.items():
        what = "no incident" if share == USUAL else f"{share:.0%} of its rows late"
        cells.append((what, many, "-" if share == USUAL else hits[share], further[share]))
    report.table(
        f"Planted incident of two clauses, 1 % of {rows:,} rows x {COLUMNS}, {USUAL:.0%} late otherwise",
        ["incident", "runs", "ranked first", "other rules in all"],
        cells,
    )
    report.paragraph(f"CPU time of a whole run: median {np.median(seconds):.2f} s, most {max(seconds):.2f} s.")
    figures |= {"ranked_first": hits[SHARES[0]], "other_rules": sum(further.values()), "null_runs": counts[USUAL]}
    figures |= {f"ranked_first_at_{share:.2f}": f"{hits[share]}/{counts[share]}" for share in SHARES[1:]}
    return figures | {"cpu_s": round(float(np.median(seconds)), 3)}


def beside_peers(report: Report, sizes_of: list[int], limit_s: float, peers: Path) -> dict[str, Any]:
    """The same table given to mlxtend, which is told the support that the incident has."""
    python, figures = interpreter("mlxtend", peers), {}
    for rows in sizes_of:
        rng = np.random.default_rng([5, rows])
        codes, sizes = table(rng, rows)
        planted = incident(rng, codes, sizes)
        hit = planted.rows(codes)
        late = rng.random(rows) < np.where(hit, SHARES[0], USUAL)
        columns, times = as_table(codes, sizes), []
        for _ in range(3):
            began = time.process_time()
            rules = who_is_late(columns, late)
            times.append(time.process_time() - began)
        ours = min(times)
        place = "1" if first_rule(rules) == planted.places else "-"
        lines = [("ours, up to three clauses, all rows", f"{ours:.2f}", "1.0", place, "")]
        with tempfile.TemporaryDirectory() as folder:
            np.save(f"{folder}/codes.npy", codes)
            np.save(f"{folder}/late.npy", late)
            supports = [f"{0.8 * share:.5f}" for share in (hit.mean(), (hit & late).sum() / late.sum())]
            for method in ("apriori", "fpgrowth"):
                for over in ("both", "late"):
                    arguments = [folder, method, over, *supports, f"{limit_s:.0f}", str(LIMIT_GB)]
                    report_line = _peer(
                        method, over, ask(python, "mlxtend", arguments, limit_s=8 * limit_s + 120), planted, ours
                    )
                    lines.append(report_line[0])
                    figures[f"{method}_{over}_{rows}"] = report_line[1]
        report.table(
            f"{rows:,} rows x {COLUMNS}, {int(late.sum()):,} late",
            ["search", "CPU s", "times ours", "place of the incident", ""],
            lines,
        )
        figures[f"ours_{rows}"] = round(ours, 3)
    return figures


def _peer(
    method: str, over: str, answer: dict[str, Any], planted: Incident, ours: float
) -> tuple[tuple[str, ...], Any]:
    name = f"mlxtend {method}, " + (
        "pairs of all rows and of late rows" if over == "both" else "pairs of late rows only"
    )
    if "error" in answer:
        return (name, "-", "-", "-", answer["error"]), None
    stopped = answer.get("stopped")
    order = answer.get("order", [])
    place = "-" if stopped else str(order.index(planted.items) + 1) if planted.items in order else "> 100"
    mark, ratio = "≥ " if stopped else "", answer["cpu_s"] / ours
    note = f"stopped {stopped}, " if stopped else ""
    cells = (name, f"{mark}{answer['cpu_s']:.2f}", f"{mark}{ratio:.1f}", place, f"{note}{answer['peak_gb']:.1f} GB")
    return cells, {"cpu_s": round(answer["cpu_s"], 2), "ratio": round(ratio, 1), "stopped": stopped, "place": place}


def stream(report: Report, rows: int) -> dict[str, Any]:
    """Rows and labels that go by in batches, and whether the answer is that of the batch."""
    rng = np.random.default_rng(6)
    codes, sizes = table(rng, rows)
    planted = incident(rng, codes, sizes)
    late = rng.random(rows) < np.where(planted.rows(codes), SHARES[0], USUAL)
    columns, comes = as_table(codes, sizes), rng.random(rows) < 0.5
    coding = Coding.fit(columns)
    lines, figures = [], {}
    for size in (10_000, 1_000, 1):
        counter = LateCounter(coding)
        taken = range(0, rows if size > 1 else 500, size)
        spent = 0.0
        for start in tqdm(taken, desc=f"batches of {size}", leave=False, mininterval=1):
            part = slice(start, start + size)
            batch = {name: column[part] for name, column in columns.items()}
            began = time.process_time()
            counter.add(range(start, start + size), batch, late[part])
            counter.labelled((start + np.flatnonzero(comes[part])).tolist())
            spent += time.process_time() - began
        each = spent / (len(taken) * size) * 1e6
        lines.append((f"{size:,}", f"{each:.1f}"))
        figures[f"stream_us_per_row_{size}"] = round(each, 2)
        if size > 1:
            pairs_only = Terms(clauses=2)
            same = counter.rules(pairs_only) == who_is_late(columns, late & ~comes, coding=coding, terms=pairs_only)
            figures["stream_equals_batch"] = figures.get("stream_equals_batch", True) and same
    report.table("Cost of the stream, 50 columns: due, late and labelled", ["rows at a time", "µs a row"], lines)
    tracemalloc.start()
    counter = LateCounter(coding)
    report.paragraph(
        f"A counter takes {tracemalloc.get_traced_memory()[0] / 2**20:.1f} MB however many rows go by; "
        f"its rules equal the batch's: {figures['stream_equals_batch']}."
    )
    tracemalloc.stop()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few runs, small tables for the peers")
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--peers-dir", type=Path, default=Path(__file__).parent / ".peers")
    given = parser.parse_args()
    report = Report("Who is late")
    runs, tables, limit_s, rows = (
        (10, [20_000], 5.0, 50_000) if given.quick else (100, [100_000, 1_000_000], 150.0, 1_000_000)
    )
    figures = ranking(report, runs, 1_000_000)
    figures |= beside_peers(report, tables, limit_s, given.peers_dir)
    figures |= stream(report, rows)
    report.finish(figures, given.markdown)


if __name__ == "__main__":
    main()
