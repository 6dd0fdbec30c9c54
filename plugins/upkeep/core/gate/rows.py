"""The rows that models are judged on, and what a metric says of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Table, row_count
from upkeep.core.gate.variable import METRICS, Variable
from upkeep.errors import InputError

#: From labels and scores of shape (n,) to the loss of each row, shape (n,), in [0, 1]. It looks at one row at a time.
Loss: TypeAlias = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]

_BINARY = ("recall", "specificity", "precision", "f1")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictions:
    """What one model says of n rows.

    Attributes
    ----------
    predicted : (n,) array of int
        Classes; 0 and 1 for the metrics that speak of positives.
    scores : (n,) array of float, optional
        Finite. Probabilities of class 1 for the Brier score; whatever a loss takes otherwise.
    """

    predicted: NDArray[np.integer[Any]]
    scores: NDArray[np.floating[Any]] | None = None

    def __post_init__(self) -> None:
        if self.predicted.ndim != 1 or self.predicted.dtype.kind not in "iu":
            raise InputError(
                f"predicted must be whole numbers of shape (n,), got {self.predicted.dtype} of shape "
                f"{self.predicted.shape}. Hold scores against a threshold first."
            )
        if self.scores is None:
            return
        if self.scores.shape != self.predicted.shape or self.scores.dtype.kind not in "iuf":
            raise InputError(
                f"scores must be numbers of shape {self.predicted.shape} like predicted, "
                f"got {self.scores.dtype} of shape {self.scores.shape}."
            )
        if not np.isfinite(self.scores).all():
            raise InputError(f"scores must be finite, got {_first(self.scores, ~np.isfinite(self.scores))}.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TestRows:
    """Rows with what two models predict for them and the labels that have come.

    Attributes
    ----------
    label : (n,) array of int or float
        NaN while a label is pending.
    new, old : Predictions
        Of the new model and of the old one; `old` is None while there is none.
    columns : mapping of (n,) arrays
        What slices are told by.
    losses : mapping of name to Loss
    """

    __test__: ClassVar[bool] = False  # pytest looks for tests in a class of this name

    label: NDArray[Any]
    new: Predictions
    old: Predictions | None = None
    columns: Table = field(default_factory=dict)
    losses: Mapping[str, Loss] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.label.ndim != 1 or self.label.dtype.kind not in "biuf" or np.isinf(self.label).any():
            raise InputError(
                "label must be finite numbers of shape (n,), NaN where it is pending, "
                f"got {self.label.dtype} of shape {self.label.shape}."
            )
        old = {} if self.old is None else {"old": self.old.predicted}
        row_count({"label": self.label, "new": self.new.predicted} | old)
        if self.columns and row_count(self.columns) != len(self):
            raise InputError(f"columns must have {len(self)} rows like label, got {row_count(self.columns)}.")
        wrong = sorted(set(self.losses) & set(METRICS))
        if wrong:
            raise InputError(f"a loss must not have a metric's name, got {', '.join(wrong)}. Rename it.")

    def __len__(self) -> int:
        return len(self.label)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """True, in shape (n,), where the label has come."""
        return np.asarray(~np.isnan(self.label))

    def of(self, variable: Variable) -> Predictions:
        """Predictions of the model that the variable is about; `d` compares with the old one's."""
        if variable.model == "n":
            return self.new
        if self.old is None:
            raise InputError(
                f"{variable} needs an old model, but there is none to measure it on. Speak of n alone for the first model."
            )
        return self.old

    def differ(self, variable: Variable) -> NDArray[np.bool_]:
        """True, in shape (n,), where the two models do not predict the same."""
        old = self.of(Variable("d", slice=variable.slice))
        return np.asarray(self.new.predicted != old.predicted)


