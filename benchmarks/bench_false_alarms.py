"""How often the drift alarm is wrong over a whole life, and how soon it is right, beside the usual alarms.

    python benchmarks/bench_false_alarms.py [--quick] [--peers [--peers-dir DIR]] [--markdown FILE]

`--peers` adds other libraries' own alarms on the same pairs of tables, each in an environment of its own.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable
from functools import partial
from multiprocessing import get_context
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from scipy.stats import binomtest
from tqdm import tqdm

from lives import ALPHA, RULES, SEASONAL, STILL_RULES, WEEKS, Life, found_after, large_life, life
from peers.environments import ask, interpreter
from report import Report
from windows import PATIENCE, TINY, delay, judged_pair, tiny

T = TypeVar("T")
SEED = 20260101
#: Worker and environment of each of the other libraries.
PEERS = {
    "evidently, default": ("evidently", "evidently"),
    "nannyml, default": ("nannyml_default", "nannyml"),
    "nannyml, KS and chi2": ("nannyml", "nannyml"),
    "alibi-detect TabularDrift": ("alibi_detect", "alibi_detect"),
    "whylogs, default": ("whylogs", "whylogs"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer of everything")
    parser.add_argument("--lives", type=int, help="lives of windows of 1,000 to 2,000 rows")
    parser.add_argument("--windows", type=int, default=200, help="windows per life")
    parser.add_argument("--peers", action="store_true", help="ask other libraries too")
    parser.add_argument("--peers-dir", type=Path, default=Path(__file__).parent / ".peers")
    parser.add_argument("--peer-s", type=float, default=60, help="seconds for each library and shift")
    parser.add_argument("--markdown", type=Path)
    given = parser.parse_args()
    quick = given.quick
    asked = (given.peers_dir.resolve(), given.peer_s) if given.peers else None
    report = Report("False alarms and power of the drift alarm")
    with get_context("spawn").Pool(os.cpu_count()) as pool:
        figures = _lives(report, pool, given.lives or (30 if quick else 2_000), given.windows)
        figures |= _moved(report, pool, 6 if quick else 200)
        figures |= _large(report, pool, 10 if quick else 200, given.windows)
        figures |= _tiny(report, pool, 1 if quick else 10)
        figures |= _delays(report, pool, 15 if quick else 200)
        figures |= _pairs(report, pool, 20 if quick else 200, asked)
    report.finish(figures, given.markdown)


def _lives(report: Report, pool: Pool, lives: int, windows: int) -> dict[str, Any]:
    lived = _all(pool, "lives", partial(_one_life, windows), range(lives))
    rows, rates = _rates(lived, windows)
    report.table(
        f"{lives:,} lives of {windows} windows without drift, 1,000 to 2,000 rows x 12 columns",
        ("rule", "lives with any alarm", "95 % interval", "alarmed windows"),
        rows,
    )
    report.paragraph(
        f"The reference is the year before, {WEEKS} windows. Columns hang together, repeat values, have gaps, Cauchy's tails "
        f"and 300 rare levels; {', '.join(SEASONAL)} have a season, one holiday week a year included. alpha is {ALPHA} for life."
    )
    ours = sum(one.alarms["ours"] > 0 for one in lived)
    return {
        "alpha": ALPHA,
        "lives": lives,
        "windows": windows,
        "lives_alarmed": ours / lives,
        "lives_alarmed_interval": _interval(ours, lives),
        "control_lives_alarmed": rates,
    }


def _moved(report: Report, pool: Pool, lives: int, first_look: int = 100) -> dict[str, Any]:
    rows, figures = [], {}
    for column, shift in (("fare", 0.2), ("fare", 0.3), ("temperature", 0.5), ("temperature", 1.0)):
        waits = _all(pool, f"{column} moves", partial(_one_moved, column, shift, first_look), range(lives))
        first = sum(wait == 1 for wait in waits) / lives
        within = sum(wait is not None for wait in waits) / lives
        rows.append((column, f"{shift} sigma", _percent(first), _percent(within), *_quantiles(waits)))
        figures[f"{column} {shift} sigma"] = first
    header = (
        "column",
        "shift",
        "found in its first window",
        f"found within {PATIENCE}",
        "median delay",
        "95 % of delays",
    )
    report.table(f"The same lives when one column does move, at window {first_look}; {lives} lives each", header, rows)
    report.paragraph(
        "What its season does is no drift, so a seasonal column is heard when season and shift together go beyond it."
    )
    return {"lives_power": figures}


def _large(report: Report, pool: Pool, lives: int, windows: int) -> dict[str, Any]:
    lived = _all(pool, "lives of large windows", partial(_one_large_life, windows), range(lives))
    rows, rates = _rates(lived, windows)
    report.table(
        f"{lives:,} lives of {windows} windows without drift, 1,000,000 rows x 5 columns, of which 3 seasonal",
        ("rule", "lives with any alarm", "95 % interval", "alarmed windows"),
        rows,
    )
    ours = sum(one.alarms["ours"] > 0 for one in lived)
    return {"large_lives": lives, "large_lives_alarmed": ours / lives, "large_control_lives_alarmed": rates}


def _tiny(report: Report, pool: Pool, references: int, rows: int = 1_000_000) -> dict[str, Any]:
    """Each reference is followed by four windows."""
    each = 4
    found = _all(pool, "tiny shifts", partial(_one_tiny, rows, each), range(references * len(TINY)))
    windows = references * each
    shares = {
        shift: {rule: sum(alarms[rule] for alarms in found[kind :: len(TINY)]) / windows for rule in found[0]}
        for kind, shift in enumerate(TINY)
    }
    report.table(
        f"Windows called drifted at {rows:,} rows x 5 columns, {windows} windows of each kind",
        ("what moved", *found[0]),
        [(shift, *(_percent(share) for share in several.values())) for shift, several in shares.items()],
    )
    return {"tiny_shift_windows_alarmed": shares}


def _delays(report: Report, pool: Pool, runs: int) -> dict[str, Any]:
    rows, figures = [], {}
    kinds = [(10_000, 1), (10_000, 50), (10_000, 200), (5_000, 1), (5_000, 200), (2_500, 1)]
    for size, look in kinds:
        found = _all(pool, f"delay at {size:,} rows", partial(_one_delay, size, look), range(runs))
        waits = [wait for wait, _ in found if wait]
        others = sum(other for _, other in found) / runs
        first = sum(wait == 1 for wait in waits) / runs
        median, late = _quantiles([wait for wait, _ in found])
        rows.append((f"{size:,}", look, _percent(first), _percent(len(waits) / runs), median, late, _percent(others)))
        if (size, look) == kinds[0]:
            figures = {"power": first, "delay_median": median, "delay_95": late}
        elif (size, look) == kinds[2]:
            figures |= {"power_at_window_200": first}
    header = ("rows per window", "shift begins at window", "found in its first window", f"found within {PATIENCE}",
              "median delay", "95 % of delays", "another column named")  # fmt: skip
    report.table(f".2 sigma in 1 of 20 columns, default floor, {runs} runs each", header, rows)
    return figures


def _pairs(
    report: Report, pool: Pool, pairs: int, asked: tuple[Path, float] | None, size: int = 10_000
) -> dict[str, Any]:
    still = _all(pool, "pairs without drift", partial(_one_pair, size, 0.0), range(pairs))
    moved = _all(pool, "pairs with drift", partial(_one_pair, size, 0.2), range(pairs))
    rates = {
        rule: (
            float(np.mean([pair[rule].alarm for pair in still])),
            float(np.mean([pair[rule].columns for pair in still])),
            float(np.mean([pair[rule].alarm for pair in moved])),
            float(np.mean([pair[rule].found for pair in moved])),
            pairs,
        )
        for rule in still[0]
    }
    failed = []
    if asked:
        folder, limit_s = asked
        for label, (worker, home) in tqdm(PEERS.items(), desc="other libraries", leave=False):
            try:
                rates[label] = _asked(worker, interpreter(home, folder), pairs, size, limit_s)
            except ChildProcessError as error:
                failed.append(f"{label} failed: {error}")
    header = ("rule", "false alarms", "columns named", "alarm at the shift", "the column named", "pairs")
    rows = [(rule, _percent(r[0]), f"{r[1]:.2f}", _percent(r[2]), _percent(r[3]), r[4]) for rule, r in rates.items()]
    report.table(f"Pairs of {size:,} x 20, without drift and with .2 sigma in 1 column", header, rows)
    if asked:
        report.paragraph(
            "nannyml cuts a table into ten chunks: one that alerts is an alarm, and more than five name their column."
        )
    for failure in failed:
        report.paragraph(failure)
    return {
        "pairs_false_alarms": {rule: rate[0] for rule, rate in rates.items()},
        "pairs_power": {rule: rate[2] for rule, rate in rates.items()},
    }


def _asked(worker: str, python: Path, pairs: int, size: int, limit_s: float) -> tuple[float, float, float, float, int]:
    """False alarms, columns named, alarms at the shift, finds, and pairs judged in the time given."""
    still, moved = (
        ask(python, worker, ["alarms", str(pairs), str(size), str(shift), str(limit_s)], limit_s=3 * limit_s + 60)
        for shift in (0.0, 0.2)
    )
    for answer in (still, moved):
        if "error" in answer:
            raise ChildProcessError(answer["error"])
    n, m = still["pairs"], moved["pairs"]
    return still["alarms"] / n, still["columns"], moved["alarms"] / m, moved["found"] / m, min(n, m)


def _rates(lived: list[Life], windows: int) -> tuple[list[tuple[str, ...]], dict[str, float]]:
    counted = [(rule, [one.alarms[rule] for one in lived]) for rule in RULES]
    counted += [(f"{rule}, columns without season", [one.still[rule] for one in lived]) for rule in STILL_RULES]
    rows: list[tuple[str, ...]] = []
    rates = {}
    for rule, alarms in counted:
        hit = sum(count > 0 for count in alarms)
        low, high = _interval(hit, len(lived))
        share = _percent(sum(alarms) / (len(lived) * windows))
        rows.append((rule, _percent(hit / len(lived)), f"{_percent(low)} to {_percent(high)}", share))
        rates[rule] = hit / len(lived)
    return rows, rates


def _quantiles(waits: list[int | None]) -> tuple[str, str]:
    """Median and 95 % quantile of delays in windows."""
    spread = np.quantile([wait or np.inf for wait in waits], [0.5, 0.95], method="inverted_cdf")
    median, late = (f"{value:.0f}" if np.isfinite(value) else f"> {PATIENCE}" for value in spread)
    return median, late


def _interval(hits: int, runs: int) -> tuple[float, float]:
    """Clopper and Pearson's, 95 %."""
    found = binomtest(hits, runs).proportion_ci(0.95, method="exact")
    return round(float(found.low), 5), round(float(found.high), 5)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _all(pool: Pool, name: str, work: Callable[[int], T], seeds: Iterable[int]) -> list[T]:
    """The work of every seed, on all cores, in order."""
    todo = list(seeds)
    return list(tqdm(pool.imap(work, todo), total=len(todo), desc=name, leave=False, mininterval=1))


def _one_life(windows: int, seed: int) -> Life:
    return life((SEED, 1, seed), windows)


def _one_moved(column: str, shift_sigma: float, first_look: int, seed: int) -> int | None:
    return found_after((SEED, 5, seed), column, shift_sigma, first_look, PATIENCE)


def _one_large_life(windows: int, seed: int) -> Life:
    return large_life((SEED, 2, seed), windows)


def _one_tiny(rows: int, windows: int, seed: int) -> dict[str, int]:
    return tiny((SEED, 3, seed), rows, TINY[seed % len(TINY)], windows)


def _one_delay(rows: int, look: int, seed: int) -> tuple[int | None, bool]:
    return delay((SEED, 4, rows, look, seed), rows, look)


def _one_pair(rows: int, shift_sigma: float, seed: int) -> Any:
    return judged_pair(seed, rows, shift_sigma)


if __name__ == "__main__":
    main()
