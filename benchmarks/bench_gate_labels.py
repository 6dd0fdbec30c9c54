"""How many labels a gate needs: the best plan beside the public code of ease.ml/ci and beside Hoeffding's inequality.

    python benchmarks/bench_gate_labels.py [--quick] [--easeml-ci CLONE] [--markdown FILE]

The rule of ease.ml/ci is stated anew in `easeml_ci`, after `SampleCalculator.calculate_n` of its repository; it was checked
against that class as it stands at commits b15fbc6 and 3c14fd9, on every condition here that it can read. `--easeml-ci` takes
a clone, runs its own code beside, and stops where the two differ. Their code asks for labels of all rows, ours for those that the
best method names. "rows" is what we save if no label may be left out: the same plan without active labelling.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import itertools
import math
import statistics
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from gate_streams import STREAMS, streams
from report import Report
from upkeep.core.gate.condition import Condition, parse
from upkeep.core.gate.plan import Facts, plan
from upkeep.core.gate.promise import Promise

#: On how many rows without labels d was measured, where it was.
UNLABELLED = 20_000
DELTAS, STEPS, ADAPTIVITIES = (0.01, 0.001, 0.0001), (7, 32), ("none", "full")
#: Share of labels saved that each family shall reach, where one is set.
GOALS = {"one variable": 0.25, "n - o, d measured": 0.30}


@dataclass(frozen=True, slots=True)
class Case:
    """A condition, and what is known of d."""

    family: str
    group: str
    text: str
    facts: Facts
    modes: tuple[str, ...] = ("fp-free",)


@dataclass(frozen=True, slots=True)
class Cell:
    """Labels for one case under one promise. `public` is None where ease.ml/ci has no words for the condition."""

    case: Case
    kept: Promise
    promise: str
    method: str
    ours: int
    rows: int
    hoeffding: int
    public: int | None
    seconds: float

    @property
    def rival(self) -> int:
        return self.hoeffding if self.public is None else min(self.public, self.hoeffding)

    @property
    def saving(self) -> float:
        return 1.0 - self.ours / self.rival

    @property
    def saving_of_rows(self) -> float:
        return 1.0 - self.rows / self.rival


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one reliability and one number of steps")
    parser.add_argument(
        "--easeml-ci", type=Path, help="a clone of github.com/easeml/ci, to run its own estimator as well"
    )
    parser.add_argument("--markdown", type=Path)
    given = parser.parse_args()
    public = None if given.easeml_ci is None else _their_code(given.easeml_ci)
    promises = list(itertools.product(DELTAS[-1:] if given.quick else DELTAS, STEPS[-1:] if given.quick else STEPS))
    asked = [
        (case, delta, steps, adaptivity, mode)
        for case in cases()
        for (delta, steps), adaptivity in itertools.product(promises, ADAPTIVITIES)
        for mode in case.modes
    ]
    cells = [_cell(*question, public) for question in tqdm(asked, unit="plan", leave=False)]
    report = Report("Labels that a gate needs")
    figures = {
        "plans": len(cells),
        "never_more_labels": all(cell.ours <= cell.rival for cell in cells),
        "never_more_rows": all(cell.rows <= cell.rival for cell in cells),
        "checked_against_their_code": sum(cell.public is not None for cell in cells) if public else 0,
        "slowest_plan_cpu_s": round(max(cell.seconds for cell in cells), 3),
        "families": _families(report, cells),
        "missed": _missed(report, cells),
        "missed_label_by_label": _label_by_label(report, cells),
    }
    report.finish(figures, given.markdown)


def cases() -> Iterator[Case]:
    """Every condition of the comparison; none that no data could meet."""
    nothing = Facts()
    for bar, tolerance in itertools.product((0.5, 0.6, 0.7, 0.8, 0.9, 0.95), (0.01, 0.02, 0.05)):
        if bar + tolerance < 1.0:
            text = f"n > {bar} +/- {tolerance}"
            yield Case("one variable", f"n > {bar}", text, nothing, ("fp-free", "fn-free"))
    for share, tolerance in itertools.product((0.02, 0.05, 0.1, 0.2, 0.3), (0.005, 0.01, 0.02, 0.05)):
        if 2 * tolerance < share:  # a model that is clearly better is possible
            facts = Facts(measured_difference=(share, UNLABELLED))
            yield Case("n - o, d measured", f"d = {share}", f"n - o > 0 +/- {tolerance}", facts)
            yield Case("n - 1.1*o, d measured", f"d = {share}", f"n - 1.1*o > -0.08 +/- {tolerance}", facts)
    for tolerance in (0.01, 0.02, 0.05):
        yield Case("n - o, nothing known", "", f"n - o > 0 +/- {tolerance}", nothing)
        yield Case("n - 1.1*o, nothing known", "", f"n - 1.1*o > -0.08 +/- {tolerance}", nothing)
        yield Case("with a clause on d", "d < 0.1", f"n - o > 0 +/- {tolerance} /\\ d < 0.1 +/- 0.01", nothing)
        yield Case("two accuracies", "", f"n > 0.9 +/- {tolerance} /\\ n - o > 0 +/- {tolerance}", nothing)
        yield Case("recall", "", f"n.recall > 0.8 +/- {tolerance}", nothing)
        yield Case("difference of recalls", "", f"n.recall - o.recall > 0 +/- {tolerance}", nothing)
        yield Case("f1", "", f"n.f1 > 0.8 +/- {tolerance}", nothing)
        yield Case("two precisions", "", f"n.precision - o.precision > 0 +/- {tolerance}", nothing)
        yield Case("brier score", "", f"n.brier < 0.15 +/- {tolerance}", nothing)
        yield Case("a slice", "", f"n[borough = Queens] > 0.8 +/- {tolerance}", nothing)


def easeml_ci(condition: Condition, delta: float, steps: int, adaptivity: str) -> int | None:
    """Rows by the rule of the public code: the tolerance divided equally, δ by variables, clauses and histories.

    None where it has no words for the condition.
    """
    if any(variable.metric != "accuracy" or variable.slice for variable in condition.variables):
        return None
    rows = 0.0
    for clause in condition.clauses:
        count = len(clause.weights)
        log_histories = steps * math.log(2.0) if adaptivity == "full" else math.log(steps)
        log_tests = math.log(count * len(condition.clauses) / delta) + log_histories
        rows = max(
            rows,
            max(abs(factor) for _, factor in clause.weights) ** 2 * count**2 * log_tests / (2 * clause.tolerance**2),
        )
    return math.ceil(rows)


def _cell(
    case: Case,
    delta: float,
    steps: int,
    adaptivity: str,
    mode: str,
    public: Callable[[str, float, int, str], int] | None,
) -> Cell:
    condition = parse(case.text)
    promise = Promise(reliability=1.0 - delta, steps=steps, adaptivity=adaptivity, mode=mode)  # type: ignore[arg-type]
    start = time.process_time()
    found = plan(condition, promise, case.facts)
    seconds = time.process_time() - start
    rival = easeml_ci(condition, delta, steps, adaptivity)
    if public is not None and rival is not None:
        theirs = public(case.text, 1.0 - delta, steps, adaptivity)
        if theirs != rival:
            raise SystemExit(f"{case.text!r}: their code says {theirs}, the rule restated here {rival}.")
    return Cell(
        case=case,
        kept=promise,
        promise=f"1 - δ = {1.0 - delta:.4g}, H = {steps}, {adaptivity}, {mode}",
        method=found.best.name,
        ours=found.best.labels,
        rows=found.method("exact").labels,
        hoeffding=found.method("hoeffding").labels,
        public=rival,
        seconds=seconds,
    )


def _families(report: Report, cells: list[Cell]) -> dict[str, dict[str, object]]:
    figures: dict[str, dict[str, object]] = {}
    table = []
    for (family, group), members in _grouped(cells).items():
        savings = [cell.saving for cell in members]
        by_rows = [cell.saving_of_rows for cell in members]
        one = next((cell for cell in members if "0.9999, H = 32, none" in cell.promise), members[0])
        table.append(
            [
                family,
                group,
                len(members),
                one.case.text.split(" /")[0],
                one.public or "no words",
                one.hoeffding,
                one.ours,
            ]
            + [_percent(of(values)) for values in (savings, by_rows) for of in (min, statistics.median, max)]
        )
        figures[f"{family}; {group}" if group else family] = {
            "cells": len(members),
            "saving": [round(of(savings), 3) for of in (min, statistics.median, max)],
            "saving_of_rows": [round(of(by_rows), 3) for of in (min, statistics.median, max)],
            "public_code_can": one.public is not None,
        }
    header = ["family", "which", "plans", "for example", "ease.ml/ci", "Hoeffding", "ours"]
    header += [f"{what} saved: {of}" for what in ("labels", "rows") for of in ("least", "median", "most")]
    report.table("Against the smaller of ease.ml/ci's and Hoeffding's", header, table)
    return figures


def _missed(report: Report, cells: list[Cell]) -> dict[str, dict[str, object]]:
    """Where a family's goal is not met, with the worst first."""
    figures: dict[str, dict[str, object]] = {}
    table = []
    for family, goal in GOALS.items():
        members = [cell for cell in cells if cell.case.family == family]
        short = sorted((cell for cell in members if cell.saving < goal), key=lambda cell: cell.saving)
        bars = sorted({cell.case.group for cell in short})
        figures[family] = {"goal": goal, "plans": len(members), "missed": len(short), "where": bars}
        table += [[c.case.text, c.promise, c.rival, c.ours, _percent(c.saving), _percent(goal)] for c in short[:8]]
    report.table(
        "Where the goal is missed, the worst eight of each family",
        ["condition", "promise", "rival", "ours", "saved", "goal"],
        table,
    )
    return figures


