"""A table in memory: one numpy array per column, all of one length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
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

    def __post_init__(self) -> None:
        if self.codes.ndim != 1 or self.codes.dtype.kind not in "iu":
            raise InputError(
                f"codes must be whole numbers of shape (n,), got {self.codes.dtype} of shape {self.codes.shape}."
            )
        if not all(issubclass(kind, str) for kind in set(map(type, self.levels))):
            wrong = next(level for level in self.levels if not isinstance(level, str))
            raise InputError(f"levels must be texts, got {wrong!r}. The code of a missing value is -1.")
        if len(self.codes):
            low, high = int(self.codes.min()), int(self.codes.max())
            if low < -1 or high >= len(self.levels):
                raise InputError(
                    f"codes must lie in [-1, {len(self.levels)}), as there are {len(self.levels)} levels, "
                    f"got codes from {low} to {high}."
                )

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: NDArray[Any] | slice) -> Coded:
        return Coded(self.codes[rows], self.levels)


#: What can be counted: columns in memory, text ones coded or not.
Table: TypeAlias = Mapping[str, NDArray[Any] | Coded]


@contextmanager
def named(column: str) -> Iterator[None]:
    """Errors about values say whose values they are."""
    try:
        yield
    except InputError as err:
        raise InputError(f"column {column!r}: {err}") from err


def row_count(columns: Table) -> int:
    """Rows of the table; an error names the first column whose length differs, or that has rows of several values.

    Examples
    --------
    >>> row_count({"a": np.zeros(3), "b": np.ones(3)})
    3
    """
    for name, values in columns.items():
        if not isinstance(values, Coded) and np.ndim(values) != 1:
            raise InputError(
                f"every column must have shape (n,), got {np.shape(values)} in {name!r}. Split or flatten it."
            )
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
    if values.dtype.kind == "T":
        values = values.astype(object)
    if values.dtype.kind == "O":
        try:
            return np.fromiter((v is None or v != v for v in values), dtype=bool, count=len(values))
        except (TypeError, ValueError) as err:  # pandas.NA and arrays have no answer to whether they equal themselves
            raise InputError(
                f"a missing value must be None or NaN, and every other one a scalar, but {err}. Make it None."
            ) from err
    return np.zeros(len(values), dtype=bool)
