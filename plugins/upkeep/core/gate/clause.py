"""A condition in its one form: clauses, each a weighted sum of variables held against a number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from upkeep.core.gate.variable import MODELS, RIGHT_OR_WRONG, Predicate, Variable, Worst
from upkeep.errors import InputError

Comparison = Literal[">", "<"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """``sum of c_i * v_i  >  threshold  +/-  tolerance``, or with ``<``.

    Attributes
    ----------
    weights : tuple of (Variable, float)
        Each variable once, with a finite factor other than 0, ordered by model (n, o, d), metric and slice.
    comparison : {">", "<"}
    threshold : float
    tolerance : float
        Half the width of the interval around the left side's estimate, above 0.
    """

    weights: tuple[tuple[Variable, float], ...]
    comparison: Comparison
    threshold: float
    tolerance: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", tuple(sorted(self.weights, key=lambda weight: _place(weight[0]))))
        factors = [factor for _, factor in self.weights]
        if not factors or not all(factor and math.isfinite(factor) for factor in factors):
            raise InputError(f"a clause needs variables with finite factors other than 0, got {factors}.")
        if len(set(self.variables)) < len(factors):
            raise InputError(f"a clause names each variable once, got {', '.join(map(str, self.variables))}.")
        if self.comparison not in (">", "<"):
            raise InputError(f"a clause compares by > or <, got {self.comparison!r}.")
        if not math.isfinite(self.threshold) or not 0.0 < self.tolerance < math.inf:
            raise InputError(
                "a clause needs a finite threshold and a finite tolerance above 0, "
                f"got {self.threshold!r} +/- {self.tolerance!r}."
            )

    @property
    def variables(self) -> tuple[Variable, ...]:
        return tuple(variable for variable, _ in self.weights)

    @property
    def paired(self) -> bool:
        """Whether the left side is the mean of one value per row, all variables being means over the same rows.

        An f1 is no mean: it is 2J / (1 + J) of the mean J.
        """
        subsets = {(variable.subset, variable.slice) for variable in self.variables}
        return len(subsets) == 1 and all(variable.metric != "f1" for variable in self.variables)

    @property
    def span(self) -> tuple[float, float]:
        """Between what the left side must lie, since every variable lies in [0, 1]."""
        factors = [factor for _, factor in self.weights]
        return math.fsum(min(c, 0.0) for c in factors), math.fsum(max(c, 0.0) for c in factors)

    @property
    def needs_labels(self) -> bool:
        return any(variable.needs_labels for variable in self.variables)

    @property
    def difference(self) -> float | None:
        """c where the left side is c * (n - o) of one metric that is right or wrong in each row of one slice."""
        if len(self.weights) != 2:
            return None
        (first, factor), (second, opposite) = self.weights
        same = first.metric == second.metric and first.slice == second.slice and first.metric in RIGHT_OR_WRONG
        return factor if same and (first.model, second.model) == ("n", "o") and factor == -opposite else None

    @property
    def worst(self) -> str | None:
        """The column in whose every level the clause must hold, if it says so."""
        columns = {variable.slice.column for variable in self.variables if isinstance(variable.slice, Worst)}
        return min(columns) if columns else None

    def __str__(self) -> str:
        left = "".join(f" {'-' if c < 0 else '+'} {_scaled(abs(c), v)}" for v, c in self.weights)
        left = left.removeprefix(" + ")
        left = f"-{left[3:]}" if left.startswith(" - ") else left
        return f"{left} {self.comparison} {self.threshold!r} +/- {self.tolerance!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Clauses that must all hold; ``parse(str(condition)) == condition``."""

    clauses: tuple[Clause, ...]

    def __post_init__(self) -> None:
        if not self.clauses:
            raise InputError("a condition needs at least one clause, got none. An empty one would pass anything.")

    @property
    def variables(self) -> frozenset[Variable]:
        return frozenset(variable for clause in self.clauses for variable in clause.variables)

    @property
    def worst(self) -> tuple[str, ...]:
        """The columns whose levels `expand` asks for, each once."""
        return tuple(dict.fromkeys(clause.worst for clause in self.clauses if clause.worst is not None))

    def __str__(self) -> str:
        return " /\\ ".join(str(clause) for clause in self.clauses)


def expand(condition: Condition, levels: Mapping[str, Sequence[str | float]]) -> Condition:
    r"""The condition with one clause per level in place of each clause about a worst slice.

    Parameters
    ----------
    condition : Condition
    levels : mapping
        The levels of each column in `condition.worst`. Which they are must not depend on labels.

    Raises
    ------
    InputError
        If a column has no levels.

    Examples
    --------
    >>> from upkeep.core.gate.condition import parse
    >>> str(expand(parse("n[worst borough] > 0.7 +/- 0.05"), {"borough": ["Bronx", "Queens"]}))
    'n[borough = Bronx] > 0.7 +/- 0.05 /\\ n[borough = Queens] > 0.7 +/- 0.05'
    """
    for column in condition.worst:
        if not levels.get(column):
            raise InputError(
                f"the worst slice of {column!r} needs its levels, got none. Pass those that the rows have."
            )
    return Condition(
        clauses=tuple(
            _at(clause, clause.worst, level)
            for clause in condition.clauses
            for level in (dict.fromkeys(levels[clause.worst]) if clause.worst is not None else [""])
        )
    )


def _at(clause: Clause, column: str | None, level: str | float) -> Clause:
    if column is None:
        return clause
    where = (Predicate(column, "=", level),)
    weights = ((replace(v, slice=where) if v.slice == Worst(column) else v, c) for v, c in clause.weights)
    return replace(clause, weights=tuple(weights))


def _place(variable: Variable) -> tuple[int, str, str]:
    return MODELS.index(variable.model), variable.metric, str(variable)


def _scaled(factor: float, variable: Variable) -> str:
    return str(variable) if factor == 1.0 else f"{factor!r}*{variable}"
