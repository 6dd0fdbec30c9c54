"""What is known beforehand of the share of rows on which two models differ."""

from __future__ import annotations

import math
from dataclasses import dataclass

from upkeep.core.gate.bounds import binomial
from upkeep.core.gate.condition import Clause
from upkeep.core.gate.needs import Differing, Question, compares_accuracy
from upkeep.core.gate.variable import Slice
from upkeep.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of the share of rows on which the two models differ, before any label is seen.

    Attributes
    ----------
    difference : float or None
        A bound on it over all rows that holds for sure, for every model that the gate will judge.
    measured_difference : tuple of (float, int) or None
        The share, and on how many rows it was measured, without labels, for the model to be judged. Its upper bound costs
        half of δ. The rows are others than those of the test; or the test's own, if how many these are was fixed before
        and the plan only says whether they suffice.
    """

    difference: float | None = None
    measured_difference: tuple[float, int] | None = None

    def __post_init__(self) -> None:
        if self.difference is not None and not 0.0 < self.difference <= 1.0:
            raise InputError(f"the bound on the share that differs must lie in (0, 1], got {self.difference}.")
        if self.measured_difference is not None:
            share, rows = self.measured_difference
            if not 0.0 <= share <= 1.0 or rows < 1:
                raise InputError(
                    f"a measured difference is a share in [0, 1] of one row or more, got {share} of {rows} rows."
                )


@dataclass(frozen=True, slots=True)
class Known:
    """Bounds on the share that differs, by the slice that they are about."""

    bounds: tuple[tuple[Slice, Differing], ...] = ()

    def of(self, clause: Clause) -> Differing | None:
        """The bound that a clause may use: one on all its rows, if it compares accuracies."""
        if not compares_accuracy(clause):
            return None
        return dict(self.bounds).get(clause.variables[0].slice)

    def helps(self, question: Question) -> bool:
        return any(self.of(clause) is not None for clause in question.condition.clauses)


def sure(facts: Facts) -> Known:
    """What was said to hold for every model."""
    p = facts.difference
    return Known() if p is None else Known((((), Differing(tight=p, loose=p)),))


def by_clauses(question: Question) -> Known:
    """What follows from clauses such as ``d < 0.1 +/- 0.01``.

    Where the clause is false, it alone keeps the gate shut; where it is true, d is below its threshold; where it may be unknown,
    below the threshold and two tolerances.
    """
    bounds: dict[Slice, Differing] = {}
    for clause in question.condition.clauses:
        (variable, factor), *more = clause.weights
        if more or variable.model != "d" or (clause.comparison == "<") != (factor > 0.0):
            continue
        tight = clause.threshold / factor
        bound = Differing(tight=tight, loose=tight + 2.0 * clause.tolerance / abs(factor))
        before = bounds.get(variable.slice)
        if tight > 0.0 and (before is None or bound.loose < before.loose):
            bounds[variable.slice] = bound
    return Known(tuple(bounds.items()))


def by_accuracy(question: Question) -> Known:
    """What follows from clauses such as ``n > 0.9 +/- 0.01``: two models that are seldom wrong seldom differ in being right."""
    bounds: dict[Slice, Differing] = {}
    for clause in question.condition.clauses:
        (variable, factor), *more = clause.weights
        if (
            more
            or variable.metric != "accuracy"
            or variable.model == "d"
            or (clause.comparison == ">") != (factor > 0.0)
        ):
            continue
        tight = 1.0 - clause.threshold / factor
        wrong = (tight, tight + 2.0 * clause.tolerance / abs(factor))
        bound = Differing(new_wrong=wrong) if variable.model == "n" else Differing(old_wrong=wrong)
        bounds[variable.slice] = _both(bounds.get(variable.slice, bound), bound)
    return Known(tuple(bounds.items()))


def measured(question: Question, facts: Facts) -> Known:
    """Clopper and Pearson's upper bound on what was measured; it may fail with half of δ."""
    if facts.measured_difference is None:
        return Known()
    share, rows = facts.measured_difference
    half = math.log(2.0)
    p = binomial.upper(share, rows, question.each + half)
    return Known((((), Differing(tight=p, loose=p, extra=half)),))


def least(first: Known, second: Known) -> Known:
    """Both bounds together. What either costs is paid."""
    bounds = dict(first.bounds)
    for rows, new in second.bounds:
        bounds[rows] = _both(bounds.get(rows, new), new)
    return Known(tuple(bounds.items()))


def _both(first: Differing, second: Differing) -> Differing:
    return Differing(
        tight=min(first.tight, second.tight),
        loose=min(first.loose, second.loose),
        extra=max(first.extra, second.extra),
        new_wrong=min(first.new_wrong, second.new_wrong),
        old_wrong=min(first.old_wrong, second.old_wrong),
    )
