"""Buckets of coded rows: alike within, diverse between, each with support; a thin one says what its parent says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.packing import pack, unpack
from upkeep.core.profile.stored import damaged, fields
from upkeep.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Buckets:
    """A tree over coded rows; each leaf is a bucket.

    At inner node i rows whose code of column `feature[i]` is above `cut[i]` go to node `right[i]`, others to `left[i]`, all of
    shape (nodes,); a leaf has `left` -1. `mean` and `rows` are the outcome and the rows of the reference in every node, inner
    ones too, `parent` is the node above, -1 for the root.
    """

    feature: NDArray[np.int32]
    cut: NDArray[np.int32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    parent: NDArray[np.int32]
    mean: NDArray[np.float64]
    rows: NDArray[np.int32]

    @classmethod
    def of_scores(cls, codes: NDArray[np.uint8], outcome: NDArray[np.float64], buckets: int) -> Buckets:
        """Buckets of equal mass on one column of codes, shape (n,): a chain of cuts from below."""
        ordered = np.sort(codes)
        cuts = np.unique(ordered[np.arange(1, buckets) * len(ordered) // buckets]).astype(np.int32)
        cuts = cuts[cuts > ordered[0]] - 1 if len(ordered) else cuts
        inner, nodes = len(cuts), 2 * len(cuts) + 1
        left, right = np.full(nodes, -1, dtype=np.int32), np.full(nodes, -1, dtype=np.int32)
        cut = np.zeros(nodes, dtype=np.int32)
        left[0 : 2 * inner : 2], right[0 : 2 * inner : 2] = np.arange(1, nodes, 2), np.arange(2, nodes + 1, 2)[:inner]
        cut[0 : 2 * inner : 2] = cuts
        return cls._filled(codes[:, None], outcome, np.zeros(nodes, dtype=np.int32), cut, left, right)

    @classmethod
    def of_loss(
        cls, codes: NDArray[np.uint8], outcome: NDArray[np.float64], *, leaves: int, least: int, alpha: float
    ) -> Buckets:
        """The regression tree of the outcome with at most so many leaves, each of at least `least` rows.

        Parameters
        ----------
        codes : ndarray of uint8, shape (n, d)
        outcome : ndarray of float, shape (n,)
        leaves, least : int
            What may be stored, and the support that a bucket needs.
        alpha : float
            Share of the outcome's variance by which every leaf must lower the squared error (cost-complexity pruning).
        """
        from sklearn.tree import DecisionTreeRegressor

        most, pruned = max(2, leaves), alpha * float(outcome.var())
        fitted = DecisionTreeRegressor(max_leaf_nodes=most, min_samples_leaf=least, ccp_alpha=pruned, random_state=0)
        tree = fitted.fit(codes, outcome).tree_
        feature = np.maximum(tree.feature, 0).astype(np.int32)
        cut = np.floor(tree.threshold).astype(np.int32)  # codes are whole, so halves between them say the same
        left, right = tree.children_left.astype(np.int32), tree.children_right.astype(np.int32)
        return cls._filled(codes, outcome, feature, cut, left, right)

    @classmethod
    def _filled(
        cls,
        codes: NDArray[np.uint8],
        outcome: NDArray[np.float64],
        feature: NDArray[np.int32],
        cut: NDArray[np.int32],
        left: NDArray[np.int32],
        right: NDArray[np.int32],
    ) -> Buckets:
        nodes = len(feature)
        parent = np.full(nodes, -1, dtype=np.int32)
        inner = np.flatnonzero(left >= 0)
        parent[left[inner]], parent[right[inner]] = inner, inner
        leaf = _leaves(codes, feature, cut, left, right)
        rows = np.bincount(leaf, minlength=nodes)
        total = np.bincount(leaf, weights=outcome, minlength=nodes)
        for node in range(nodes - 1, 0, -1):  # children have larger numbers than their parent
            rows[parent[node]] += rows[node]
            total[parent[node]] += total[node]
        return cls(
            feature=feature,
            cut=cut,
            left=left,
            right=right,
            parent=parent,
            mean=total / np.maximum(rows, 1),
            rows=rows.astype(np.int32),
        )

    @property
    def leaves(self) -> int:
        return int((self.left < 0).sum())

    def of(self, codes: NDArray[np.uint8]) -> NDArray[np.intp]:
        """The leaf of every row, shape (m,)."""
        return _leaves(codes, self.feature, self.cut, self.left, self.right)

    def expected(self, codes: NDArray[np.uint8], *, least: int = 1) -> NDArray[np.float64]:
        """The reference's mean outcome in each row's bucket, shape (m,).

        Its mean over rows is the importance weighting of [1]_: the sum over buckets of live share x reference mean. Rows of a
        bucket that holds fewer than `least` reference rows get the mean of the first node above with as many.

        References
        ----------
        .. [1] Shankar & Parameswaran (2021). Towards observability for machine learning pipelines. Section 3.2.2.

        Examples
        --------
        The paper's two buckets of accuracy .8 and .5; 100 live rows in the first, 500 in the second.

        >>> codes = np.repeat([0, 1], 10).astype(np.uint8)
        >>> buckets = Buckets.of_scores(codes, np.array([1.0] * 8 + [0] * 2 + [1] * 5 + [0] * 5), buckets=2)
        >>> float(buckets.expected(np.repeat([0, 1], [100, 500]).astype(np.uint8)[:, None]).mean())
        0.55
        """
        source = np.arange(len(self.parent))
        for _ in range(len(source)):
            thin = (self.rows[source] < least) & (self.parent[source] >= 0)
            if not thin.any():
                break
            source = np.where(thin, self.parent[source], source)
        return np.asarray(self.mean[source[self.of(codes)]])

    def to_json(self) -> dict[str, Any]:
        names = ("feature", "cut", "left", "right", "parent", "mean", "rows")
        return {name: pack(getattr(self, name)) for name in names}

    @classmethod
    def from_json(cls, record: object, columns: int) -> Buckets:
        """Inverse of `to_json`; InputError unless it is a tree over so many columns."""
        names = ("feature", "cut", "left", "right", "parent", "mean", "rows")
        held: Mapping[str, Any] = fields("stored buckets", record, names)
        parts = {name: unpack(held[name]) for name in names}
        nodes = len(parts["mean"])
        shaped = nodes > 0 and all(part.shape == (nodes,) for part in parts.values())
        if not shaped or not _is_tree(parts, columns):
            raise damaged(f"stored buckets must be a tree over {columns} columns", list(held))
        return cls(**parts)


def _leaves(
    codes: NDArray[np.uint8],
    feature: NDArray[np.int32],
    cut: NDArray[np.int32],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
) -> NDArray[np.intp]:
    if codes.shape[1] <= feature.max(initial=0):
        raise InputError(f"rows must have at least {int(feature.max()) + 1} columns, got {codes.shape[1]}.")
    node = np.zeros(len(codes), dtype=np.intp)
    moving = np.flatnonzero(left[node] >= 0)
    while len(moving):
        at = node[moving]
        above = codes[moving, feature[at]] > cut[at]
        node[moving] = np.where(above, right[at], left[at])
        moving = moving[left[node[moving]] >= 0]
    return node


def _is_tree(parts: dict[str, NDArray[Any]], columns: int) -> bool:
    left, right, feature = parts["left"], parts["right"], parts["feature"]
    here = np.arange(len(left))
    inner = left >= 0
    children = np.concatenate([left[inner], right[inner]])
    down = (left[inner] > here[inner]).all() and (right[inner] > here[inner]).all()
    whole = len(np.unique(children)) == len(children) == len(left) - 1 and children.max(initial=0) < len(left)
    return bool(down and whole and (feature >= 0).all() and (feature < columns).all())
