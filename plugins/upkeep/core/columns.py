"""A table in memory: one numpy array per column, all of one length."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from upkeep.errors import InputError

#: Missing values are NaN in float columns, NaT in datetime64 columns and None in object columns.
Columns: TypeAlias = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A text column by whole numbers: row i holds ``levels[codes[i]]``, and nothing where the code is -1.

    Text that arrives like this, as from Parquet, is counted without one Python object per row.
    """

    codes: NDArray[np.integer[Any]]
    levels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: NDArray[Any] | slice) -> Coded:
        return Coded(self.codes[rows], self.levels)


#: What can be counted: columns in memory, text ones coded or not.
Table: TypeAlias = Mapping[str, NDArray[Any] | Coded]


def row_count(columns: Table) -> int:
    """Rows of the table; an error names the first column whose length differs.

    Examples
    --------
    >>> row_count({"a": np.zeros(3), "b": np.ones(3)})
    3
    """
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        first = next(iter(lengths))
        other = next(name for name, n in lengths.items() if n != lengths[first])
        raise InputError(
            f"all columns must have one length, got {lengths[first]} in {first!r} and {lengths[other]} in {other!r}."
        )
    return next(iter(lengths.values()), 0)


def select(columns: Mapping[str, NDArray[Any]], rows: NDArray[Any]) -> Columns:
    """The rows that a boolean mask or an index array picks, of every column."""
    return {name: values[rows] for name, values in columns.items()}


def concatenate(tables: Iterable[Mapping[str, NDArray[Any]]]) -> Columns:
    """One table under the other; all must have the columns of the first.

    A column that is whole numbers in one table and NaN-able in another becomes float.
    """
    parts = list(tables)
    if not parts:
        return {}
    names = list(parts[0])
    for part in parts[1:]:
        if set(part) != set(names):
            raise InputError(
                f"tables that are joined must have the same columns; {sorted(set(part) ^ set(names))} are not in both."
            )
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    """True where a value is missing (NaN, NaT or None).

    Examples
    --------
    >>> missing(np.array(["a", None], dtype=object)).tolist()
    [False, True]
    """
    if values.dtype.kind == "f":
        return np.asarray(np.isnan(values))
    if values.dtype.kind in "mM":
        return np.asarray(np.isnat(values))
    if values.dtype.kind == "O":
        return np.fromiter((v is None or v != v for v in values), dtype=bool, count=len(values))
    return np.zeros(len(values), dtype=bool)
