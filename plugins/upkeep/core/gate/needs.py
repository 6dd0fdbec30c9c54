"""Rows that one clause needs, by each inequality and by exact distributions."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from upkeep.core.gate.bounds import bennett, binomial, hoeffding, trinomial
from upkeep.core.gate.bounds.ends import End
from upkeep.core.gate.condition import Clause, Condition
from upkeep.core.gate.promise import Promise
from upkeep.core.gate.variable import Variable

#: Of these a row counts as 0 or 1. An f1 is a function of such a share.
SHARES = ("accuracy", "recall", "specificity", "precision", "f1")
_LN2 = math.log(2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A condition and what is promised of its verdicts."""

    condition: Condition
    promise: Promise

    @property
    def one(self) -> float:
        """ln(1/q) of a single clause that must err before the verdict does."""
        return self.promise.log_tests

    @property
    def each(self) -> float:
        """The same where any of the clauses could be at fault."""
        return self.promise.log_tests + math.log(len(self.condition.clauses))


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """A bound on the share of rows that differ.

    Attributes
    ----------
    tight : float
    loose : float
        The same where the clause that bounds d may be unknown: two of its tolerances more.
    extra : float
        What it costs: added to log_tests.
    new_wrong, old_wrong : tuple of (float, float)
        Bounds, tight and loose, on the shares of rows that the new and the old model have wrong.
    """

    tight: float = 1.0
    loose: float = 1.0
    extra: float = 0.0
    new_wrong: tuple[float, float] = (1.0, 1.0)
    old_wrong: tuple[float, float] = (1.0, 1.0)

    def where(self, difference: float, unknown: bool) -> float:
        """The bound where the accuracies differ by so much.

        Rows that the new model alone has wrong are no more than those it has wrong; those that the old one alone has wrong are
        more by the difference. Likewise from the old model's side.
        """
        share = self.loose if unknown else self.tight
        return min(share, 2.0 * self.new_wrong[unknown] + difference, 2.0 * self.old_wrong[unknown] - difference)


def ends(question: Question, clause: Clause) -> list[tuple[End, bool]]:
    """The errors that the mode must keep rare, and of each whether the clause on d may be unknown where it happens."""
    sign = 1.0 if clause.comparison == ">" else -1.0
    at, step = clause.threshold, sign * clause.tolerance
    one, each = question.one, question.each
    passing = [
        (End(truth=at, limit=at + step, log_tests=one), False),
        (End(truth=at + 2.0 * step, limit=at + step, log_tests=each), False),
    ]
    failing = [
        (End(truth=at, limit=at - step, log_tests=each), False),
        (End(truth=at - 2.0 * step, limit=at - step, log_tests=one), True),
    ]
    mode = question.promise.mode
    return (passing if mode != "fn-free" else []) + (failing if mode != "fp-free" else [])


def by_hoeffding(question: Question, clause: Clause) -> int:
    """As the paper: tolerance and δ divided over the variables."""
    width = math.fsum(abs(factor) * _slope(variable) for variable, factor in clause.weights)
    return hoeffding.rows_needed(width, clause.tolerance, question.each + math.log(len(clause.weights)))


def by_pairs(question: Question, clause: Clause) -> int:
    """The left side as one mean of one value per row, where it is."""
    if not clause.paired:
        return by_hoeffding(question, clause)
    low, high = clause.span
    return hoeffding.rows_needed(high - low, clause.tolerance, question.each)


def by_entropy(question: Question, clause: Clause) -> int:
    """Hoeffding's Theorem 1 at the threshold and at the far end."""
    most = by_pairs(question, clause)
    if is_f1(clause):
        return min(most, max(hoeffding.rows_at(_jaccard(end, clause), 0.0, 1.0) for end, _ in ends(question, clause)))
    if not clause.paired:
        return most
    return min(most, max(hoeffding.rows_at(end, *clause.span) for end, _ in ends(question, clause)))


def by_variance(question: Question, clause: Clause, differing: Differing) -> int:
    """As the paper: Bennett's inequality on both sides, the second moment bounded by the share that differ."""
    moment, bound = _moment(clause, differing.loose)
    return bennett.rows_needed(moment, clause.tolerance, question.each + _LN2 + differing.extra, bound)


def coarse_to_fine(question: Question, clause: Clause) -> int | None:
    """Bennett's inequality with the variance that a coarse look leaves possible; None where the threshold is no high one.

    A truth further than two coarse tolerances from the threshold, on the side of 1/2, is told apart by Hoeffding's inequality
    at half of δ; a nearer one has the variance a (1 - a), a that distance from the threshold. Which coarse tolerance is best
    is searched for; it is no smaller than the fine one, so the rule for the verdict need not change.
    """
    if len(clause.weights) != 1 or is_f1(clause):
        return None
    factor = clause.weights[0][1]
    at, fine = clause.threshold / factor, clause.tolerance / abs(factor)
    extreme = max(at, 1.0 - at)
    widest = (extreme - 0.5) / 2.0
    if not fine < widest or extreme >= 1.0:
        return None
    log_tests = question.each + _LN2

    def rows(coarse: float) -> int:
        least = extreme - 2.0 * coarse
        return max(
            hoeffding.rows_needed(1.0, coarse, log_tests),
            bennett.rows_needed(least * (1.0 - least), fine, log_tests),
        )

    return min(rows(fine + (widest - fine) * part / 64) for part in range(65))


