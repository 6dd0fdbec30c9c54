"""A table as integer counts over a frozen grid; profiles of parts add up to the profile of the whole, bit by bit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from upkeep.core.columns import Table, row_count
from upkeep.core.profile.cells import NumericCells
from upkeep.core.profile.counting import ColumnProfile, count
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.stored import damaged, fields, is_whole
from upkeep.errors import InputError

__all__ = ["ColumnProfile", "Profile"]

FORMAT = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """A mergeable summary of a table.

    Notes
    -----
    It holds whole numbers, least and largest values and nothing else, so that `merge` is exactly associative and
    commutative: any split over batches, threads, processes or machines gives the same bits. The last bits of a sum of
    floats depend on the order of addition; sums are therefore kept as whole units, a thousandth of the column's spread each.
    """

    grid: ReferenceGrid
    rows: int
    columns: Mapping[str, ColumnProfile]

    @classmethod
    def build(cls, grid: ReferenceGrid, table: Table, *, threads: int = 1) -> Profile:
        """Count a table; columns that the grid does not know are left out.

        Parameters
        ----------
        grid : ReferenceGrid
        table : mapping of str to ndarray or Coded, each shape (m,)
        threads : int
            Columns counted at a time; numpy counts without the interpreter's lock. The result is the same.

        Raises
        ------
        InputError
            If a column of the grid is absent, or of another sort: text where the grid has numbers.

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

        def counted(name: str) -> ColumnProfile:
            return count(name, grid.cells[name], table[name])

        if threads < 2:
            return cls(grid=grid, rows=rows, columns={name: counted(name) for name in grid.cells})
        with ThreadPoolExecutor(threads) as pool:
            columns = dict(zip(grid.cells, pool.map(counted, grid.cells), strict=True))
        return cls(grid=grid, rows=rows, columns=columns)

    @classmethod
    def empty(cls, grid: ReferenceGrid) -> Profile:
        """The profile of no rows, which changes nothing when it is merged."""
        columns = {
            name: ColumnProfile(
                counts=np.zeros(cells.size, dtype=np.int64),
                nulls=0,
                moments=(0, 0) if isinstance(cells, NumericCells) else None,
            )
            for name, cells in grid.cells.items()
        }
        return cls(grid=grid, rows=0, columns=columns)

    def update(self, table: Table) -> Profile:
        """The profile with a further batch of rows."""
        return self.merge(Profile.build(self.grid, table))

    def merge(self, other: Profile) -> Profile:
        """The profile of both tables together; InputError if they were counted into different cells."""
        if self.grid is not other.grid and self.grid.digest != other.grid.digest:
            raise InputError("profiles must share one reference grid to be merged; build both with the same grid.")
        columns = {name: column.merge(other.columns[name]) for name, column in self.columns.items()}
        return Profile(grid=self.grid, rows=self.rows + other.rows, columns=columns)

    def beside(self, other: Profile) -> Profile:
        """Columns of two tables in one profile; `rows` are those of the first, each column keeps its own count."""
        grid = ReferenceGrid(cells={**self.grid.cells, **other.grid.cells})
        return Profile(grid=grid, rows=self.rows, columns={**self.columns, **other.columns})

    def only(self, names: Iterable[str]) -> Profile:
        """The profile of some of the columns."""
        grid = self.grid.only(names)
        return Profile(grid=grid, rows=self.rows, columns={name: self.columns[name] for name in grid.cells})

    def mean(self, name: str) -> float | None:
        """Mean of a number column's finite values, to within half a unit of its cells; None without values or moments.

        Values more than 2^18 units (about 256 times the spread of the reference's middle half) from the middle count
        as that far, so that a few wild ones do not hide what all others do.

        Examples
        --------
        >>> table = {"x": np.array([1.0, 2.0, 3.0, 6.0])}
        >>> profile = Profile.build(ReferenceGrid.fit(table), table)
        >>> profile.mean("x"), round(profile.deviation("x"), 6)
        (3.0, 1.870829)
        """
        column, cells = self.columns[name], self.grid.cells[name]
        if column.moments is None or not column.values or not isinstance(cells, NumericCells):
            return None
        return cells.pivot + cells.unit * (column.moments[0] / column.values)

    def deviation(self, name: str) -> float | None:
        """Standard deviation (divisor n) of a number column's finite values, under the conditions of `mean`."""
        column, cells = self.columns[name], self.grid.cells[name]
        if column.moments is None or not column.values or not isinstance(cells, NumericCells):
            return None
        total, squares = column.moments
        exact = column.values * squares - total**2  # whole numbers: nothing cancels
        return cells.unit * math.sqrt(exact) / column.values

    def to_json(self) -> dict[str, Any]:
        """Builtins; the grid is named by its digest."""
        columns = {name: column.to_json() for name, column in self.columns.items()}
        return {"format": FORMAT, "grid": self.grid.digest, "rows": self.rows, "columns": columns}

    @classmethod
    def from_json(cls, record: Mapping[str, Any], grid: ReferenceGrid) -> Profile:
        """Inverse of `to_json`, of this format and the one before; InputError for another, or another grid."""
        held = fields("a stored profile", record, ["format", "grid"])
        if held["format"] not in (1, FORMAT) or held["grid"] != grid.digest:
            raise InputError(
                f"a stored profile must have format 1 or {FORMAT} and belong to the grid given, "
                f"got format {held['format']!r} and grid {str(held['grid'])[:12]!r}. Build it again."
            )
        rows, entries = (fields("a stored profile", held, ["rows", "columns"])[name] for name in ("rows", "columns"))
        if not is_whole(rows):
            raise damaged("rows of a stored profile must be a whole number of at least 0", rows)
        stored = fields("the columns of a stored profile", entries, grid.cells)
        if len(stored) > len(grid.cells):
            raise damaged(f"a stored profile must have the columns of its grid, {list(grid.cells)}", list(stored))
        columns = {name: ColumnProfile.from_json(name, cells, stored[name]) for name, cells in grid.cells.items()}
        return cls(grid=grid, rows=rows, columns=columns)