def _label_by_label(report: Report, cells: list[Cell]) -> dict[str, object]:
    """The plans of one variable that miss their goal at the widest tolerance: the ratios are the same at finer ones."""
    goal = GOALS["one variable"]
    missed = [c for c in cells if c.case.family == "one variable" and c.saving < goal and c.case.text.endswith("0.05")]
    table, savings, wrong = [], [], 0
    for cell in tqdm(missed, unit="plan", leave=False):
        for seen in streams(cell.case.text, cell.kept, cell.rival, seed=1):
            savings.append(1.0 - seen.labels / cell.rival)
            wrong += seen.wrong
            table.append(
                [
                    cell.case.text,
                    cell.promise,
                    seen.truth,
                    cell.rival,
                    cell.ours,
                    round(seen.labels),
                    _percent(savings[-1]),
                ]
            )
    table.sort(key=lambda row: float(str(row[-1]).split()[0]))
    report.table(
        f"Judged label by label in their place, mean of {STREAMS} streams, the worst eight",
        ["condition", "promise", "truth", "rival", "fixed size", "labels on average", "saved"],
        table[:8],
    )
    spread = [round(of(savings), 3) for of in (min, statistics.median, max)] if savings else []
    return {"plans": len(missed), "goal": goal, "saving_on_average": spread, "wrong_answers": wrong}


