"""The frozen cells that every later table is counted into."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from upkeep.core.columns import Coded, Table, row_count
from upkeep.core.profile.cells import CategoryCells, Cells, HourCells, NumericCells, cells_from_json
from upkeep.errors import InputError

__all__ = ["CategoryCells", "Cells", "HourCells", "NumericCells", "ReferenceGrid"]

FORMAT = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class ReferenceGrid:
    """Cells per column, frozen once from the reference table.

    Notes
    -----
    Of date and time columns the hour of the day is counted: time itself always moves on, but a source whose hours
    change has changed its clock or its zone. A column with reference values of one sort only, or with none, has its
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

        Examples
        --------
        >>> import numpy as np
        >>> grid = ReferenceGrid.fit({"x": np.array([1.0, 2.0, 2.0, np.nan]), "c": np.array(["a", None, "a", "b"], object)})
        >>> grid.cells["c"].levels
        ('a', 'b')
        """
        if bins < 2 or top < 1:
            raise InputError(f"a grid must have at least 2 bins and 1 category, got bins={bins} and top={top}.")
        row_count(table)
        cells: dict[str, Cells] = {}
        for name, values in table.items():
            if isinstance(values, Coded) or values.dtype.kind in "OUb":
                cells[name] = CategoryCells.fit(values, top)
            elif values.dtype.kind in "iuf":
                cells[name] = NumericCells.fit(values, bins)
            elif values.dtype.kind == "M":
                cells[name] = HourCells()
        return cls(cells=cells)

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
        if record.get("format") not in (1, FORMAT):
            raise InputError(
                f"a stored grid must have format 1 or {FORMAT}, got {record.get('format')!r}. Train again, or update upkeep."
            )
        return cls(cells={name: cells_from_json(entry) for name, entry in record["columns"].items()})
