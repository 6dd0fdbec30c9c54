"""Rows as small whole numbers: the cell of each feature and of the model's own scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Table, row_count
from upkeep.core.drift.adversary_cells import cell_numbers
from upkeep.core.packing import pack, unpack
from upkeep.core.profile.cells import CategoryCells, HourCells
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.stored import damaged, fields

#: Cells of a number column, where an outcome is a hit or a miss and where it is a residual, which has more to tell; categories
#: of a text column that have one of their own.
BINS, FINE_BINS, TOP = 32, 250, 60
#: More cells than any column has, with one for a missing value.
CELLS = 256
_SCORE = "score "  # a feature may be called "score 0", but then its cells are the same thing twice and nothing else


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coding:
    """Cells of features and scores, and the order of the cells of each column, shape (columns, CELLS).

    Numbers keep their order. Categories are put in the order of the mean outcome in the reference, so that a cut between two
    cells splits them well (Fisher 1958; exact for squared error).
    """

    grid: ReferenceGrid
    order: NDArray[np.uint8]

    @classmethod
    def fit(
        cls, table: Table, scores: NDArray[np.float64], outcome: NDArray[np.float64], *, bins: int = BINS
    ) -> Coding:
        """Learn the cells; `scores` has shape (n,) or (n, k), `outcome` is what categories are put in order by."""
        held = _held(table)
        whole = _with_scores(held, scores)
        grid = _grid(whole, bins)
        numbers = cell_numbers(grid, whole)
        order = np.tile(np.arange(CELLS, dtype=np.uint8), (len(grid.cells), 1))
        overall = float(outcome.mean())
        for j, cells in enumerate(grid.cells.values()):
            if isinstance(cells, CategoryCells | HourCells):
                count = np.bincount(numbers[:, j], minlength=CELLS)
                total = np.bincount(numbers[:, j], weights=outcome, minlength=CELLS)
                shrunk = (total + 10 * overall) / (count + 10)
                order[j, np.argsort(shrunk, kind="stable")] = np.arange(CELLS)
        return cls(grid=grid, order=order)

    def codes(self, table: Table, scores: NDArray[np.float64]) -> NDArray[np.uint8]:
        """The rows, shape (n, columns); InputError if a column is absent or of another sort."""
        numbers = cell_numbers(self.grid, _with_scores(table, scores))
        return np.stack([self.order[j].take(numbers[:, j]) for j in range(numbers.shape[1])], axis=1)

    def to_json(self) -> dict[str, Any]:
        return {"grid": self.grid.to_json(), "order": pack(self.order)}

    @classmethod
    def from_json(cls, record: object) -> Coding:
        """Inverse of `to_json`; InputError if the record cannot be one."""
        held: Mapping[str, Any] = fields("a stored coding", record, ["grid", "order"])
        grid = ReferenceGrid.from_json(held["grid"])
        order = unpack(held["order"])
        if order.dtype != np.uint8 or order.shape != (len(grid.cells), CELLS) or order.max(initial=0) >= CELLS:
            raise damaged("the order of a stored coding must have one row per column", held["order"])
        return cls(grid=grid, order=order)


def _grid(table: Table, bins: int) -> ReferenceGrid:
    """Frequent values have cells of their own beside the bins; with too many of them, there are half as many bins."""
    grid = ReferenceGrid.fit(table, bins=bins, top=TOP)
    return grid if max(cells.size for cells in grid.cells.values()) < CELLS else _grid(table, bins // 2)


def _held(table: Table) -> Table:
    """The columns that the grid can count: dates without an hour are no features."""
    row_count(table)
    return {name: table[name] for name in ReferenceGrid.fit(table, bins=2, top=1).cells}


def _with_scores(table: Table, scores: NDArray[np.float64]) -> Table:
    several = scores if scores.ndim == 2 else scores[:, None]
    return dict(table) | {f"{_SCORE}{k}": np.ascontiguousarray(several[:, k]) for k in range(several.shape[1])}
