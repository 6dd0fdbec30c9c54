"""Arrow columns by what their values are (integer, number, text, datetime, boolean), whatever type they are stored as."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from upkeep.errors import InputError

#: Spellings of a missing value in text files, besides nothing at all.
NULLS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "\\N")


@dataclass(slots=True)
class Seen:
    """What a column has shown so far; `null` is the kind of a column without any value."""

    kind: str = "null"
    nullable: bool = False


def scan(names: Iterable[str], parts: Iterable[pa.RecordBatch], kind_of: Callable[[pa.Array], str]) -> dict[str, Seen]:
    """Kind and nullability of every column over the whole file."""
    columns = {name: Seen() for name in names}
    for part in parts:
        for name, seen in columns.items():
            values = _decoded(part.column(name))
            seen.nullable |= values.null_count > 0
            if seen.kind != "text" and values.null_count < len(values):
                seen.kind = _joined(seen.kind, kind_of(values.drop_null()))
    for seen in columns.values():
        seen.nullable |= seen.kind == "null"
    return columns


def stored_kind(values: pa.Array) -> str:
    """Kind by type; floats that are all whole numbers are integers that had to make room for a missing value."""
    kind = values.type
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind):
        return "integer" if _whole(values) else "number"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "datetime"
    if pa.types.is_string(kind):
        return "text"
    raise InputError(f"columns must hold numbers, times, booleans or text, got {kind}. Flatten it before delivery.")


def spelled_kind(values: pa.Array) -> str:
    """Narrowest kind that all these words can be read as."""
    for kind in ("integer", "number", "boolean", "datetime"):
        try:
            _cast(values, kind)
        except pa.ArrowInvalid:
            continue
        return kind
    return "text"


def converted(values: pa.Array, kind: str, nullable: bool) -> NDArray[Any]:
    """Numpy column of a kind: one dtype for the whole file, so integers and booleans with gaps are float.

    Raises
    ------
    ValueError
        Saying which value, at which position, is not of that kind.
    """
    values = _decoded(values)
    try:
        return _numpy(_cast(values, kind), kind, nullable)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        at = _first_misfit(values, kind)
        raise Misfit(at, values[at].as_py()) from None


class Misfit(ValueError):
    """A value that cannot be read as the kind asked for: (position, value)."""


def nearest_floats(decimals: pa.Array) -> pa.Array:
    """Decimals as the floats that their digits are read as; Arrow's own cast is off by one float in many."""
    return decimals.cast(pa.string()).cast(pa.float64())


def _decoded(values: pa.Array) -> pa.Array:
    """One type per kind: dictionaries and the other strings become strings, decimals floats, NaN null."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _decoded(values.dictionary_decode())
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return values.cast(pa.string())
    if pa.types.is_decimal(kind):
        return nearest_floats(values)
    if pa.types.is_floating(kind):
        wide = values.cast(pa.float64())
        return pc.if_else(pc.is_nan(wide), pa.scalar(None, pa.float64()), wide)
    return values


def _joined(one: str, other: str) -> str:
    if one in ("null", other):
        return other
    return "number" if {one, other} == {"integer", "number"} else "text"


def _whole(values: pa.Array) -> bool:
    numbers = values.to_numpy(zero_copy_only=False)
    return bool((np.isfinite(numbers) & (np.floor(numbers) == numbers) & (np.abs(numbers) < 2**53)).all())


def _cast(values: pa.Array, kind: str) -> pa.Array:
    if pa.types.is_string(values.type) and kind != "text":
        values = pc.utf8_trim_whitespace(values)
    if kind == "datetime":
        return _times(values)
    if kind == "integer" and pa.types.is_string(values.type):
        try:
            return values.cast(pa.int64())
        except pa.ArrowInvalid:
            return values.cast(pa.float64()).cast(pa.int64())  # "3.0", as pandas writes integers with gaps
    types = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "text": pa.string()}
    return values.cast(types[kind])


def _times(values: pa.Array) -> pa.Array:
    """Microseconds without a zone; times that carry one are moved to UTC, finer ones are cut."""
    plain = pa.timestamp("us")
    if not pa.types.is_string(values.type):
        return values.cast(pa.timestamp("us", getattr(values.type, "tz", None)), safe=False).cast(plain)
    for kind in (plain, pa.timestamp("us", "UTC"), pa.timestamp("ns")):
        try:
            return values.cast(kind).cast(plain, safe=False)
        except pa.ArrowInvalid as err:
            refused = err
    raise refused


def _numpy(values: pa.Array, kind: str, nullable: bool) -> NDArray[Any]:
    if kind in ("integer", "boolean") and nullable:
        values = values.cast(pa.float64())
    if kind in ("integer", "boolean", "number"):
        numbers = values.to_numpy(zero_copy_only=False)
        return np.asarray(numbers.astype(np.float64) if numbers.dtype == object else numbers)
    if kind == "datetime":
        return np.asarray(values.to_numpy(zero_copy_only=False).astype("datetime64[us]"))
    return np.array(values.to_pylist(), dtype=object)


def _first_misfit(values: pa.Array, kind: str) -> int:
    """Halve the part that cannot be cast until one value is left."""
    low, high = 0, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            _cast(values.slice(low, middle - low), kind)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            high = middle
        else:
            low = middle
    return low
