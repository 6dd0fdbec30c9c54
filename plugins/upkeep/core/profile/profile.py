"""A table as integer counts over a frozen grid; profiles of parts add up to the profile of the whole, bit by bit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, missing, row_count
from upkeep.core.profile.grid import FORMAT, CategoryCells, NumericCells, ReferenceGrid, category_counts, finite
from upkeep.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColumnProfile:
    """Counts of one column: rows per cell, shape (cells,), rows without a value, least and largest number."""

    counts: NDArray[np.int64]
    nulls: int
    low: float | None
    high: float | None

    @property
    def values(self) -> int:
        """Rows that have a value."""
        return int(self.counts.sum())

    @property
    def rows(self) -> int:
        """Rows that were counted, with a value or without."""
        return self.values + self.nulls

    @property
    def null_share(self) -> float:
        """Share of rows without a value; 0 for a table without rows."""
        return self.nulls / self.rows if self.rows else 0.0

    def to_json(self) -> dict[str, Any]:
        return {"counts": self.counts.tolist(), "nulls": self.nulls, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """A mergeable summary of a table.

    Notes
    -----
    It holds whole numbers, least and largest values and nothing else, so that `merge` is exactly associative and
    commutative: any split over batches or processes gives the same bits. Sums of floats are left out on purpose,
    as their last bits depend on the order of addition; means and quantiles follow from the counts to within a cell.
    """

    grid: ReferenceGrid
    rows: int
    columns: Mapping[str, ColumnProfile]

    @classmethod
    def build(cls, grid: ReferenceGrid, table: Columns) -> Profile:
        """Count a table; columns that the grid does not know are left out.

        Parameters
        ----------
        grid : ReferenceGrid
        table : mapping of str to ndarray, each shape (m,)

        Raises
        ------
        InputError
            If a column of the grid is absent, or text where the grid has numbers.

        Examples
        --------
        >>> grid = ReferenceGrid.fit({"x": np.arange(100.0)}, bins=4)
        >>> profile = Profile.build(grid, {"x": np.array([5.0, 30.0, 99.0, np.nan])})
        >>> profile.columns["x"].counts.tolist(), profile.columns["x"].null_share
        ([1, 1, 0, 1], 0.25)
        """
        absent = sorted(set(grid.cells) - set(table))
        if absent:
            raise InputError(f"the table must have every column of the reference, but lacks {absent}.")
        rows = row_count({name: table[name] for name in grid.cells})
        return cls(grid=grid, rows=rows, columns={name: _count(grid, name, table[name]) for name in grid.cells})

    def merge(self, other: Profile) -> Profile:
        """The profile of both tables together; InputError if they were counted into different cells."""
        if self.grid is not other.grid and self.grid.digest != other.grid.digest:
            raise InputError("profiles must share one reference grid to be merged; build both with the same grid.")
        columns = {name: _add(column, other.columns[name]) for name, column in self.columns.items()}
        return Profile(grid=self.grid, rows=self.rows + other.rows, columns=columns)

    def beside(self, other: Profile) -> Profile:
        """Columns of two tables in one profile; `rows` are those of the first, each column keeps its own count."""
        grid = ReferenceGrid(cells={**self.grid.cells, **other.grid.cells})
        return Profile(grid=grid, rows=self.rows, columns={**self.columns, **other.columns})

    def only(self, names: Iterable[str]) -> Profile:
        """The profile of some of the columns."""
        grid = self.grid.only(names)
        return Profile(grid=grid, rows=self.rows, columns={name: self.columns[name] for name in grid.cells})

    def to_json(self) -> dict[str, Any]:
        """Builtins; the grid is named by its digest."""
        columns = {name: column.to_json() for name, column in self.columns.items()}
        return {"format": FORMAT, "grid": self.grid.digest, "rows": self.rows, "columns": columns}

    @classmethod
    def from_json(cls, record: Mapping[str, Any], grid: ReferenceGrid) -> Profile:
        """Inverse of `to_json`; InputError for another format or another grid."""
        if record.get("format") != FORMAT or record.get("grid") != grid.digest:
            raise InputError(
                f"a stored profile must have format {FORMAT} and belong to the grid given, "
                f"got format {record.get('format')!r} and grid {str(record.get('grid'))[:12]!r}. Build it again."
            )
        columns = {
            name: ColumnProfile(**entry | {"counts": np.asarray(entry["counts"], dtype=np.int64)})
            for name, entry in record["columns"].items()
        }
        return cls(grid=grid, rows=record["rows"], columns=columns)


def _count(grid: ReferenceGrid, name: str, values: NDArray[Any]) -> ColumnProfile:
    cells = grid.cells[name]
    if isinstance(cells, CategoryCells):
        return _count_categories(cells, values)
    if values.dtype.kind not in "iufb":
        if not missing(values).all():
            raise InputError(f"column {name!r} must hold numbers as in the reference, got {values.dtype}.")
        values = np.full(len(values), np.nan)
    return _count_numbers(cells, values)


def _count_numbers(cells: NumericCells, values: NDArray[Any]) -> ColumnProfile:
    ordered = finite(values)
    below = np.searchsorted(ordered, cells.cuts, side="left")
    counts = np.diff(below, prepend=0, append=len(ordered)).astype(np.int64)
    ends = (float(ordered[0]), float(ordered[-1])) if len(ordered) else (None, None)
    return ColumnProfile(counts=counts, nulls=len(values) - len(ordered), low=ends[0], high=ends[1])


def _count_categories(cells: CategoryCells, values: NDArray[Any]) -> ColumnProfile:
    held = category_counts(values)
    counts = np.array([held.get(level, 0) for level in cells.levels] + [0], dtype=np.int64)
    known = sum(held.values())
    counts[-1] = known - counts.sum()
    return ColumnProfile(counts=counts, nulls=len(values) - known, low=None, high=None)


def _add(a: ColumnProfile, b: ColumnProfile) -> ColumnProfile:
    lows = [low for low in (a.low, b.low) if low is not None]
    highs = [high for high in (a.high, b.high) if high is not None]
    return ColumnProfile(
        counts=a.counts + b.counts,
        nulls=a.nulls + b.nulls,
        low=min(lows, default=None),
        high=max(highs, default=None),
    )
