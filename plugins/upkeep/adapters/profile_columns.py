"""Arrow columns as what a profile counts, without one Python object per row: the one way for files, Spark and tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from upkeep.adapters.arrow_kinds import converted, nearest_floats
from upkeep.core.columns import Coded, Columns, Table
from upkeep.core.profile.cells import CategoryCells, Cells, HourCells, spelled
from upkeep.core.profile.grid import ReferenceGrid

KINDS = ("number", "text", "boolean", "datetime", "null")
#: How text files spell booleans, and how cells do.
BOOLEANS = {"true": "True", "false": "False", "1": "True", "0": "False"}


def kind_of(stored: pa.DataType) -> str:
    """number, text, boolean, datetime or null; empty for a type that no cell can count, such as a list."""
    types = pa.types
    if types.is_dictionary(stored):
        return kind_of(stored.value_type)
    if types.is_null(stored):
        return "null"
    if types.is_boolean(stored):
        return "boolean"
    if types.is_integer(stored) or types.is_floating(stored) or types.is_decimal(stored):
        return "number"
    if types.is_timestamp(stored) or types.is_date(stored):
        return "datetime"
    return "text" if types.is_string(stored) or types.is_large_string(stored) or types.is_string_view(stored) else ""


def countable(part: pa.RecordBatch, grid: ReferenceGrid) -> Table:
    """The grid's columns of a part of a table, as their cells want them.

    Notes
    -----
    A value becomes the same whichever part it is in: gaps elsewhere do not change how a whole number is spelled, and
    times are counted in UTC whatever zone they are shown in.
    """
    return {name: _counted_as(part.column(name), cells) for name, cells in grid.cells.items()}


def plain_columns(part: pa.RecordBatch, kinds: Mapping[str, str]) -> Columns:
    """A few rows with one numpy type per kind, for cells to be fitted to."""
    return {name: _plain(part.column(name), kind) for name, kind in kinds.items()}


def _counted_as(values: pa.Array, cells: Cells) -> NDArray[Any] | Coded:
    if isinstance(cells, CategoryCells):
        return _levels(_spelled_types(values), cells.levels)
    if _is_dictionary(values) and kind_of(values.type) != "text":
        values = values.dictionary_decode()
    kind = kind_of(values.type)
    if kind == "text":  # of another sort than its cells, which the count says, unless nothing is there
        return Coded(np.where(_present(values), 0, -1), ("text",))
    if kind == "datetime" or (kind == "null" and isinstance(cells, HourCells)):
        return _times(values)
    return _numbers(values)


def read_as(words: pa.Array, cells: Cells) -> NDArray[Any] | Coded:
    """Words of a text file as cells want them; `Misfit` for a word that is no number or no time where it must be."""
    if isinstance(cells, CategoryCells):
        if cells.levels and set(cells.levels) <= {"True", "False"}:
            return _levels(words.dictionary_encode(), cells.levels, BOOLEANS)
        return _levels(words, cells.levels)
    return converted(words, "datetime" if isinstance(cells, HourCells) else "number", nullable=True)


def _plain(values: pa.Array, kind: str) -> NDArray[Any]:
    if kind in ("text", "boolean"):
        encoded = values if _is_dictionary(values) else values.dictionary_encode()
        words = np.array([*encoded.dictionary.to_pylist(), None], dtype=object)
        return np.asarray(words[_codes(encoded)])  # equal words are one object
    if _is_dictionary(values):
        values = values.dictionary_decode()
    return _times(values) if kind == "datetime" else _numbers(values)


def _numbers(values: pa.Array) -> NDArray[Any]:
    """Numbers with NaN where there is none; a whole number beyond 2^53 becomes the nearest float."""
    if pa.types.is_decimal(values.type):
        values = nearest_floats(values)
    if not pa.types.is_floating(values.type) and (values.null_count or not pa.types.is_integer(values.type)):
        values = values.cast(pa.float64(), safe=False)
    return np.asarray(values.to_numpy(zero_copy_only=False))


def _times(values: pa.Array) -> NDArray[np.datetime64]:
    zone = getattr(values.type, "tz", None)
    moments = values.cast(pa.timestamp("us", zone), safe=False).cast(pa.timestamp("us"))  # in UTC, without a zone
    return np.asarray(moments.to_numpy(zero_copy_only=False))


def _spelled_types(values: pa.Array) -> pa.Array:
    if pa.types.is_decimal(values.type):
        return nearest_floats(values)
    return values.cast(pa.string()) if kind_of(values.type) == "text" and not _is_dictionary(values) else values


def _levels(values: pa.Array, levels: tuple[str, ...], spellings: Mapping[str, str] | None = None) -> Coded:
    """Codes into the levels of a grid, and one more for every other value: those are never spelled out."""
    known = (*levels, "\0" * (1 + max(map(len, levels), default=0)))  # longer than any level, so not one of them
    if pa.types.is_null(values.type):
        return Coded(np.full(len(values), -1), known)
    if pa.types.is_string(values.type):
        return Coded(_positions(values, levels), known)
    encoded = values if _is_dictionary(values) else values.dictionary_encode()
    words = _spelled(encoded.dictionary)
    if spellings:
        words = pa.array([spellings.get(word.strip().lower(), word) for word in words.to_pylist()], pa.string())
    places = np.append(_positions(words, levels), -1)  # index -1, a missing value, finds the last
    return Coded(places[_codes(encoded)], known)


def _codes(values: pa.DictionaryArray) -> NDArray[np.int64]:
    """Places in the dictionary, -1 for a missing value."""
    return np.asarray(pc.fill_null(values.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False))


def _positions(words: pa.Array, levels: tuple[str, ...]) -> NDArray[np.int32]:
    found = pc.index_in(words, value_set=pa.array(levels, pa.string()))
    places = np.array(pc.fill_null(found, len(levels)).to_numpy(zero_copy_only=False))
    if words.null_count:
        places[~_present(words)] = -1
    return places


def _spelled(values: pa.Array) -> pa.Array:
    if kind_of(values.type) == "text":
        return values.cast(pa.string())
    return pa.array([spelled(value) for value in values.to_pylist()], pa.string())


def _present(values: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(values.is_valid().to_numpy(zero_copy_only=False))


def _is_dictionary(values: pa.Array) -> bool:
    return bool(pa.types.is_dictionary(values.type))
