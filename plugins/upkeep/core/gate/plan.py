"""How many labelled rows a gate needs before its verdicts keep their promise: by every method, and by the best."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from upkeep.core.gate.condition import Clause, Condition
from upkeep.core.gate.facts import Facts
from upkeep.core.gate.methods import ClauseNeed, Method, every_method
from upkeep.core.gate.needs import Question
from upkeep.core.gate.promise import Mode, Promise
from upkeep.errors import InputError

__all__ = ["ClauseNeed", "Facts", "Method", "Plan", "plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Every method, the paper's first; the one that needs fewest labels; and what is odd about the condition."""

    methods: tuple[Method, ...]
    best: Method
    warnings: tuple[str, ...] = ()

    def method(self, name: str) -> Method:
        """The method of that name."""
        for method in self.methods:
            if method.name == name:
                return method
        raise InputError(f"a method is one of {', '.join(m.name for m in self.methods)}, got {name!r}.")


def plan(condition: Condition, promise: Promise, facts: Facts | None = None) -> Plan:
    r"""Rows and labels that each method needs for a condition and a promise.

    Parameters
    ----------
    condition : Condition
        Without worst slices: `expand` comes before.
    promise : Promise
    facts : Facts, optional

    Raises
    ------
    InputError
        If a worst slice is left, or a tolerance is too small for any data.

    Notes
    -----
    Assumes rows drawn independently from the population the model will meet, and models chosen without looking at them
    other than through the gate's answers. Test sets that share rows are one test set. A model counts as one of
    `promise.steps` from the moment somebody reads its accuracy on these rows, whether or not a gate judged it.

    Every method makes two errors rare, each with probability ``q = exp(-promise.log_tests)``: the answer that is wrong,
    and not to see what is clear, a left side two tolerances beyond the threshold. Hoeffding's inequality gives both
    [1]_, so no method may give less. Which answer would be wrong depends on the mode: a pass for fp-free, a refusal for
    fn-free, either for investigate.

    That all clauses hold is wrong only if a clause that fails is judged wrongly, with probability q; that one fails may
    be the fault of any of k clauses, which get q / k each. The methods of the paper take q / k for both.

    Needs hold for the number of rows given *and every larger one*: exact errors are a saw, not a slope.

    References
    ----------
    .. [1] Renggli et al. (2019). Continuous integration of machine learning models with ease.ml/ci. MLSys.

    Examples
    --------
    >>> from upkeep.core.gate.condition import parse
    >>> found = plan(parse("n - o > 0.02 +/- 0.01"), Promise(reliability=0.9999, steps=32), Facts(difference=0.1))
    >>> for method in found.methods:
    ...     print(method.name, method.labels if method.available else method.why_not)
    hoeffding 267385
    paired 253522
    bennett 27616
    hierarchical no clause bounds d from above.
    implicit_variance d was not measured on unlabelled rows.
    coarse_to_fine no clause holds one mean against a number near 0 or 1.
    chernoff 253383
    exact 20501
    active 2051
    >>> found.best.name, found.best.rows, found.best.cost(0.05)
    ('active', 20501, 102.55)
    """
    for clause in condition.clauses:
        if clause.worst is not None:
            raise InputError(
                f"{str(clause)!r} must name slices, not the worst one. Expand the condition by its levels."
            )
    question = Question(condition=condition, promise=promise)
    methods = every_method(question, facts or Facts())
    best = min((method for method in methods if method.available), key=lambda method: (method.labels, method.rows))
    warnings = tuple(text for clause in condition.clauses for text in _pointless(clause, promise.mode))
    return Plan(methods=methods, best=best, warnings=warnings)


def _pointless(clause: Clause, mode: Mode) -> Iterator[str]:
    """Answers that no data can lead to."""
    low, high = clause.span
    above, below = clause.threshold + clause.tolerance, clause.threshold - clause.tolerance
    never_true = above >= high if clause.comparison == ">" else below <= low
    never_false = below <= low if clause.comparison == ">" else above >= high
    if never_true and mode != "fn-free":
        yield f"{clause} can never be seen to hold, so the gate never opens: its left side lies in [{low:g}, {high:g}]."
    if never_false and mode != "fp-free":
        yield f"{clause} can never be seen to fail, so it refuses nothing: its left side lies in [{low:g}, {high:g}]."
