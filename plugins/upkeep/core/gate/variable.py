"""What a condition speaks of: a model, a metric, and the rows it is measured on."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from typing import Literal, TypeAlias

from upkeep.errors import InputError

Model = Literal["n", "o", "d"]
SliceComparison = Literal["=", "!=", "<", "<=", ">", ">="]

MODELS: tuple[Model, ...] = ("n", "o", "d")
SLICE_COMPARISONS: tuple[SliceComparison, ...] = ("=", "!=", "<", "<=", ">", ">=")
#: Metrics that every caller has. Others are losses, which the caller names.
METRICS = ("accuracy", "recall", "specificity", "precision", "f1", "brier")
#: Of these a row's value is 0 or 1, and which rows count does not depend on the model.
RIGHT_OR_WRONG = ("accuracy", "recall", "specificity")

_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Predicate:
    """``column comparison value``: what a row must be to belong to a slice. A missing value never belongs.

    Attributes
    ----------
    column : str
    comparison : {"=", "!=", "<", "<=", ">", ">="}
    value : str or float
        A number for columns of numbers; text for columns of text (only = and !=), ``true`` and ``false`` for booleans,
        a UTC time in ISO 8601 for times.

    Examples
    --------
    >>> str(Predicate("borough", "=", "Staten Island")), str(Predicate("trip_distance", ">=", 5.0))
    ('borough = "Staten Island"', 'trip_distance >= 5')
    """

    column: str
    comparison: SliceComparison
    value: str | float

    def __post_init__(self) -> None:
        if self.comparison not in SLICE_COMPARISONS:
            raise InputError(f"a slice compares by one of {' '.join(SLICE_COMPARISONS)}, got {self.comparison!r}.")
        _check_text(self.column)
        if isinstance(self.value, str):
            return _check_text(self.value)
        if not abs(self.value) <= sys.float_info.max:
            raise InputError(f"a slice compares with a finite number, got {self.value} for {self.column!r}.")
        object.__setattr__(self, "value", float(self.value) + 0.0)  # never -0.0, which prints otherwise

    def __str__(self) -> str:
        value = _written(self.value) if isinstance(self.value, str) else repr(self.value).removesuffix(".0")
        return f"{_written(self.column)} {self.comparison} {value}"


@dataclass(frozen=True, slots=True)
class Worst:
    """Every level of a column in turn: what holds in the worst slice holds in each."""

    column: str

    def __post_init__(self) -> None:
        _check_text(self.column)

    def __str__(self) -> str:
        return f"worst {_written(self.column)}"


Slice: TypeAlias = tuple[Predicate, ...] | Worst


@dataclass(frozen=True, slots=True)
class Variable:
    """A number in [0, 1]: a metric of one model, or the share of rows on which the two predict differently.

    Attributes
    ----------
    model : {"n", "o", "d"}
        The new model, the old one, or their difference.
    metric : str
        One of `METRICS` or the name of a loss; `d` has none and keeps the default.
    slice : tuple of Predicate, or Worst
        Conditions that all must hold, in a fixed order without repetition; () for all rows.

    Examples
    --------
    >>> queens = Predicate("borough", "=", "Queens")
    >>> str(Variable("n", "recall", (queens,))), Variable("n", "recall", (queens,)).rows
    ('n.recall[borough = Queens]', 'label = 1, borough = Queens')
    >>> str(Variable("d", slice=Worst("borough")))
    'd[worst borough]'
    """

    model: Model
    metric: str = "accuracy"
    slice: Slice = ()

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise InputError(f"a variable is about n, o or d, got {self.model!r}.")
        if self.model == "d" and self.metric != "accuracy":
            raise InputError(f"d is the share of rows that differ and has no metric, got {self.metric!r}.")
        if not is_word(self.metric):
            raise InputError(f"a metric's name is one word of letters, digits and _, got {self.metric!r}.")
        if not isinstance(self.slice, Worst):
            ordered = tuple(sorted(set(self.slice), key=str))
            object.__setattr__(self, "slice", ordered)

    @property
    def subset(self) -> str:
        """Which rows of the slice count, "" for all of them."""
        return {
            "recall": "label = 1",
            "specificity": "label = 0",
            "precision": f"{self.model} predicts 1",
            "f1": f"label = 1 or {self.model} predicts 1",
        }.get(self.metric, "")

    @property
    def rows(self) -> str:
        """The rows that the variable is a mean over, in words; "" for all of them."""
        parts = [str(self.slice)] if isinstance(self.slice, Worst) else [str(predicate) for predicate in self.slice]
        return ", ".join([self.subset] * bool(self.subset) + parts)

    @property
    def needs_labels(self) -> bool:
        return self.model != "d"

    def __str__(self) -> str:
        metric = "" if self.metric == "accuracy" else f".{self.metric}"
        if isinstance(self.slice, Worst):
            return f"{self.model}{metric}[{self.slice}]"
        inner = ", ".join(str(predicate) for predicate in self.slice)
        return f"{self.model}{metric}[{inner}]" if inner else f"{self.model}{metric}"


def is_word(text: str) -> bool:
    """Whether the text stands in a condition without quotes.

    Examples
    --------
    >>> is_word("Queens"), is_word("Staten Island"), is_word("5th")
    (True, False, False)
    """
    return _WORD.fullmatch(text) is not None


def is_unicode(text: str) -> bool:
    """Whether the text has no half of a surrogate pair, which no file or record could hold."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _check_text(text: str) -> None:
    if not is_unicode(text):
        raise InputError(f"a slice is told by Unicode text, got half a surrogate pair in {text!r}.")


def _written(text: str) -> str:
    """The text as it stands in a condition: bare, or in quotes with JSON's escapes."""
    return text if is_word(text) else json.dumps(text, ensure_ascii=False)
