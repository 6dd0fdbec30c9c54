"""Boosted trees of a residual on coded rows: scikit-learn grows them, numbers keep them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.packing import pack, unpack
from upkeep.core.profile.stored import are_numbers, damaged, fields

_RATE, _LEAVES, _LEAST_ROWS = 0.1, 31, 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forest:
    """A sum of trees.

    Attributes
    ----------
    mean : float
        What the sum starts from.
    roots : ndarray of int32, shape (trees,)
        The first node of every tree; its nodes end where the next tree begins.
    feature, cut, left, right, value : ndarray, shape (nodes,)
        Rows whose code of `feature` is above `cut` go to node `right`, others to `left`; a leaf has both -1 and adds `value`.
    """

    mean: float
    roots: NDArray[np.int32]
    feature: NDArray[np.uint16]
    cut: NDArray[np.uint8]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float32]

    @classmethod
    def fit(cls, codes: NDArray[np.uint8], outcome: NDArray[np.float64], *, trees: int) -> Forest:
        """Least-squares boosting of `outcome`, shape (n,), on `codes`, shape (n, d).

        Notes
        -----
        scikit-learn's histogram boosting at the size that LightGBM has by default: 31 leaves of at least 20 rows, rate 0.1. It
        has no public view of its trees; the node arrays read here are those that its own prediction walks, and a
        test holds both predictions against each other.
        """
        from sklearn.ensemble import HistGradientBoostingRegressor

        model = HistGradientBoostingRegressor(
            learning_rate=_RATE,
            max_iter=trees,
            max_leaf_nodes=_LEAVES,
            min_samples_leaf=_LEAST_ROWS,
            early_stopping=False,
            random_state=0,
        ).fit(codes, outcome)
        grown = [stage[0].nodes for stage in model._predictors]
        roots = np.cumsum([0, *(len(nodes) for nodes in grown[:-1])]).astype(np.int32)
        nodes = np.concatenate(grown)
        leaf = nodes["is_leaf"].astype(bool)
        first = np.repeat(roots, [len(tree) for tree in grown])
        threshold = np.where(leaf, 0.0, nodes["num_threshold"])
        return cls(
            mean=float(np.ravel(model._baseline_prediction)[0]),
            roots=roots,
            feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.uint16),
            cut=np.floor(threshold).astype(np.uint8),  # codes are whole, so halves between them say the same
            left=np.where(leaf, -1, first + nodes["left"].astype(np.int64)).astype(np.int32),
            right=np.where(leaf, -1, first + nodes["right"].astype(np.int64)).astype(np.int32),
            value=nodes["value"].astype(np.float32),
        )

    def expected(self, codes: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The mean and what all trees add, shape (m,)."""
        columns = np.asfortranarray(codes)
        total = np.full(len(codes), self.mean)
        for root in self.roots:
            total += self.value[self._leaf(columns, root)]
        return total

    def _leaf(self, columns: NDArray[np.uint8], root: int) -> NDArray[np.intp]:
        node = np.full(len(columns), root, dtype=np.intp)
        moving = np.flatnonzero(self.left[node] >= 0)
        while len(moving):
            at = node[moving]
            above = columns[moving, self.feature[at]] > self.cut[at]
            node[moving] = np.where(above, self.right[at], self.left[at])
            moving = moving[self.left[node[moving]] >= 0]
        return node

    def to_json(self) -> dict[str, Any]:
        names = ("roots", "feature", "cut", "left", "right", "value")
        return {"mean": self.mean} | {name: pack(getattr(self, name)) for name in names}

    @classmethod
    def from_json(cls, record: object, columns: int) -> Forest:
        """Inverse of `to_json`; InputError unless the trees are whole and of so many columns."""
        names = ("roots", "feature", "cut", "left", "right", "value")
        held: Mapping[str, Any] = fields("a stored forest", record, ["mean", *names])
        parts = {name: unpack(held[name]) for name in names}
        types = {"roots": "i4", "feature": "u2", "cut": "u1", "left": "i4", "right": "i4", "value": "f4"}
        typed = all(parts[name].ndim == 1 and parts[name].dtype == np.dtype(kind) for name, kind in types.items())
        if not are_numbers([held["mean"]]) or not typed or not _is_forest(parts, columns):
            raise damaged(f"a stored forest must be of whole trees over {columns} columns", list(held))
        return cls(mean=float(held["mean"]), **parts)


def _is_forest(parts: dict[str, NDArray[Any]], columns: int) -> bool:
    """Every node but a root has one parent, of a smaller number: so walks end."""
    left, right, roots = parts["left"], parts["right"], parts["roots"]
    nodes = len(parts["value"])
    if any(len(parts[name]) != nodes for name in ("feature", "cut", "left", "right")):
        return False
    here, inner = np.arange(nodes), left >= 0
    down = (left[inner] > here[inner]).all() and (right[inner] > here[inner]).all() and (right[~inner] < 0).all()
    once = np.array_equal(np.sort(np.concatenate([roots, left[inner], right[inner]])), here)
    return bool(down and once and (parts["feature"] < columns).all())
