"""How many of a gate's test sets give a wrong answer in their life, when builders use every answer they get.

    python benchmarks/bench_gate_errors.py [--quick] [--lives N] [--markdown FILE]

Each mode x adaptivity x method; the developer, the worlds and the attack are in gate_lives.py. Goal: in no cell more than δ of
the lives. The controls must be far above it: a plain comparison of two numbers on the same rows, and rows that were planned for
answers that nobody sees while builders see them all. Then: after how many rows the anytime test stops, beside the exact test
of a fixed size with the same promise, and how often Hoeffding's interval is wrong if it is looked at after every row.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
from scipy.stats import beta, norm
from tqdm import tqdm

from gate_lives import (
    ACCURACY,
    ADAPTIVITIES,
    FINE,
    METHODS,
    MODES,
    PAIRS,
    Question,
    attacked,
    plain,
    rows_needed,
    wrong_lives,
)  # fmt: skip
from report import Report
from upkeep.core.gate.anytime import anytime
from upkeep.core.gate.condition import parse
from upkeep.core.gate.plan import Facts, plan
from upkeep.core.gate.promise import Promise

SEED, DELTA, STEPS, MANY = 20260201, 0.1, 8, 32
_SURE = 0.999


def promised(mode: str, adaptivity: str, releases: int, steps: int = STEPS) -> Promise:
    return Promise(reliability=1 - DELTA, steps=steps, adaptivity=adaptivity, releases=releases, mode=mode)  # type: ignore[arg-type]


def upper(wrong: int, lives: int) -> float:
    """Clopper and Pearson's bound on the rate, one-sided."""
    return float(beta.ppf(_SURE, wrong + 1, lives - wrong)) if wrong < lives else 1.0


def name(adaptivity: str, releases: int) -> str:
    return f"{adaptivity} k={releases}" if adaptivity == "releases" else adaptivity


def errors(report: Report, lives: int) -> dict[str, float]:
    """The promise, cell by cell."""
    rates, bounds, over = [], [], []
    header = ["condition", "method", *(f"{name(*a)}: rows, rate" for a in ADAPTIVITIES)]
    with tqdm(total=len(MODES) * len(METHODS) * len(ADAPTIVITIES), desc="cells") as progress:
        for mode in MODES:
            lines = []
            for at, (method, question) in enumerate(METHODS):
                cells = []
                for number, (adaptivity, releases) in enumerate(ADAPTIVITIES):
                    promise = promised(mode, adaptivity, releases)
                    rng = np.random.default_rng([SEED, MODES.index(mode), at, number])
                    wrong = attacked(rng, method, question, promise, lives)
                    rates.append(wrong / lives)
                    bounds.append(upper(wrong, lives))
                    over += [f"{mode} {adaptivity} {method} {question.text}"] * (bounds[-1] > DELTA)
                    cells.append(f"{_rows(method, question, promise):,}, {rates[-1]:.4f}")
                    progress.update()
                lines.append([question.text, method, *cells])
            report.table(f"{mode}: {lives:,} lives of {STEPS} models, share with a wrong answer", header, lines)
    report.paragraph(f"Cells whose bound is above δ = {DELTA}: {', '.join(over) or 'none'}.")
    return {
        "cells": len(rates), "lives": lives, "delta": DELTA, "steps": STEPS,
        "highest_rate": round(max(rates), 5), "highest_bound": round(max(bounds), 5), "cells_above": len(over),
    }  # fmt: skip


def _rows(method: str, question: Question, promise: Promise) -> int:
    measured = question.world.difference if question.measured_on else None
    return rows_needed(method, question, promise, measured)[0]


def controls(report: Report, lives: int) -> dict[str, float]:
    """What must fail."""
    rng = np.random.default_rng([SEED, 1])
    lines, plainly, unseen = [], [], []
    for question in (ACCURACY, PAIRS):
        for mode in MODES:
            cells = []
            for adaptivity, releases in tqdm(ADAPTIVITIES, f"plain, {mode}"):
                promise = promised(mode, adaptivity, releases)
                rows = _rows("exact", question, promise)
                wrong = wrong_lives(
                    rng, promise, question.world, plain(question.world),
                    rows=rows, tolerance=question.tolerance, lives=lives,
                )  # fmt: skip
                plainly.append(wrong / lives)
                cells.append(f"{plainly[-1]:.3f}")
            lines.append([question.text, mode, *cells])
    report.table(
        "Control: n̂ > ô decides, on as many rows as the exact test has",
        ["condition", "mode", *(name(*a) for a in ADAPTIVITIES)],
        lines,
    )
    lines = []
    for method, question in tqdm((("exact", ACCURACY), ("anytime", ACCURACY), ("exact", FINE)), "unseen"):
        for mode in MODES:
            seen, none = promised(mode, "full", 0, MANY), promised(mode, "none", 0, MANY)
            few, many = (attacked(rng, method, question, seen, lives, sized=sized) / lives for sized in (none, seen))
            if mode != "investigate":
                unseen.append(few)
            sizes = [f"{_rows(method, question, none):,}, {few:.3f}", f"{_rows(method, question, seen):,}, {many:.4f}"]
            lines.append([question.text, method, mode, *sizes])
    report.table(
        f"Control: {MANY} models, builders see all; rows and rate if planned for answers unseen, and for full",
        ["condition", "method", "mode", "unseen", "full"],
        lines,
    )
    return {"plain_lowest_rate": round(min(plainly), 3), "unseen_budget_lowest_rate": round(min(unseen), 3)}


