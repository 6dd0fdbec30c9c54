"""Buckets and, inside each, cells of rows that the reference finds alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

#: A cell holds at least this many rows, unless its bucket is smaller.
ROWS_PER_CELL = 150
CELLS_PER_BUCKET = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Where each row of a window belongs.

    `buckets` are the names of all buckets, of this window and of those before it; `cell` numbers the cell of each row,
    shape (m,), and `owner` gives the position in `buckets` of every cell's bucket, shape (cells,).
    """

    buckets: tuple[int, ...]
    cell: NDArray[np.int64]
    owner: NDArray[np.int64]

    @classmethod
    def of(
        cls, keys: NDArray[np.float64], bucket: NDArray[np.int64], *, known: Sequence[int] = (), limit: int = 128
    ) -> Cells:
        """Cut each bucket at quantiles of the keys.

        Parameters
        ----------
        keys : ndarray of float, shape (m,)
            What rows of a cell have nearly the same of.
        bucket : ndarray of int, shape (m,)
        known : sequence of int
            Buckets of earlier windows; they keep their positions.
        limit : int
            Cells at most, at least one per bucket.

        Examples
        --------
        >>> cells = Cells.of(np.linspace(0, 1, 400), np.repeat([7, 3], [350, 50]))
        >>> cells.buckets, cells.owner.tolist(), np.bincount(cells.cell).tolist()
        ((3, 7), [0, 1, 1], [50, 175, 175])
        """
        names, position = np.unique(bucket, return_inverse=True)
        buckets = tuple(known) + tuple(int(name) for name in names if int(name) not in set(known))
        where = {name: at for at, name in enumerate(buckets)}
        each = min(CELLS_PER_BUCKET, max(1, limit // max(len(names), 1)))
        cell, owner = np.zeros(len(keys), dtype=np.int64), list[int]()
        for number, name in enumerate(names):
            inside = np.flatnonzero(position == number)
            edges = _edges(keys[inside], min(each, max(1, len(inside) // ROWS_PER_CELL)))
            cell[inside] = len(owner) + np.searchsorted(edges, keys[inside], side="right")
            owner += [where[int(name)]] * (len(edges) + 1)
        return cls(buckets=buckets, cell=cell, owner=np.array(owner, dtype=np.int64))

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share of the rows in each cell, shape (cells,)."""
        return np.asarray(np.bincount(self.cell, minlength=len(self.owner)) / len(self.cell))

    def of_rows(self, rows: NDArray[np.int64]) -> Cells:
        """The same cells for some of the rows."""
        return replace(self, cell=self.cell[rows])


def score_keys(chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """One number that orders rows of shape (m, k): the chance of class 1 of two, else the likeliest class and its chance."""
    if chances.shape[1] == 2:
        return chances[:, 1]
    likeliest = chances.argmax(axis=1)
    return np.asarray(2.0 * likeliest + chances[np.arange(len(chances)), likeliest])


def _edges(keys: NDArray[np.float64], cells: int) -> NDArray[np.float64]:
    ordered = np.sort(keys)
    edges = np.unique(ordered[np.arange(1, cells) * len(ordered) // cells])
    return np.asarray(edges[edges > ordered[0]])  # no cell without rows
