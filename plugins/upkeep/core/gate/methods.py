"""The methods by which a plan is made: what each needs for a whole condition, what it assumes, and when it is not to be had."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from upkeep.core.gate import facts as known_facts
from upkeep.core.gate import needs
from upkeep.core.gate.bounds import binomial
from upkeep.core.gate.condition import Clause
from upkeep.core.gate.facts import Facts, Known
from upkeep.core.gate.needs import Question

_IID = "Rows are drawn independently from what the model will meet"
_HOEFFDING = f"{_IID}; nothing else. The tolerance and δ are divided over variables and clauses."
_PAIRED = f"{_IID}, and all variables of a clause are measured on the same rows."
_BENNETT = f"{_IID}, and the two models never differ on a larger share of rows than was said."
_HIERARCHICAL = (
    f"{_IID}. Where the clause on d fails on unlabelled rows, the answer is no before any label is looked at."
)
_IMPLICIT = (
    f"{_IID}. d was measured on rows other than these, or on these if their number was fixed before; its exact upper "
    "bound may fail with half of δ, and holds only for the model it was measured for."
)
_COARSE = f"{_IID}. A coarse look at the same rows, with half of δ, bounds the variance of a mean near 0 or 1."
_CHERNOFF = f"{_IID}, and values lie in their range. Bounds are taken at the threshold and two tolerances beyond it."
_EXACT = (
    f"{_IID}. A row is right or wrong, so that errors are known exactly at the threshold and two tolerances beyond it; "
    "clauses of other metrics take the sharpest inequality."
)
_ACTIVE = (
    "As exact. Of n - o only rows on which the models differ get a label, since the others add 0. How many those are is an "
    "average, at the bound on d"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseNeed:
    """What a clause needs of the rows it is about.

    Attributes
    ----------
    clause : str
    rows, labels, unlabelled : int
        Rows in all, those of them with a label, and those whose predictions are enough.
    about : str
        The subset of rows, "" for all of them. A clause about several subsets needs equally many rows of each.
    """

    clause: str
    rows: int
    labels: int
    unlabelled: int
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """What one method needs. It must be chosen before labels are seen; the rule of the verdict is the same for all.

    Attributes
    ----------
    name : str
    clauses : tuple of ClauseNeed
        One per clause of the condition; empty where the method is not available.
    rows, labels, unlabelled : int
        Over all clauses: the largest need for each subset of rows, added up over subsets. Where subsets overlap, fewer do.
    assumption : str
    available : bool
    why_not : str
        Why it is not available, or "".
    """

    name: str
    clauses: tuple[ClauseNeed, ...] = ()
    rows: int = 0
    labels: int = 0
    unlabelled: int = 0
    assumption: str
    available: bool = True
    why_not: str = ""

    def cost(self, price: float) -> float:
        """Of the labels, at a price for each."""
        return self.labels * price


def every_method(question: Question, facts: Facts) -> tuple[Method, ...]:
    """All methods, those of the paper first."""
    sure, clauses = known_facts.sure(facts), known_facts.by_clauses(question)
    measured = known_facts.measured(question, facts)
    free = known_facts.least(known_facts.least(sure, clauses), known_facts.by_accuracy(question))
    exact, known = _exact(question, free, measured)
    return (
        _method("hoeffding", question, _HOEFFDING, lambda clause: needs.by_hoeffding(question, clause)),
        _paired(question),
        _variance("bennett", question, sure, _BENNETT, "no bound on the share that differs holds for sure"),
        _variance("hierarchical", question, clauses, _HIERARCHICAL, "no clause bounds d from above"),
        _variance("implicit_variance", question, measured, _IMPLICIT, "d was not measured on unlabelled rows"),
        _coarse(question),
        _method("chernoff", question, _CHERNOFF, lambda clause: needs.by_entropy(question, clause)),
        exact,
        _active(question, exact, known),
    )


def disagreeing(rows: int, share: float) -> int:
    """Of so many rows, how many differ on average if that share does; a whole number that rounding missed stays whole.

    Examples
    --------
    >>> disagreeing(21_889, 0.1)
    2189
    """
    return min(math.ceil(rows * share - 1e-9 * rows), rows)


def _paired(question: Question) -> Method:
    if not any(clause.paired and len(clause.weights) > 1 for clause in question.condition.clauses):
        return _absent("paired", _PAIRED, "no clause has two variables that are means over the same rows")
    return _method("paired", question, _PAIRED, lambda clause: needs.by_pairs(question, clause))


def _variance(name: str, question: Question, known: Known, assumption: str, unknown: str) -> Method:
    if not known.bounds:
        return _absent(name, assumption, unknown)
    if not known.helps(question):
        return _absent(name, assumption, "no clause compares the accuracies of n and o on the rows whose d is bounded")

    def rows(clause: Clause) -> int:
        bound = known.of(clause)
        return needs.by_hoeffding(question, clause) if bound is None else needs.by_variance(question, clause, bound)

    return _method(name, question, assumption, rows)


def _coarse(question: Question) -> Method:
    found = {clause: needs.coarse_to_fine(question, clause) for clause in question.condition.clauses}
    if all(rows is None for rows in found.values()):
        return _absent("coarse_to_fine", _COARSE, "no clause holds one mean against a number near 0 or 1")
    return _method(
        "coarse_to_fine", question, _COARSE, lambda clause: found[clause] or needs.by_hoeffding(question, clause)
    )


def _exact(question: Question, known: Known, measured: Known) -> tuple[Method, Known]:
    """With what is known for sure, or with what was measured as well, whichever needs fewer labels."""
    both = known_facts.least(known, measured)
    exact = _method("exact", question, _EXACT, lambda clause: needs.exact(question, clause, known.of(clause)))
    if not measured.helps(question):
        return exact, known
    assumption = f"{_EXACT} {_IMPLICIT}"
    sharper = _method("exact", question, assumption, lambda clause: needs.exact(question, clause, both.of(clause)))
    return (sharper, both) if sharper.labels < exact.labels else (exact, known)


def _active(question: Question, exact: Method, known: Known) -> Method:
    if not any(_spares(clause) for clause in question.condition.clauses):
        return _absent(
            "active", _ACTIVE, "no clause compares n - o in accuracy, whose value is known where the two agree"
        )
    if not any(bound.loose < 1.0 for _, bound in known.bounds) or not known.helps(question):
        return _absent(
            "active",
            _ACTIVE,
            "nothing bounds the share that differs: measure it on unlabelled rows, or add a clause on d",
        )
    pairs = list(zip(question.condition.clauses, exact.clauses, strict=True))
    full: dict[str, int] = {}
    for clause, need in pairs:
        if not _spares(clause):
            full[need.about] = max(full.get(need.about, 0), need.labels)
    found, most = [], 0
    for clause, need in pairs:
        bound = known.of(clause) if _spares(clause) else None
        if bound is not None:
            labelled = min(full.get(need.about, 0), need.rows)
            rest, share = need.rows - labelled, min(bound.loose, 1.0)
            labels = labelled + disagreeing(rest, share)
            most = max(most, labelled + binomial.most_hits(rest, share, math.log(100.0)))
            need = replace(need, labels=labels, unlabelled=need.rows - labels)
        found.append(need)
    return _total("active", tuple(found), f"{_ACTIVE}; 99 times in 100 at most {most}. {exact.assumption}")


def _spares(clause: Clause) -> bool:
    return clause.difference is not None and needs.compares_accuracy(clause)


def _method(name: str, question: Question, assumption: str, rows: Callable[[Clause], int]) -> Method:
    return _total(name, tuple(_need(clause, rows(clause)) for clause in question.condition.clauses), assumption)


def _absent(name: str, assumption: str, why_not: str) -> Method:
    return Method(name=name, assumption=assumption, available=False, why_not=f"{why_not}.")


def _need(clause: Clause, rows: int) -> ClauseNeed:
    subsets = needs.about(clause)
    every = rows * len(subsets)
    labels = rows * len({variable.rows for variable in clause.variables if variable.needs_labels})
    about = subsets[0] if len(subsets) == 1 else "; ".join(subset or "all rows" for subset in subsets)
    return ClauseNeed(clause=str(clause), rows=every, labels=labels, unlabelled=every - labels, about=about)


def _total(name: str, found: tuple[ClauseNeed, ...], assumption: str) -> Method:
    rows = _largest((need.about, need.rows) for need in found)
    labels = _largest((need.about, need.labels) for need in found)
    return Method(name=name, clauses=found, rows=rows, labels=labels, unlabelled=rows - labels, assumption=assumption)


def _largest(values: Iterable[tuple[str, int]]) -> int:
    """Largest of each subset, added up."""
    most: dict[str, int] = {}
    for about, value in values:
        most[about] = max(most.get(about, 0), value)
    return sum(most.values())
