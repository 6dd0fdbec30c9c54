"""Values of a column as numbers of its cells."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Coded
from upkeep.core.profile.cells import CategoryCells, Cells, HourCells, NumericCells, spelled
from upkeep.errors import InputError

#: Rows dealt with at a time, few enough for a core's own cache.
_CHUNK = 1 << 15


def codes_of(cells: Cells, values: NDArray[Any] | Coded) -> NDArray[np.uint8]:
    """Number of each value's cell, that after the last for a missing value; InputError for values of another sort."""
    if isinstance(cells, CategoryCells):
        return _levels(cells, values)
    if isinstance(values, Coded):
        raise InputError("it must hold numbers or times as when it was fitted, got text.")
    if isinstance(cells, HourCells):
        if values.dtype.kind != "M":
            raise InputError(f"it must hold times as when it was fitted, got {values.dtype}.")
        hours = values.astype("datetime64[h]").astype(np.int64) % 24
        return np.where(np.isnat(values), cells.size, hours).astype(np.uint8)
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as err:
        raise InputError(f"it must hold numbers as when it was fitted, but {err}.") from err
    return _quantiles(cells, numbers)


def _quantiles(cells: NumericCells, values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Cuts are few, so comparing with each of them is cheaper than a search."""
    codes = np.zeros(len(values), dtype=np.uint8)
    for start in range(0, len(values), _CHUNK):
        part, chunk = codes[start : start + _CHUNK], values[start : start + _CHUNK]
        for cut in cells.cuts:
            part += chunk >= cut
        part[np.isnan(chunk)] = cells.size
    return codes


def _levels(cells: CategoryCells, values: NDArray[Any] | Coded) -> NDArray[np.uint8]:
    place, other = {level: code for code, level in enumerate(cells.levels)}, len(cells.levels)
    if isinstance(values, Coded):
        wanted = [place.get(level, other) for level in values.levels]
        return np.take(np.array([*wanted, cells.size], dtype=np.uint8), values.codes)  # -1 is the last
    if values.dtype.kind == "b":
        return np.where(values, place.get("True", other), place.get("False", other)).astype(np.uint8)
    every: list[Any] = values.tolist()
    if len(set(map(type, every)) - {type(None)}) > 1:
        every = [spelled(value) for value in every]  # equal values of several types, as 1 and True, are one key below
    try:
        different = dict.fromkeys(every)
    except TypeError as err:
        raise InputError(f"it must hold text, booleans or numbers as when it was fitted, but {err}.") from err
    code: dict[Any, int] = {}
    for value in different:
        text = spelled(value)
        code[value] = cells.size if text is None else place.get(text, other)
    return np.fromiter((code[value] for value in every), dtype=np.uint8, count=len(every))
