"""Buckets of rows that a model does about equally well on, found by a tree and named by what it asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Table
from upkeep.core.drift.adversary_cells import cell_numbers
from upkeep.core.feedback.checks import check_labels, check_scores
from upkeep.core.profile.cells import CategoryCells
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.retrain.bucket_names import bucket_names
from upkeep.core.retrain.kitagawa import Decomposition, kitagawa
from upkeep.errors import InputError

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

FORMAT = 1
#: Rows of the reference in a bucket, at least; half of the reference grows the tree.
LEAST_ROWS = 50
FEWEST_HELD_OUT = 4 * LEAST_ROWS
_BINS, _TOP = 64, 20
_WHOLE = ("column", "left", "right", "rows", "correct")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LossBuckets:
    """A tree over the cells of the features and of the model's score, and the reference's rows in its leaves.

    A score bucket mixes rows that the model does well and badly on if its scores are off there; when such rows become
    more, the bucket's accuracy falls though no row is answered otherwise, and a shift of the rows looks like one of
    the concept. Buckets alike within [1]_ keep the two apart as far as the reference has rows to tell.

    Attributes
    ----------
    grid : ReferenceGrid
    ranks : tuple of ndarray, each shape (cells + 1,)
        Per column the order of its cells, the last for "no value": that of the numbers, or of the categories' accuracy.
    column, left, right : ndarray of int, shape (nodes,)
        `column` is -1 in a leaf, and `left` is then its bucket.
    cut : ndarray, shape (nodes,)
        Ranks up to this go left.
    rows, correct : ndarray of int, shape (buckets,)
        Reference rows that took no part in growing the tree.
    threshold : float
        A row is predicted 1 if its score is at least this.

    References
    ----------
    .. [1] Shankar & Parameswaran (2021). Towards observability for machine learning pipelines. Section 3.2.2.
    """

    grid: ReferenceGrid
    ranks: tuple[Floats, ...]
    column: Ints
    left: Ints
    right: Ints
    cut: Floats
    rows: Ints
    correct: Ints
    threshold: float

    @classmethod
    def fit(
        cls,
        table: Table,
        scores: Floats,
        labels: NDArray[Any],
        *,
        threshold: float = 0.5,
        buckets: int = 20,
        seed: int = 0,
    ) -> LossBuckets:
        """Grow the tree on one half of the held-out rows, count the other half in its leaves.

        Parameters
        ----------
        table : mapping of str to ndarray or Coded, each shape (n,)
            Features of labelled rows that the model was not trained on.
        scores, labels : ndarray, shape (n,)
            P(label = 1), and 0 or 1.
        buckets : int
            Leaves at most.
        seed : int
            Draws the halves.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> miles = rng.uniform(0, 10, 4000)
        >>> wrong = rng.random(4000) < np.where(miles < 8, 0.1, 0.5)
        >>> found = LossBuckets.fit({"miles": miles}, np.full(4000, 0.9), (~wrong).astype(int), buckets=2)
        >>> len(found.names), bool(found.correct[0] / found.rows[0] > 0.85 > found.correct[1] / found.rows[1])
        (2, True)
        """
        from sklearn.tree import DecisionTreeRegressor

        score = check_scores(scores)
        right = (score >= threshold) == (check_labels(labels) == 1)
        if len(right) < FEWEST_HELD_OUT:
            raise InputError(
                f"buckets must have at least {FEWEST_HELD_OUT} held-out rows to be found on, got {len(right)}."
            )
        grid = ReferenceGrid.fit({**table, "score": score}, bins=_BINS, top=_TOP)
        numbers = cell_numbers(grid, {**table, "score": score})
        grown = np.random.default_rng(seed).permutation(len(right)) < len(right) // 2
        ranks = _ranks(grid, numbers[grown], right[grown])
        least = max(LEAST_ROWS, int(grown.sum()) // (4 * buckets))
        tree = DecisionTreeRegressor(max_leaf_nodes=buckets, min_samples_leaf=least, random_state=seed)
        tree.fit(_ranked(ranks, numbers[grown]), right[grown].astype(float))
        shape = tree.tree_
        leaf = shape.feature < 0
        made = cls(
            grid=grid,
            ranks=ranks,
            column=np.where(leaf, -1, shape.feature).astype(np.int64),
            left=np.where(leaf, np.cumsum(leaf) - 1, shape.children_left).astype(np.int64),
            right=shape.children_right.astype(np.int64),
            cut=np.where(leaf, 0.0, shape.threshold),
            rows=np.zeros(0, np.int64),
            correct=np.zeros(0, np.int64),
            threshold=threshold,
        )
        at = made._leaves(numbers[~grown])
        many = int(leaf.sum())
        correct = np.bincount(at[right[~grown]], minlength=many)
        return replace(made, rows=np.bincount(at, minlength=many), correct=correct)

    @property
    def columns(self) -> tuple[str, ...]:
        """The features that `of` needs."""
        return tuple(name for name in self.grid.cells if name != "score")

    @property
    def names(self) -> tuple[str, ...]:
        """What the tree asks of the rows of each bucket."""
        return bucket_names(self.grid, self.ranks, self.column, self.left, self.right, self.cut)

    def of(self, table: Table, scores: Floats) -> Ints:
        """Bucket number per row, shape (m,)."""
        return self._leaves(cell_numbers(self.grid, {**table, "score": scores}))

    def parts(self, at: Ints, scores: Floats, labels: Floats) -> Decomposition:
        """The parts of a window's change of accuracy.

        Parameters
        ----------
        at : ndarray of int, shape (m,)
            What `of` says.
        scores, labels : ndarray of float, shape (m,)
            A label is NaN while pending; within a bucket, the known ones stand for the others, and in buckets without
            a label the reference does.
        """
        known = ~np.isnan(check_labels(labels))
        right = known & ((check_scores(scores) >= self.threshold) == (labels == 1))
        live, seen, correct = (
            np.bincount(at[mask], minlength=len(self.rows)) for mask in (known | ~known, known, right)
        )
        before = self.correct / np.maximum(self.rows, 1)
        share = np.where(seen > 0, correct / np.maximum(seen, 1), before)
        return kitagawa(
            reference_rows=self.rows,
            reference_correct=self.correct,
            live_rows=live,
            live_correct=np.minimum(live * share, live),
            live_known=seen,
            names=self.names,
        )

    def to_json(self) -> dict[str, Any]:
        """All of it as builtins."""
        arrays = {name: getattr(self, name).tolist() for name in (*_WHOLE, "cut")}
        ranks = [rank.tolist() for rank in self.ranks]
        return {"format": FORMAT, "grid": self.grid.to_json(), "ranks": ranks, "threshold": self.threshold} | arrays

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> LossBuckets:
        """Inverse of `to_json`; InputError for another format."""
        if record.get("format") != FORMAT:
            raise InputError(
                f"stored loss buckets must have format {FORMAT}, got {record.get('format')!r}. Train again."
            )
        return cls(
            grid=ReferenceGrid.from_json(record["grid"]),
            ranks=tuple(np.asarray(rank, dtype=np.float64) for rank in record["ranks"]),
            threshold=record["threshold"],
            cut=np.asarray(record["cut"], dtype=np.float64),
            **{name: np.asarray(record[name], dtype=np.int64) for name in _WHOLE},
        )

    def _leaves(self, numbers: NDArray[np.uint16]) -> Ints:
        ranked, node = _ranked(self.ranks, numbers), np.zeros(len(numbers), dtype=np.int64)
        rows = np.arange(len(numbers))
        while len(rows):
            rows = rows[self.column[node[rows]] >= 0]
            here = node[rows]
            goes_left = ranked[rows, self.column[here]] <= self.cut[here]
            node[rows] = np.where(goes_left, self.left[here], self.right[here])
        return self.left[node]


def _ranked(ranks: tuple[Floats, ...], numbers: NDArray[np.uint16]) -> Floats:
    return np.stack([rank[numbers[:, j]] for j, rank in enumerate(ranks)], axis=1)


def _ranks(grid: ReferenceGrid, numbers: NDArray[np.uint16], right: NDArray[np.bool_]) -> tuple[Floats, ...]:
    """Cells in the order that a tree may cut: of categories that of accuracy, drawn to the mean by 10 rows."""
    found: list[Floats] = []
    for j, cells in enumerate(grid.cells.values()):
        order = np.arange(cells.size + 1)
        if isinstance(cells, CategoryCells):
            rows = np.bincount(numbers[:, j], minlength=cells.size + 1)
            correct = np.bincount(numbers[right, j], minlength=cells.size + 1)
            order = np.argsort(np.argsort((correct + 10 * right.mean()) / (rows + 10), kind="stable"), kind="stable")
        found.append(order.astype(np.float64))
    return tuple(found)