def _grouped(cells: list[Cell]) -> dict[tuple[str, str], list[Cell]]:
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.case.family, cell.case.group), []).append(cell)
    return dict(sorted(groups.items(), key=lambda group: group[0][0]))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _their_code(clone: Path) -> Callable[[str, float, int, str], int]:
    """The estimator of a clone. It imports GitHub's client, which estimating has no use for."""
    if importlib.util.find_spec("github") is None:
        client = types.ModuleType("github")
        client.Github = client.InputGitTreeElement = None  # type: ignore[attr-defined]
        sys.modules["github"] = client
    spec = importlib.util.spec_from_file_location("easeml_ci_estimator", clone / "easeml_cicd" / "core" / "utils.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"{clone} has no easeml_cicd/core/utils.py. Pass a clone of github.com/easeml/ci.")
    theirs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)

    def rows(text: str, reliability: float, steps: int, adaptivity: str) -> int:
        settings = {
            "script": "./test.py", "condition": text, "reliability": reliability, "mode": "fp-free",
            "adaptivity": adaptivity, "steps": steps, "data_mode": "auto", "email": "a@b.c",
        }  # fmt: skip
        lines = "".join(f"- {name}: {value}\n" for name, value in settings.items())
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            file = Path(folder) / ".easeml.yml"
            file.write_text(f"ml:\n{lines}")
            return int(theirs.SampleCalculator(str(file)).calculate_n())

    return rows


if __name__ == "__main__":
    main()
