"""The reference sample of an adversary, and its arrays as text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from upkeep.core.columns import Table, row_count
from upkeep.core.drift.adversary_cells import cell_numbers
from upkeep.core.packing import pack, unpack
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.errors import InputError

_LEAST_JUDGES = 50
#: A larger sample would be drawn from: the memory it takes grows with it, and intervals are narrow enough by then.
_MOST = 200_000
#: Fewer rows in a cell would tell more of chance than of the source.
_ROWS_PER_CELL = 24
#: Columns x cells x functions of a cell that are kept, twice, as numbers: tables of very many columns get fewer cells.
_ROOM = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """The reference sample as cell numbers, in an order drawn once: rows to learn from, and rows that only judge."""

    grid: ReferenceGrid
    learned: NDArray[np.uint16]
    weights: NDArray[np.float64]
    judges: NDArray[np.uint16]

    @classmethod
    def split(
        cls, sample: Table, weights: ArrayLike | None, rng: np.random.Generator, *, bins: int, top: int
    ) -> Reference:
        """Half to learn from, by weight; of the other half, rows kept with a chance in proportion to theirs."""
        counts = _checked(weights, row_count(sample))
        order = rng.permutation(len(counts))[:_MOST]
        half = len(order) // 2
        taught, others = order[:half], order[half:]
        kept = others[rng.random(len(others)) * counts[others].max() < counts[others]]
        if len(kept) < _LEAST_JUDGES:
            raise InputError(
                f"the reference sample must leave {_LEAST_JUDGES} rows to judge by once its weights are evened out, "
                f"got {len(kept)} of {len(order)} rows. Sample more rows, or with weights that differ less."
            )
        most = math.isqrt(_ROOM // max(1, len(sample)))
        cells = max(2, min(bins, half // _ROWS_PER_CELL, most))
        grid = ReferenceGrid.fit(_rows(sample, taught), bins=cells, top=max(1, min(top, most)))
        if not grid.cells:
            raise InputError("the reference sample must have a number, text, boolean or time column, got none.")
        return cls(
            grid=grid,
            learned=cell_numbers(grid, _rows(sample, taught)),
            weights=counts[taught] / counts[taught].mean(),
            judges=cell_numbers(grid, _rows(sample, kept)),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "grid": self.grid.to_json(),
            "learned": pack(self.learned),
            "weights": pack(self.weights),
            "judges": pack(self.judges),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Reference:
        """Inverse of `to_json`."""
        return cls(
            grid=ReferenceGrid.from_json(record["grid"]),
            learned=unpack(record["learned"]),
            weights=unpack(record["weights"]),
            judges=unpack(record["judges"]),
        )


def turn(start: int, rows: int, known: int) -> slice | NDArray[np.intp]:
    """Which are the next `rows` of `known` rows that are taken in turns.

    Examples
    --------
    >>> turn(5, 2, 3), turn(3, 2, 3)
    (array([2, 0]), slice(0, 2, None))
    """
    first = start % known
    return slice(first, first + rows) if first + rows <= known else np.arange(first, first + rows) % known


def _rows(table: Table, rows: NDArray[np.intp]) -> Table:
    return {name: values[rows] for name, values in table.items()}


def _checked(weights: ArrayLike | None, rows: int) -> NDArray[np.float64]:
    counts = np.ones(rows) if weights is None else np.asarray(weights, dtype=np.float64)
    if rows < 2 * _LEAST_JUDGES:
        raise InputError(f"the reference sample must have at least {2 * _LEAST_JUDGES} rows, got {rows}.")
    if counts.shape != (rows,) or not np.isfinite(counts).all() or (counts <= 0).any():
        raise InputError(f"weights must be {rows} positive numbers, one per row of the sample.")
    return counts