def streams(report: Report, repeats: int) -> dict[str, float]:
    """Rows until the anytime test stops, beside the exact test."""
    promise, rng = Promise(reliability=0.99, steps=32), np.random.default_rng([SEED, 2])
    lines, ratios = [], []
    for text, tolerance, difference in (("n > 0.8 +/- 0.05", 0.05, None), ("n - o > 0.02 +/- 0.02", 0.02, 0.1)):
        threshold = parse(text).clauses[0].threshold
        exact = plan(parse(text), promise, Facts(difference=difference)).method("exact").rows
        values = [0.0, 1.0] if difference is None else [-1.0, 0.0, 1.0]
        test = {"span": (values[0], 1.0), "threshold": threshold, "comparison": ">", "tolerance": tolerance}
        for offset in tqdm((-4, -2, -1, 0, 1, 2, 3, 4), text):
            truth = threshold + offset * tolerance
            chances = _chances(truth, difference)
            found = [
                anytime(rng.choice(values, size=10 * exact, p=chances), log_tests=promise.log_tests, **test)
                for _ in range(repeats)
            ]
            used, answers = np.array([one.rows_used for one in found]), [one.truth for one in found]
            ratios.append((offset, used.mean() / exact))
            numbers = [
                f"{exact:,}",
                f"{used.mean():,.0f}",
                f"{np.quantile(used, 0.95):,.0f}",
                f"{used.mean() / exact:.2f}",
            ]
            shares = [f"{answers.count(answer) / repeats:.2f}" for answer in ("true", "unknown", "false")]
            lines.append([text, f"{truth:.2f}", *numbers, *shares])
    report.table(
        f"Rows until the anytime test stops, {repeats} streams; reliability .99 for 32 models, of whose answers nobody hears",
        ["condition", "truth", "exact test", "anytime, mean", "95 %", "mean / exact", "true", "unknown", "false"],
        lines,
    )
    return {
        "anytime_rows_at_worst": round(max(ratio for _, ratio in ratios), 2),
        "anytime_rows_two_tolerances_above": round(max(ratio for offset, ratio in ratios if offset == 2), 2),
    }


def _chances(truth: float, difference: float | None) -> list[float]:
    """Of 0 and 1, or of -1, 0 and 1."""
    if difference is None:
        return [1 - truth, truth]
    return [(difference - truth) / 2, 1 - difference, (difference + truth) / 2]


def peeking(report: Report, lives: int) -> dict[str, float]:
    """A stream exactly at the threshold, looked at after every row."""
    rows, first, error, rng = 10_000, 30, 0.05, np.random.default_rng([SEED, 3])
    times = np.arange(1, rows + 1)
    hoeffding, normal = (0.5 + np.sqrt(width / times) for width in (-math.log(error) / 2, norm.isf(error) ** 2 / 4))
    ours, wrong = 0, np.zeros(2)
    for _ in tqdm(range(lives), "streams"):
        coins = rng.integers(0, 2, rows).astype(np.float64)
        found = anytime(coins, span=(0, 1), threshold=0.5, comparison=">", tolerance=1e-3, log_tests=-math.log(error))
        ours += found.truth == "true"
        means = np.cumsum(coins) / times
        wrong += [(means > hoeffding).any(), (means > normal)[first:].any()]
    report.table(
        f"{lives:,} streams of {rows:,} rows at the threshold, called better at any row; at most {error} is promised",
        ["anytime", "Hoeffding's interval after each row", f"normal interval after each row from {first} on"],
        [[f"{rate / lives:.4f}" for rate in (ours, *wrong)]],
    )
    names = ("peeking_rate", "peeking_hoeffding_rate", "peeking_normal_rate")
    return {key: round(float(rate) / lives, 4) for key, rate in zip(names, (ours, *wrong), strict=True)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a thousand lives per cell")
    parser.add_argument("--lives", type=int, help="lives per cell, 100,000 unless told")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file")
    given = parser.parse_args()
    report = Report("Wrong answers of a gate over a test set's life")
    figures = errors(report, given.lives or (1_000 if given.quick else 100_000))
    figures |= controls(report, 500 if given.quick else 4_000)
    figures |= streams(report, 50 if given.quick else 200)
    figures |= peeking(report, 200 if given.quick else 1_000)
    report.finish(figures, given.markdown)


if __name__ == "__main__":
    main()
