"""Small boosted trees of a chance on coded rows, starting from what the score alone says; kept as arrays.

scikit-learn's histogram boosting cannot start a classifier from a chance per row, so these trees are our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from upkeep.core.feedback.estimate.coding import CELLS
from upkeep.core.packing import pack, unpack
from upkeep.core.profile.stored import damaged, fields

DEPTH = 3
_LEAVES, _NODES = 2**DEPTH, 2**DEPTH - 1
_RATE = 0.15
#: Rows' worth of evidence that every leaf starts with for no change at all.
_PRIOR_ROWS = 50.0
#: A leaf must hold as much.
_LEAST_ROWS = 60.0
#: Chances are kept this far from 0 and 1 before their logit is taken.
_EDGE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trees:
    """Trees of depth 3: at inner node i rows whose code of `feature` is above `cut` go to node 2i + 2, others to 2i + 1.

    `feature` and `cut` have shape (trees, 7), `value`, of the leaves, shape (trees, 8).
    """

    feature: NDArray[np.uint16]
    cut: NDArray[np.uint8]
    value: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.value)

    def first(self, trees: int) -> Trees:
        return Trees(feature=self.feature[:trees], cut=self.cut[:trees], value=self.value[:trees])

    def added(self, codes: NDArray[np.uint8]) -> NDArray[np.float64]:
        """What all trees add to a row's offset, shape (n,)."""
        columns = np.asfortranarray(codes)
        total = np.zeros(len(codes))
        for feature, cut, value in zip(self.feature, self.cut, self.value, strict=True):
            total += value.take(_leaf(columns, feature, cut))
        return total

    def to_json(self) -> dict[str, Any]:
        return {"feature": pack(self.feature), "cut": pack(self.cut), "value": pack(self.value)}

    @classmethod
    def from_json(cls, record: object, columns: int) -> Trees:
        """Inverse of `to_json`; InputError unless the trees are whole and of so many columns."""
        held: Mapping[str, Any] = fields("stored trees", record, ["feature", "cut", "value"])
        feature, cut, value = (unpack(held[name]) for name in ("feature", "cut", "value"))
        shapes = [(len(value), _NODES), (len(value), _NODES), (len(value), _LEAVES)]
        if [feature.shape, cut.shape, value.shape] != shapes or feature.max(initial=0) >= max(columns, 1):
            raise damaged(f"stored trees must have depth {DEPTH} and use {columns} columns", held)
        return cls(feature=feature.astype(np.uint16), cut=cut.astype(np.uint8), value=value.astype(np.float32))


def boost(
    codes: NDArray[np.uint8],
    outcome: NDArray[np.float64],
    start: NDArray[np.float64],
    *,
    rounds: int,
) -> Trees:
    """Newton boosting of a chance by log-loss, from a first guess of it per row.

    Parameters
    ----------
    codes : ndarray of uint8, shape (n, d)
        Below `CELLS`.
    outcome, start : ndarray of float, shape (n,)
        What is to be predicted, 0 or 1, and what the score alone predicts.
    rounds : int
        Trees.

    Notes
    -----
    Splits and leaf values as in Chen & Guestrin (2016), XGBoost, equations 5 and 7, on cells in place of sorted values.
    """
    d = codes.shape[1]
    at = codes.astype(np.intp) + np.arange(d, dtype=np.intp) * CELLS
    columns = np.asfortranarray(codes)
    offset = log_odds(start)
    grown: list[tuple[NDArray[np.uint16], NDArray[np.uint8], NDArray[np.float32]]] = []
    for _ in range(rounds):
        guess = expit(offset)
        slope = outcome - guess
        bend = np.maximum(guess * (1 - guess), 1e-3)
        tree = _grow(at, columns, slope, bend)
        grown.append(tree)
        offset += tree[2].take(_leaf(columns, tree[0], tree[1]))
    if not grown:
        return NO_TREES
    feature, cut, value = (np.stack(parts) for parts in zip(*grown, strict=True))
    return Trees(feature=feature, cut=cut, value=value)


def log_odds(chance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(logit(np.clip(chance, _EDGE, 1 - _EDGE)))


def _leaf(columns: NDArray[np.uint8], feature: NDArray[np.uint16], cut: NDArray[np.uint8]) -> NDArray[np.intp]:
    """The leaf of every row, from 0 to 7."""
    node = (columns[:, feature[0]] > cut[0]).astype(np.intp)
    for level in range(1, DEPTH):
        first = 2**level - 1
        above = np.zeros(len(node), dtype=bool)
        for i in range(2**level):
            above |= (node == i) & (columns[:, feature[first + i]] > cut[first + i])
        node = 2 * node + above
    return np.asarray(node, dtype=np.intp)


def _grow(
    at: NDArray[np.intp], columns: NDArray[np.uint8], slope: NDArray[np.float64], bend: NDArray[np.float64]
) -> tuple[NDArray[np.uint16], NDArray[np.uint8], NDArray[np.float32]]:
    n, d = at.shape
    feature, cut = np.zeros(_NODES, dtype=np.uint16), np.full(_NODES, CELLS - 1, dtype=np.uint8)
    node = np.zeros(n, dtype=np.intp)
    slopes, bends = np.repeat(slope, d), np.repeat(bend, d)
    unit = float(bend.mean())
    for level in range(DEPTH):
        width = 2**level
        key = (at + (node * (d * CELLS))[:, None]).ravel()
        shape = (width, d, CELLS)
        g = np.bincount(key, weights=slopes, minlength=width * d * CELLS).reshape(shape)
        h = np.bincount(key, weights=bends, minlength=width * d * CELLS).reshape(shape)
        best, where = _best(g, h, unit)
        first = width - 1
        split = best > 0
        feature[first : first + width] = np.where(split, where // CELLS, 0)
        cut[first : first + width] = np.where(split, where % CELLS, CELLS - 1)
        node = 2 * node + (columns[np.arange(n), feature[first + node]] > cut[first + node])
    g_leaf = np.bincount(node, weights=slope, minlength=_LEAVES)
    h_leaf = np.bincount(node, weights=bend, minlength=_LEAVES)
    return feature, cut, (_RATE * g_leaf / (h_leaf + _PRIOR_ROWS * unit)).astype(np.float32)


def _best(g: NDArray[np.float64], h: NDArray[np.float64], unit: float) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Gain and place of the best cut of every node."""
    left_g, left_h = np.cumsum(g, axis=2), np.cumsum(h, axis=2)
    all_g, all_h = left_g[:, :1, -1:], left_h[:, :1, -1:]
    right_g, right_h = all_g - left_g, all_h - left_h
    prior = _PRIOR_ROWS * unit
    gain = left_g**2 / (left_h + prior) + right_g**2 / (right_h + prior) - all_g**2 / (all_h + prior)
    gain[(left_h < _LEAST_ROWS * unit) | (right_h < _LEAST_ROWS * unit)] = 0.0
    flat = gain.reshape(len(gain), -1)
    where = flat.argmax(axis=1)
    return flat[np.arange(len(flat)), where], where


NO_TREES = Trees(
    feature=np.empty((0, _NODES), dtype=np.uint16),
    cut=np.empty((0, _NODES), dtype=np.uint8),
    value=np.empty((0, _LEAVES), dtype=np.float32),
)
