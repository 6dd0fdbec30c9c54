"""What a window says about its chances: labels that are in, and pending rows by how old they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.partial.cells import Cells
from upkeep.core.feedback.partial.contrasts import leanings, softmax

#: More labelled rows than this, or pending ones, are taken together in blocks of neighbours while the shift is looked for.
BLOCKS = 1024
_NO_CHANCE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """Blocks of rows, sorted by cell.

    logs : shape (r, k), log of the mean chance by the reference. features : shape (r, p), see `leanings`.
    counts : shape (r, k), labels of each class. pending : shape (r,), rows without one.
    silence : shape (r, k), P(still pending | class). cell : shape (r,). owner : shape (cells,), bucket of every cell.
    buckets : how many there are. own : features that each bucket has effects of its own on.
    """

    logs: NDArray[np.float64]
    features: NDArray[np.float64]
    counts: NDArray[np.float64]
    pending: NDArray[np.float64]
    silence: NDArray[np.float64]
    cell: NDArray[np.int64]
    owner: NDArray[np.int64]
    buckets: int
    own: int

    @classmethod
    def of(
        cls,
        logs: NDArray[np.float64],
        labels: NDArray[np.float64],
        silence: NDArray[np.float64],
        cells: Cells,
        own: int,
    ) -> Evidence:
        """Gather a window. `labels` are class numbers of shape (m,), NaN while pending; `silence` has shape (m, k)."""
        known = ~np.isnan(labels)
        waits = ~known & (np.ptp(silence, axis=1) > 0)  # a pending row says something if classes differ in delay
        chances = np.exp(logs)
        alike = _alike(chances)
        indicator = np.zeros_like(logs)
        indicator[np.flatnonzero(known), labels[known].astype(np.int64)] = 1
        parts = [
            _gathered(rows, cells.cell, (silence[:, 0], alike))
            for rows in (np.flatnonzero(known), np.flatnonzero(waits))
        ]
        order = np.concatenate([rows for rows, _ in parts])
        block = np.concatenate([parts[0][1], parts[1][1] + (parts[0][1][-1] + 1 if len(parts[0][1]) else 0)])
        size = np.bincount(block).astype(np.float64)
        first = np.searchsorted(block, np.arange(len(size)))
        by_cell = np.argsort(cells.cell[order][first], kind="stable")
        mean = np.log(_means(chances[order], block, size))[by_cell]
        return cls(
            logs=mean,
            features=leanings(mean),
            counts=(_means(indicator[order], block, size) * size[:, None])[by_cell],
            pending=np.where(known[order][first], 0.0, size)[by_cell],
            silence=np.maximum(_means(silence[order], block, size), _NO_CHANCE)[by_cell],
            cell=cells.cell[order][first][by_cell],
            owner=cells.owner,
            buckets=len(cells.buckets),
            own=own,
        )

    @property
    def labelled(self) -> float:
        return float(self.counts.sum())


def still_pending(chances: NDArray[np.float64], silence: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chances of the classes given that the label has not come yet, shape (m, k): Bayes' rule.

    Examples
    --------
    Even chances; four of five labels of class 1 are in by now, but only one of five of class 0.

    >>> still_pending(np.array([[0.5, 0.5]]), np.array([[0.8, 0.2]])).round(4).tolist()
    [[0.8, 0.2]]
    """
    joint = chances * np.maximum(silence, _NO_CHANCE)
    return np.asarray(joint / joint.sum(axis=1, keepdims=True))


def moved(logs: NDArray[np.float64], shift: NDArray[np.float64], contrast: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chances after a shift of shape (m, k - 1) on the log odds, shape (m, k)."""
    return softmax(logs + shift @ contrast.T)


def _alike(chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Orders rows of a cell so that neighbours have nearly the same chances."""
    if chances.shape[1] == 2:
        return np.asarray(chances[:, 1])
    second = np.argsort(chances, axis=1)[:, -2]
    return np.asarray(second + 0.9 * np.round(chances[np.arange(len(chances)), second], 1))


def _gathered(
    rows: NDArray[np.int64], cell: NDArray[np.int64], keys: tuple[NDArray[np.float64], ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows in order, and the block of each: neighbours within a cell."""
    order = rows[np.lexsort((*(key[rows] for key in keys), cell[rows]))]
    if not len(order):
        return order, order
    inside = cell[order]
    new_cell = np.concatenate([[True], inside[1:] != inside[:-1]])
    within = np.arange(len(order)) - np.flatnonzero(new_cell)[np.cumsum(new_cell) - 1]
    size = -(-len(order) // BLOCKS)
    return order, np.asarray(np.cumsum(new_cell | (within % size == 0)) - 1)


def _means(values: NDArray[np.float64], block: NDArray[np.int64], size: NDArray[np.float64]) -> NDArray[np.float64]:
    columns = [np.bincount(block, weights=values[:, k], minlength=len(size)) / size for k in range(values.shape[1])]
    return np.column_stack(columns)
