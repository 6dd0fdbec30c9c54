"""A condition measured on test rows, with labels for all of them or for the part that has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upkeep.core.gate.clause import Clause, Condition
from upkeep.core.gate.rows import Loss, Predictions, TestRows, check, row_values, same_output
from upkeep.core.gate.slices import in_slices
from upkeep.core.gate.variable import Slice, Variable

__all__ = ["ClauseEstimate", "Loss", "Predictions", "TestRows", "measure", "unlabelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseEstimate:
    """What the rows say of one clause.

    Attributes
    ----------
    clause : Clause
    estimate : float or None
        Of the clause's left side; None where nothing could be measured, and `reason` says why.
    rows : int
        Rows that the clause is about or, while their label is pending, may be; the least over its variables.
    labelled : int
        Of these, the rows that the clause is about for sure and whose value is known. A row without a label counts if
        its value does not depend on it, as n - o is 0 where both predict the same.
    discordant : int or None
        Of `rows`, those on which the two models predict differently; None without an old model.
    discordant_labelled : int or None
        Of these, the labelled ones.
    lacking : int
        Rows whose label would still be used; 0 says that the estimate rests on every row of the test set.
    values : mapping of Variable to float
        Each variable's estimate, where there is one. Those of n and o are left out where labels came only for rows on
        which the models differ.
    reason : str
        "" where there is an estimate.
    """

    clause: Clause
    estimate: float | None
    rows: int
    labelled: int
    discordant: int | None
    discordant_labelled: int | None
    lacking: int
    values: Mapping[Variable, float]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Mean:
    """A sum of variables that are means over the same rows. Each mask is (n,) bool."""

    weights: tuple[tuple[Variable, float], ...]
    rows: TestRows
    members: NDArray[np.bool_]  # rows that are or, while their label is pending, may be among those
    free: NDArray[np.bool_]  # members whose value is known without a label

    @property
    def labelled(self) -> NDArray[np.bool_]:
        return self.free | (self.members & self.rows.labelled)

    @property
    def lacking(self) -> NDArray[np.bool_]:
        return self.members & ~self.labelled

    @property
    def reason(self) -> str:
        where = self.weights[0][0].rows
        where = f" with {where}" if where else ""
        if not self.members.any():
            return f"the test set has no rows{where}"
        return "" if self.labelled.sum() > self.free.sum() or not self.lacking.any() else f"no label has come{where}"

    def estimate(self) -> float | None:
        """The free members' mean and that of the labelled others, each by its share of the members."""
        if self.reason:
            return None
        total = sum(c * self._values(v, self.free).sum() for v, c in self.weights if not v.needs_labels)
        hanging = self.members & ~self.free
        if not hanging.any():
            return float(total / self.members.sum())
        known = hanging & self.rows.labelled
        seen = sum(c * self._values(v, known).sum() for v, c in self.weights)
        if not self.free.any():
            return float(seen / known.sum())
        return float((total + seen * (hanging.sum() / known.sum())) / self.members.sum())

    def value(self, variable: Variable) -> float | None:
        """One variable over the members, labels taken as missing at random among the free and among the others."""
        total = 0.0
        for part in (self.free, self.members & ~self.free):
            known = part & self.rows.labelled if variable.needs_labels else part
            if part.any() and not known.any():
                return None
            if part.any():
                total += float(self._values(variable, known).mean()) * float(part.sum() / self.members.sum())
        return total if self.members.any() else None

    def _values(self, variable: Variable, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        return row_values(variable, self.rows, np.flatnonzero(mask))


def measure(condition: Condition, rows: TestRows) -> tuple[ClauseEstimate, ...]:
    """Estimate the left side of each clause, in the order of the clauses.

    Parameters
    ----------
    condition : Condition
        Without worst slices; see `condition.expand`.
    rows : TestRows

    Raises
    ------
    InputError
        If the rows cannot tell a variable: there is no old model, no such column or loss, scores are absent, or labels
        are other than the metric needs.

    Notes
    -----
    A paired clause is estimated by the mean of one value per row, any other by the weighted sum of its variables'
    estimates. Where a label is pending, the rows with a label stand for those without: labels are assumed to be missing
    at random, whatever the row, its label and the predictions.

    Less is assumed of a paired clause whose factors cancel, such as ``n - o``: its value is 0 where both models say the
    same, so it is ``(share of rows where they differ) * (mean over those of them that are labelled)``, and labels must
    only be missing at random among the rows on which the models differ. Labelling those rows alone is fine, choosing
    among them by their scores is not. The gate's promises are for `lacking` = 0, when nothing is assumed. Other clauses
    measured on labels that were gathered for these rows alone would be far off: label what `unlabelled` says for each.

    Recall and the like know their rows by the label, so all rows of the slice need one.

    Examples
    --------
    >>> from upkeep.core.gate.condition import parse
    >>> new, old = (Predictions(predicted=np.array(said)) for said in ([1, 1, 0, 0], [1, 0, 1, 0]))
    >>> rows = TestRows(label=np.array([np.nan, 1, 0, np.nan]), new=new, old=old)
    >>> better, few = measure(parse("n - o > 0.1 +/- 0.05 and d < 0.6 +/- 0.1"), rows)
    >>> better.estimate, better.labelled, better.lacking, few.estimate
    (0.5, 4, 0, 0.5)
    """
    inside = in_slices({variable.slice for variable in condition.variables}, rows.columns, len(rows))
    return tuple(_measured(clause, rows, inside) for clause in condition.clauses)


def unlabelled(clause: Clause, rows: TestRows) -> NDArray[np.bool_]:
    """True, in shape (n,), for the rows whose label the clause still lacks.

    Examples
    --------
    >>> from upkeep.core.gate.condition import parse
    >>> new, old = (Predictions(predicted=np.array(said)) for said in ([1, 1, 0, 0], [1, 0, 1, 0]))
    >>> rows = TestRows(label=np.full(4, np.nan), new=new, old=old)
    >>> unlabelled(parse("n - o > 0.1 +/- 0.05").clauses[0], rows).tolist()
    [False, True, True, False]
    """
    inside = in_slices({variable.slice for variable in clause.variables}, rows.columns, len(rows))
    return np.asarray(np.logical_or.reduce([mean.lacking for mean in _means(clause, rows, inside)]))


def _measured(clause: Clause, rows: TestRows, inside: Mapping[Slice, NDArray[np.bool_]]) -> ClauseEstimate:
    means = _means(clause, rows, inside)
    values = {v: _bent(v, value) for mean in means for v, _ in mean.weights if (value := mean.value(v)) is not None}
    reason = "; ".join(mean.reason for mean in means if mean.reason)
    if clause.paired:
        estimate = means[0].estimate()
    else:
        estimate = None if reason else sum(factor * values[variable] for variable, factor in clause.weights)
    differ = means[0].members & rows.differ(clause.variables[0]) if clause.paired and rows.old is not None else None
    return ClauseEstimate(
        clause=clause,
        estimate=estimate,
        rows=min(int(mean.members.sum()) for mean in means),
        labelled=min(int(mean.labelled.sum()) for mean in means),
        discordant=None if differ is None else int(differ.sum()),
        discordant_labelled=None if differ is None else int((differ & rows.labelled).sum()),
        lacking=int(np.logical_or.reduce([mean.lacking for mean in means]).sum()),
        values=values,
        reason=reason,
    )


def _means(clause: Clause, rows: TestRows, inside: Mapping[Slice, NDArray[np.bool_]]) -> tuple[_Mean, ...]:
    """The clause as one mean if it is paired, else a mean for each variable."""
    for variable in clause.variables:
        check(variable, rows)
    sums = (clause.weights,) if clause.paired else tuple((weight,) for weight in clause.weights)
    return tuple(_mean(weights, rows, inside[weights[0][0].slice]) for weights in sums)


def _mean(weights: tuple[tuple[Variable, float], ...], rows: TestRows, inside: NDArray[np.bool_]) -> _Mean:
    members = inside & _may_count(weights[0][0], rows)
    # Where the label says which rows count, even a row with a value of 0 needs one.
    free = np.zeros(len(rows), dtype=bool) if weights[0][0].subset else members & _needs_no_label(weights, rows)
    return _Mean(weights=weights, rows=rows, members=members, free=free)


def _may_count(variable: Variable, rows: TestRows) -> NDArray[np.bool_]:
    """True for the rows that the variable is a mean over, and for those of which only a label could tell."""
    positive = rows.of(variable).predicted == 1
    if variable.metric == "recall":
        return np.asarray((rows.label == 1) | ~rows.labelled)
    if variable.metric == "specificity":
        return np.asarray((rows.label == 0) | ~rows.labelled)
    if variable.metric == "precision":
        return np.asarray(positive)
    if variable.metric == "f1":
        return np.asarray(positive | (rows.label == 1) | ~rows.labelled)
    return np.ones(len(rows), dtype=bool)


def _needs_no_label(weights: tuple[tuple[Variable, float], ...], rows: TestRows) -> NDArray[np.bool_]:
    """True where, in each metric, the factors cancel and both models say the same."""
    free = np.ones(len(rows), dtype=bool)
    for metric in {variable.metric for variable, _ in weights if variable.needs_labels}:
        factors = {v: c for v, c in weights if v.needs_labels and v.metric == metric}
        if sum(factors.values()) != 0.0:
            return np.zeros(len(rows), dtype=bool)
        free &= same_output(next(iter(factors)), rows)
    return free


def _bent(variable: Variable, mean: float) -> float:
    return 2.0 * mean / (1.0 + mean) if variable.metric == "f1" else mean
