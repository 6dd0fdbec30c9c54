"""Which rows of a table belong to a slice, and which levels a column has."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Coded, Table, missing
from upkeep.core.gate.variable import Predicate, Slice, Worst
from upkeep.core.utc_time import utc_time
from upkeep.errors import InputError

Kind = Literal["text", "number", "boolean", "time"]

_COMPARE = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_KINDS: dict[str, Kind] = {
    "i": "number",
    "u": "number",
    "f": "number",
    "b": "boolean",
    "M": "time",
    "U": "text",
    "T": "text",
}
_WANTED = {
    "text": 'is of text and compares by = or != with text, as in {column} = Queens or {column} = "12"',
    "number": "is of numbers and compares with a number, as in {column} >= 5",
    "boolean": "is of booleans and compares by = or != with true or false, as in {column} = true",
    "time": 'is of times and compares with a UTC time in quotes, as in {column} >= "2024-01-08"',
}


def in_slices(slices: Iterable[Slice], columns: Table, count: int) -> dict[Slice, NDArray[np.bool_]]:
    """For each slice, in shape (count,), whether all its predicates hold for a row; none holds for a missing value.

    Raises
    ------
    InputError
        If the table has no such column, or its values cannot be compared like this.

    Examples
    --------
    >>> table = {"borough": np.array(["Queens", None, "Bronx"], dtype=object), "hour": np.array([1.0, 2.0, np.nan])}
    >>> one, both = (Predicate("borough", "!=", "Bronx"),), (Predicate("hour", "<", 2.0), Predicate("borough", "!=", "x"))
    >>> [mask.tolist() for mask in in_slices([one, both], table, 3).values()]
    [[True, False, False], [True, False, False]]
    """
    known: dict[str, Coded | _Typed] = {}
    masks: dict[Slice, NDArray[np.bool_]] = {}
    for rows in slices:
        if isinstance(rows, Worst):
            raise InputError(f"the slice [{rows}] stands for many. Expand the condition before it is measured.")
        masks[rows] = np.ones(count, dtype=bool)
        for predicate in rows:
            if predicate.column not in known:
                known[predicate.column] = _typed(columns, predicate.column)
            masks[rows] &= _holds(predicate, known[predicate.column])
    return masks


def levels(columns: Table, column: str) -> tuple[str | float, ...]:
    """The distinct values of a column in ascending order, as a slice's predicates name them; without missing ones.

    Examples
    --------
    >>> levels({"borough": np.array(["Queens", None, "Bronx"], dtype=object)}, "borough")
    ('Bronx', 'Queens')
    >>> levels({"airport": np.array([True, False])}, "airport")
    ('false', 'true')
    """
    typed = _typed(columns, column)
    if isinstance(typed, Coded):
        return tuple(sorted({typed.levels[code] for code in np.unique(typed.codes) if code >= 0}))
    if typed.kind == "time":
        raise InputError(f"column {column!r} is of times, which have no levels. Slice by >= and < instead.")
    distinct = sorted(np.unique(typed.values[typed.present]).tolist())
    return tuple(str(value).lower() if typed.kind == "boolean" else value for value in distinct)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Typed:
    """A column as numpy compares it; what stands where nothing is present means nothing."""

    kind: Kind
    values: NDArray[Any]
    present: NDArray[np.bool_]


def _typed(columns: Table, column: str) -> Coded | _Typed:
    if column not in columns:
        there = ", ".join(sorted(columns)) or "none"
        raise InputError(f"a slice is about column {column!r}, which the rows do not have. There are: {there}.")
    values = columns[column]
    if isinstance(values, Coded):
        return values
    present = ~missing(values)
    if values.dtype.kind in _KINDS:
        return _Typed(kind=_KINDS[values.dtype.kind], values=values, present=present)
    held = set(map(type, values[present])) if values.dtype.kind == "O" else {values.dtype.type}
    if all(issubclass(one, str) for one in held):
        return _coded(values, present)
    boxed: tuple[tuple[Kind, type, tuple[type, ...]], ...] = (
        ("boolean", bool, (bool, np.bool_)),
        ("number", float, (int, float, np.integer, np.floating)),
    )
    for kind, plain, classes in boxed:
        # To Python a boolean is an int, and to numpy a time span is one.
        if all(issubclass(one, classes) for one in held) and (kind == "boolean" or not held & {bool, np.timedelta64}):
            typed: NDArray[Any] = np.zeros(len(values), dtype=plain)
            typed[present] = values[present]
            return _Typed(kind=kind, values=typed, present=present)
    names = ", ".join(sorted(one.__name__ for one in held))
    raise InputError(f"column {column!r} must hold text, numbers, booleans or times to be sliced by, got {names}.")


def _coded(values: NDArray[Any], present: NDArray[np.bool_]) -> Coded:
    """Text by whole numbers, so that many slices of one column do not each compare text with text."""
    place: dict[str, int] = {}
    codes = np.full(len(values), -1)
    codes[present] = [place.setdefault(text, len(place)) for text in values[present]]
    return Coded(codes, tuple(place))


def _holds(predicate: Predicate, column: Coded | _Typed) -> NDArray[np.bool_]:
    compare = _COMPARE[predicate.comparison]
    if isinstance(column, Coded):
        wanted = _comparand(predicate, "text") if column.levels else ""
        by_level = [bool(compare(level, wanted)) for level in column.levels]
        return np.asarray(
            np.array([*by_level, False])[column.codes]
        )  # the code -1 of a missing value takes the last one
    return np.asarray(column.present & compare(column.values, _comparand(predicate, column.kind)))


def _comparand(predicate: Predicate, kind: Kind) -> str | float | bool | np.datetime64:
    value, by_order = predicate.value, predicate.comparison not in ("=", "!=")
    if kind == "number" and not isinstance(value, str):
        return value
    if kind == "time" and isinstance(value, str):
        return utc_time(f"the slice [{predicate}]", value)
    if kind == "text" and isinstance(value, str) and not by_order:
        return value
    if kind == "boolean" and value in ("true", "false") and not by_order:
        return value == "true"
    wanted = _WANTED[kind].format(column=predicate.column)
    raise InputError(f"the slice [{predicate}] cannot be taken: {predicate.column!r} {wanted}.")
