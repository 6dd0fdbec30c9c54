"""Which rows of a table belong to a slice, and which levels a column has."""

from __future__ import annotations

import operator
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


def in_slice(rows: Slice, columns: Table, count: int) -> NDArray[np.bool_]:
    """True, in shape (count,), for the rows of the table that all predicates hold for; a missing value holds for none.

    Raises
    ------
    InputError
        If the table has no such column, or its values cannot be compared like this.

    Examples
    --------
    >>> table = {"borough": np.array(["Queens", None, "Bronx"], dtype=object), "hour": np.array([1.0, 2.0, np.nan])}
    >>> in_slice((Predicate("borough", "!=", "Bronx"),), table, 3).tolist()
    [True, False, False]
    >>> in_slice((Predicate("hour", "<", 2.0), Predicate("borough", "=", "Queens")), table, 3).tolist()
    [True, False, False]
    """
    if isinstance(rows, Worst):
        raise InputError(f"the slice [{rows}] stands for many. Expand the condition before it is measured.")
    inside = np.ones(count, dtype=bool)
    for predicate in rows:
        inside &= _holds(predicate, _column(columns, predicate.column))
    return inside


def levels(columns: Table, column: str) -> tuple[str | float, ...]:
    """The distinct values of a column in ascending order, as a slice's predicates name them; without missing ones.

    Examples
    --------
    >>> levels({"borough": np.array(["Queens", None, "Bronx"], dtype=object)}, "borough")
    ('Bronx', 'Queens')
    >>> levels({"airport": np.array([True, False])}, "airport")
    ('false', 'true')
    """
    values = _column(columns, column)
    if isinstance(values, Coded):
        return tuple(sorted({values.levels[code] for code in np.unique(values.codes) if code >= 0}))
    kind, typed, present = _typed(column, values)
    distinct = set(typed[present].tolist())
    if kind == "boolean":
        return tuple(str(value).lower() for value in sorted(distinct))
    if kind == "time":
        raise InputError(f"column {column!r} is of times, which have no levels. Slice by >= and < instead.")
    return tuple(sorted(distinct))


def _column(columns: Table, column: str) -> NDArray[Any] | Coded:
    if column not in columns:
        there = ", ".join(sorted(columns)) or "none"
        raise InputError(f"a slice is about column {column!r}, which the rows do not have. There are: {there}.")
    return columns[column]


def _holds(predicate: Predicate, values: NDArray[Any] | Coded) -> NDArray[np.bool_]:
    compare = _COMPARE[predicate.comparison]
    if isinstance(values, Coded):
        wanted = _comparand(predicate, "text")
        by_level = [bool(compare(level, wanted)) for level in values.levels]
        return np.asarray(
            np.array([*by_level, False])[values.codes]
        )  # the code -1 of a missing value takes the last one
    kind, typed, present = _typed(predicate.column, values)
    if not present.any():
        return present
    return np.asarray(present & compare(typed, _comparand(predicate, kind)))


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


def _typed(column: str, values: NDArray[Any]) -> tuple[Kind, NDArray[Any], NDArray[np.bool_]]:
    """What a column holds, its values as numpy compares them, and where they are present."""
    present = ~missing(values)
    if values.dtype.kind in _KINDS:
        return _KINDS[values.dtype.kind], values, present
    held = set(map(type, values[present])) if values.dtype.kind == "O" else {values.dtype.type}
    if all(issubclass(one, str) for one in held):
        return "text", values, present
    boxed: tuple[tuple[Kind, type, tuple[type, ...]], ...] = (
        ("boolean", bool, (bool, np.bool_)),
        ("number", float, (int, float, np.integer, np.floating)),
    )
    for kind, plain, classes in boxed:
        # To Python a boolean is an int, and to numpy a time span is one.
        if all(issubclass(one, classes) for one in held) and (kind == "boolean" or not held & {bool, np.timedelta64}):
            typed = np.zeros(len(values), dtype=plain)
            typed[present] = values[present]
            return kind, typed, present
    names = ", ".join(sorted(one.__name__ for one in held))
    raise InputError(f"column {column!r} must hold text, numbers, booleans or times to be sliced by, got {names}.")
