"""The frozen cells that every later table is counted into."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Coded, Table, named, row_count
from upkeep.core.profile.cells import CategoryCells, Cells, HourCells, NumericCells, cells_from_json
from upkeep.core.profile.stored import fields
from upkeep.errors import InputError

__all__ = ["CategoryCells", "Cells", "HourCells", "NumericCells", "ReferenceGrid"]

FORMAT = 2
_DATES = ("Y", "M", "W", "D")  # units of datetime64 that have no hour


@dataclass(frozen=True, kw_only=True, eq=False)
class ReferenceGrid:
    """Cells per column, frozen once from the reference table.

    Notes
    -----
    Of date and time columns the hour of the day is counted: time itself always moves on, but a source whose hours
    change has changed its clock or its zone. Columns of dates (datetime64 in days, weeks, months or years) have no hour
    and are left out. A column with reference values of one sort only, or with none, has its
    cells too.
    """

    cells: Mapping[str, Cells]

    @classmethod
    def fit(cls, table: Table, *, bins: int = 1024, top: int = 100) -> ReferenceGrid:
        """Freeze the cells.

        Parameters
        ----------
        table : mapping of str to ndarray or Coded, each shape (n,)
        bins : int
            Cells of equal mass per number column; the Kolmogorov-Smirnov distance is read to within 2/bins.
        top : int
            Categories with a cell of their own per text or boolean column.

        Raises
        ------
        InputError
            If a column is of a type that no cells can count, such as bytes or durations.

        Examples
        --------
        >>> grid = ReferenceGrid.fit({"x": np.array([1.0, 2.0, 2.0, np.nan]), "c": np.array(["a", None, "a", "b"], object)})
        >>> grid.cells["c"].levels
        ('a', 'b')
        """
        if bins < 2 or top < 1:
            raise InputError(f"a grid must have at least 2 bins and 1 category, got bins={bins} and top={top}.")
        row_count(table)
        watched = {name: values for name, values in table.items() if not _is_date(values)}
        return cls(cells={name: _cells(name, values, bins, top) for name, values in watched.items()})

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the cells, hex: counts of two profiles add up only if it is the same."""
        cells = self.to_json() | {"format": 1}  # cells of numbers and categories are written as ever
        return hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()

    def only(self, names: Iterable[str]) -> ReferenceGrid:
        """The grid of some of the columns."""
        wanted = list(names)
        unknown = sorted(set(wanted) - set(self.cells))
        if unknown:
            raise InputError(f"columns must be in the reference, but {unknown} are not; it has {sorted(self.cells)}.")
        return ReferenceGrid(cells={name: self.cells[name] for name in wanted})

    def to_json(self) -> dict[str, Any]:
        return {"format": FORMAT, "columns": {name: cells.to_json() for name, cells in self.cells.items()}}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> ReferenceGrid:
        """Inverse of `to_json`, of this format and the one before; InputError for another."""
        held = fields("a stored grid", record, ["format"])
        if held["format"] not in (1, FORMAT):
            raise InputError(
                f"a stored grid must have format 1 or {FORMAT}, got {held['format']!r}. Train again, or update upkeep."
            )
        columns = fields("the columns of a stored grid", fields("a stored grid", held, ["columns"])["columns"], [])
        return cls(cells={name: cells_from_json(name, entry) for name, entry in columns.items()})


def _is_date(values: NDArray[Any] | Coded) -> bool:
    return not isinstance(values, Coded) and values.dtype.kind == "M" and np.datetime_data(values.dtype)[0] in _DATES


def _cells(name: str, values: NDArray[Any] | Coded, bins: int, top: int) -> Cells:
    if isinstance(values, Coded) or values.dtype.kind in "OUTb":
        with named(name):
            return CategoryCells.fit(values, top)
    if values.dtype.kind in "iuf":
        return NumericCells.fit(values, bins)
    if values.dtype.kind == "M":
        return HourCells()
    raise InputError(
        f"column {name!r} must hold numbers, text, booleans or times, got {values.dtype}. Convert it, or leave it out."
    )