def exact(question: Question, clause: Clause, differing: Differing | None) -> int:
    """By the exact distribution where it is known, else by the sharpest inequality."""
    most = by_entropy(question, clause)
    variables = [variable for variable, _ in clause.weights]
    if len(variables) == 1 and variables[0].metric in SHARES:
        return min(most, max(binomial.rows_at(_share(end, clause)) for end, _ in ends(question, clause)))
    if clause.difference is not None:
        return min(most, _by_differences(question, clause, clause.difference, differing))
    if clause.paired:
        return min(most, _by_ranges(question, clause, differing))
    if all(variable.metric in SHARES for variable in variables):
        width = math.fsum(abs(factor) * _slope(variable) for variable, factor in clause.weights)
        level = question.each + math.log(len(variables))
        return min(most, binomial.rows_anywhere(clause.tolerance / width, level))
    return most


def is_f1(clause: Clause) -> bool:
    return len(clause.weights) == 1 and clause.weights[0][0].metric == "f1"


def about(clause: Clause) -> tuple[str, ...]:
    """The subsets of rows that a clause is about, each once."""
    return tuple(dict.fromkeys(variable.rows for variable, _ in clause.weights))


def compares_accuracy(clause: Clause) -> bool:
    """Whether the left side is a positive part of one model's accuracy less a part of the other's, on the same rows."""
    factors = [factor for _, factor in clause.weights]
    models = [variable.model for variable, _ in clause.weights]
    accuracy = all(variable.metric == "accuracy" for variable, _ in clause.weights)
    return clause.paired and accuracy and models == ["n", "o"] and factors[0] * factors[1] < 0.0


def _by_differences(question: Question, clause: Clause, factor: float, differing: Differing | None) -> int:
    bound = differing or Differing()
    rows = []
    for end, unknown in ends(question, clause):
        scaled = _scaled(end, factor, bound.extra)
        # A model gains no more rows than the other has wrong: the worst truth there can be, if the end's cannot.
        gain, loss = bound.old_wrong[unknown], bound.new_wrong[unknown]
        truth = min(scaled.truth, gain) if scaled.limit > scaled.truth else max(scaled.truth, -loss)
        share = bound.where(truth, unknown)
        rows.append(trinomial.rows_at(replace(scaled, truth=truth), share) if share > 0.0 else 1)
    return max(rows)


def _by_ranges(question: Question, clause: Clause, differing: Differing | None) -> int:
    """Bentkus' inequality, or Bennett's where it needs fewer rows and d is bounded."""
    rows = []
    for end, unknown in ends(question, clause):
        need = binomial.rows_bounded(end, *clause.span)
        if differing is not None:
            moment, bound = _moment(clause, differing.loose if unknown else differing.tight)
            log_tests = end.log_tests + differing.extra
            need = min(need, bennett.rows_needed(moment, clause.tolerance, log_tests, bound))
        rows.append(need)
    return max(rows)


def _moment(clause: Clause, differing: float) -> tuple[float, float]:
    """Bounds on the mean square of a row's distance from the middle of the left side's span, and on that distance.

    For ``a n - b o``: (a + b)² / 4 where the models differ, (a - b)² / 4 where they agree.
    """
    (_, first), (_, second) = clause.weights
    apart, together = (first - second) / 2.0, (first + second) / 2.0
    share = min(differing, 1.0)
    return share * apart**2 + (1.0 - share) * together**2, abs(apart)


def _share(end: End, clause: Clause) -> End:
    return _jaccard(end, clause) if is_f1(clause) else _scaled(end, clause.weights[0][1])


def _scaled(end: End, factor: float, extra: float = 0.0) -> End:
    return End(truth=end.truth / factor, limit=end.limit / factor, log_tests=end.log_tests + extra)


def _jaccard(end: End, clause: Clause) -> End:
    """f1 = 2J / (1 + J) turned round. J is the share of hits among the rows with label 1 or predicted 1."""
    scaled = _scaled(end, clause.weights[0][1])
    # beyond [0, 1] both scales just need to be beyond it
    truth, limit = (f1 / (2.0 - f1) if f1 <= 1.0 else f1 for f1 in (scaled.truth, scaled.limit))
    return End(truth=truth, limit=limit, log_tests=end.log_tests)


def _slope(variable: Variable) -> float:
    """How fast a variable changes with the mean that it is a function of."""
    return 2.0 if variable.metric == "f1" else 1.0