def row_values(variable: Variable, rows: TestRows, at: NDArray[np.intp]) -> NDArray[np.float64]:
    """What the variable is a mean of, for the rows at the given places: in [0, 1], shape (len(at),).

    All of these rows must be labelled, unless the variable is `d`. Recall, specificity, precision and f1 are told apart
    by which rows are asked for; on each of these, what counts is whether the prediction is right.
    """
    predictions = rows.of(variable)
    if variable.model == "d":
        return rows.differ(variable)[at].astype(np.float64)
    label = rows.label[at].astype(np.float64)
    if variable.metric == "brier" or variable.metric in rows.losses:
        scores = _scores(variable, predictions)[at]
        value = (
            _brier(variable, label, scores, at)
            if variable.metric == "brier"
            else _loss(variable, label, scores, rows, at)
        )
        return np.asarray(value, dtype=np.float64)
    whole = label == np.rint(label)
    if not whole.all():
        raise InputError(f"{variable} needs labels that are whole numbers, got {_first(label, ~whole, at)}.")
    return np.asarray(predictions.predicted[at] == label, dtype=np.float64)


def check(variable: Variable, rows: TestRows) -> None:
    """Raise an InputError if these rows cannot tell the variable: no old model, no such metric, no two classes."""
    predicted = rows.of(variable).predicted
    if variable.metric not in METRICS and variable.metric not in rows.losses:
        known = ", ".join((*METRICS, *rows.losses))
        raise InputError(
            f"{variable} is about a metric that nobody gave. There are: {known}. Pass it among the losses."
        )
    if variable.metric not in _BINARY:
        return
    for name, values, given in (("label", rows.label, rows.labelled), ("prediction", predicted, True)):
        wrong = given & (values != 0) & (values != 1)
        if wrong.any():
            raise InputError(f"{variable} needs each {name} to be 0 or 1, got {_first(values, wrong)}.")


def same_output(variable: Variable, rows: TestRows) -> NDArray[np.bool_]:
    """True, in shape (n,), where a metric cannot tell the two models apart, whatever the label."""
    if variable.metric in METRICS and variable.metric != "brier":
        return ~rows.differ(variable)
    old = rows.of(replace(variable, model="o"))
    return np.asarray(_scores(variable, rows.new) == _scores(variable, old))


def _scores(variable: Variable, predictions: Predictions) -> NDArray[np.floating[Any]]:
    if predictions.scores is None:
        raise InputError(f"{variable} needs the model's scores, but there are predictions only. Pass its scores.")
    return predictions.scores


def _brier(
    variable: Variable, label: NDArray[np.float64], scores: NDArray[Any], at: NDArray[np.intp]
) -> NDArray[np.float64]:
    for what, values, wrong in (
        ("label to be 0 or 1", label, (label != 0) & (label != 1)),
        ("score to lie in [0, 1]", scores, (scores < 0) | (scores > 1)),
    ):
        if wrong.any():
            raise InputError(f"{variable} needs each {what}, got {_first(values, wrong, at)}.")
    return np.asarray((scores - label) ** 2)


def _loss(
    variable: Variable, label: NDArray[np.float64], scores: NDArray[Any], rows: TestRows, at: NDArray[np.intp]
) -> NDArray[Any]:
    value = np.asarray(rows.losses[variable.metric](label, scores))
    if value.shape != label.shape or value.dtype.kind not in "biuf":
        raise InputError(
            f"the loss {variable.metric!r} must give numbers of shape {label.shape}, "
            f"got {value.dtype} of shape {value.shape}."
        )
    wrong = ~((value >= 0) & (value <= 1))
    if wrong.any():
        raise InputError(
            f"the loss {variable.metric!r} must lie in [0, 1], got {_first(value, wrong, at)}. "
            "Divide it by the largest loss there can be, or cut it off there."
        )
    return value


def _first(values: NDArray[Any], wrong: NDArray[np.bool_], at: NDArray[np.intp] | None = None) -> str:
    """The first wrong value and its row; `at` are the rows of the values, all rows by default."""
    place = int(np.flatnonzero(wrong)[0])
    return f"{values[place]} in row {place if at is None else at[place]}"
