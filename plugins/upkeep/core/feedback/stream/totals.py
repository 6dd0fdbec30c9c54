"""Weighted sums over pairs, and the metrics with standard errors that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns
from upkeep.core.feedback.stream.estimate import Estimate, undefined
from upkeep.core.feedback.stream.outcomes import Outcomes
from upkeep.core.feedback.stream.tallies import Tallies


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Totals:
    """Horvitz-Thompson totals of some pairs, and their estimated variances.

    Attributes
    ----------
    cells, cell_spread : ndarray, shape (cells,)
        Estimated number of pairs per cell, and its variance. Cells are disjoint and pairs are sampled without correlation,
        so the variance of a sum over cells is the sum of theirs.
    losses : ndarray, shape (losses,)
    loss_spread : ndarray, shape (losses, 2)
        Covariance with the number of pairs, and variance.
    """

    outcomes: Outcomes
    cells: NDArray[np.int64] = field(repr=False)
    losses: NDArray[np.float64] = field(repr=False)
    cell_spread: NDArray[np.float64] = field(repr=False)
    loss_spread: NDArray[np.float64] = field(repr=False)

    @classmethod
    def of(cls, outcomes: Outcomes, tallies: Tallies, rows: slice, buckets: slice) -> Totals:
        """Sums over some slots and buckets."""
        return cls(
            outcomes=outcomes,
            cells=tallies.cells[rows, buckets].sum(axis=(0, 1)),
            losses=tallies.losses[rows, buckets].sum(axis=(0, 1)) * outcomes.units,
            cell_spread=tallies.cell_spread[rows, buckets].sum(axis=(0, 1)),
            loss_spread=tallies.loss_spread[rows, buckets].sum(axis=(0, 1)),
        )

    @classmethod
    def of_pairs(cls, outcomes: Outcomes, pairs: Columns) -> Totals:
        """Sums over pairs at hand."""
        none, one = np.zeros(len(pairs["label"]), dtype=np.int64), Tallies.empty(outcomes, slots=1, buckets=1)
        return cls.of(outcomes, one.add(outcomes, none, pairs | {"bucket": none}), slice(None), slice(None))

    @property
    def pairs(self) -> Estimate:
        """Pairs with a label."""
        return self._sum(np.ones(len(self.cells)))

    @property
    def correct(self) -> Estimate:
        """Pairs that were predicted right; undefined for a regressor."""
        if self.outcomes.kind == "regression":
            return undefined()
        return self._sum(self._confusion(np.eye(self._classes)))

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Estimated pairs per label (first axis) and prediction, shape (classes, classes)."""
        return np.asarray(self.cells.reshape(self._classes, self._classes, -1).sum(axis=2))

    def loss(self, name: str) -> Estimate:
        """Sum of a loss: log_loss or brier; bias, absolute or squared of a regressor's errors."""
        at = self.outcomes.losses.index(name)
        return Estimate(value=float(self.losses[at]), error=math.sqrt(max(0.0, self.loss_spread[at, 1])))

    def metrics(self) -> dict[str, Estimate]:
        """Names as in `upkeep.core.feedback.metrics`; those of several classes are means over the classes that have one.

        Notes
        -----
        The standard errors are those of the linearised ratios. The ROC AUC takes scores of one bin as tied.
        """
        if self.outcomes.kind == "regression":
            squared = self._mean(2)
            root = math.sqrt(squared.value) if squared.value >= 0 else math.nan
            rmse = Estimate(value=root, error=squared.error / (2 * root) if root else squared.error)
            return {"mae": self._mean(1), "rmse": rmse, "bias": self._mean(0)}
        found = self._classified()
        if self.outcomes.kind == "binary":
            found["roc_auc"] = self._roc_auc()
            found |= {name: self._mean(at) for at, name in enumerate(self.outcomes.losses)}
        return found

    def _classified(self) -> dict[str, Estimate]:
        one = np.eye(self._classes)
        asked = [1] if self.outcomes.kind == "binary" else range(self._classes)
        hits = [np.outer(one[k], one[k]) for k in asked]
        called = [np.tile(one[k], (self._classes, 1)) for k in asked]
        held = [np.tile(one[k][:, None], (1, self._classes)) for k in asked]
        return {
            "accuracy": self._mean_ratio([(one, np.ones_like(one))]),
            "precision": self._mean_ratio(list(zip(hits, called, strict=True))),
            "recall": self._mean_ratio(list(zip(hits, held, strict=True))),
            "f1": self._mean_ratio([(2 * hit, c + h) for hit, c, h in zip(hits, called, held, strict=True)]),
        }

    @property
    def _classes(self) -> int:
        return 2 if self.outcomes.kind == "binary" else self.outcomes.classes

    def _confusion(self, per_pair: NDArray[np.float64]) -> NDArray[np.float64]:
        """A coefficient per label and prediction as one per cell."""
        return np.repeat(per_pair.reshape(-1), len(self.cells) // per_pair.size)

    def _sum(self, coefficient: NDArray[np.float64]) -> Estimate:
        variance = float(coefficient**2 @ self.cell_spread)
        return Estimate(value=float(coefficient @ self.cells), error=math.sqrt(max(0.0, variance)))

    def _mean_ratio(self, shares: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Estimate:
        """Mean of the quotients that have something below."""
        values, gradients = [], []
        for per_pair in shares:
            above, below = (self._confusion(part) for part in per_pair)
            size = float(below @ self.cells)
            if size > 0:
                values.append(float(above @ self.cells) / size)
                gradients.append((above - values[-1] * below) / size)
        if not values:
            return undefined()
        return Estimate(value=float(np.mean(values)), error=self._sum(np.mean(gradients, axis=0)).error)

    def _roc_auc(self) -> Estimate:
        negative, positive = self.cells.reshape(2, 2, -1).sum(axis=1)
        negatives, positives = int(negative.sum()), int(positive.sum())
        if not negatives or not positives:
            return undefined()
        under = (np.cumsum(negative) - negative / 2) / negatives
        over = (positives - np.cumsum(positive) + positive / 2) / positives
        value = float(positive @ under) / positives
        gradient = np.stack([(over - value) / negatives, (under - value) / positives])
        return Estimate(value=value, error=self._sum(np.repeat(gradient, 2, axis=0).reshape(-1)).error)

    def _mean(self, at: int) -> Estimate:
        """A loss per pair."""
        pairs = float(self.cells.sum())
        if not pairs:
            return undefined()
        value = float(self.losses[at]) / pairs
        between, own = self.loss_spread[at].tolist()
        variance = own - 2 * value * between + value**2 * float(self.cell_spread.sum())
        return Estimate(value=value, error=math.sqrt(max(0.0, variance)) / pairs)
