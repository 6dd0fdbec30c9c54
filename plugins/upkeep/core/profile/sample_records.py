"""Rows of a sample as finite JSON and back, to the bit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns
from upkeep.core.plain import plain
from upkeep.errors import InputError


def columns_to_json(columns: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Type and values per column: times in their own unit since 1970, missing values None, infinite floats as text.

    Examples
    --------
    >>> columns_to_json({"fare": np.array([2.5, np.nan])})
    {'fare': {'type': 'float64', 'values': [2.5, None]}}
    """
    return {name: {"type": str(values.dtype), "values": _values(name, values)} for name, values in columns.items()}


def columns_from_json(record: Mapping[str, Any]) -> Columns:
    """Inverse of `columns_to_json`."""
    return {name: _column(name, entry["type"], entry["values"]) for name, entry in record.items()}


def _values(name: str, values: NDArray[Any]) -> list[Any]:
    if values.dtype.kind in "mM":
        times = values.astype(np.int64).tolist()
        return [None if absent else time for absent, time in zip(np.isnat(values).tolist(), times, strict=True)]
    if values.dtype.kind == "f":
        return [_number(value) for value in values.tolist()]
    try:
        return [plain(value) for value in values.tolist()]
    except TypeError as err:
        raise InputError(f"column {name!r} must hold numbers, text, booleans or times to be stored: {err}") from err


def _number(value: float) -> float | str | None:
    if math.isfinite(value):
        return value
    return None if math.isnan(value) else str(value)


def _column(name: str, type_: str, values: list[Any]) -> NDArray[Any]:
    try:
        dtype = np.dtype(type_)
        if dtype.kind in "mM":
            return np.array([np.iinfo(np.int64).min if value is None else value for value in values], np.int64).view(
                dtype
            )
        if dtype.kind == "f":
            return np.array([np.nan if value is None else float(value) for value in values], dtype)
        if dtype.kind in "biuO":
            return np.array([*values, None], dtype=object)[:-1].astype(dtype)
    except (TypeError, ValueError, OverflowError) as err:
        raise InputError(
            f"stored column {name!r} must hold {type_}, but does not: {err}. Draw the sample again."
        ) from err
    raise InputError(f"stored column {name!r} must hold numbers, text, booleans or times, got {type_}.")
