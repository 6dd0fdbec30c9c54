"""One-pass logistic regression "live or reference?" by sparse, diagonal Newton steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from upkeep.core.drift.adversary_features import Features, Seen
from upkeep.core.drift.adversary_weights import Floats, Moved, Weights

#: Noise that the weight of a product must exceed, in standard errors, and rows of evidence for zero it starts with.
_PAIR_THRESHOLD, _PAIR_PRIOR = 3.0, 20.0
#: Rows that the length of a step is chosen on.
_STEP_ROWS = 1024
_LONGEST = 1e3


@dataclass(frozen=True, kw_only=True, eq=False)
class Learner:
    """Weights of the functions of cells, shape (d, K), and of the products of scores, shape (q, q).

    Notes
    -----
    Each batch moves every weight by its gradient over its summed curvature, an online Newton step with the diagonal of
    the Hessian, cast as a sum so that small weights can be left out (follow the regularised leader; McMahan 2011). Where
    columns go together such steps add up to too long a one, so the step of all cells, and then that of all products, is
    multiplied by what fits the batch best, over the square root of the batches seen, and never by more than one. Old
    batches fade.
    """

    features: Features
    cells: Weights
    products: Weights
    moved: Moved

    @classmethod
    def start(cls, features: Features) -> Learner:
        d, size, functions = features.functions.shape
        q = len(features.sources)
        return cls(
            features=features,
            cells=Weights.none(d, functions),
            products=Weights.none(q, q),
            moved=Moved(cells=np.zeros((d, size)), products=np.zeros((q, q)), rows=0.0),
        )

    @cached_property
    def cell_weights(self) -> Floats:
        return self.cells.values(self.features.threshold * self._noise, self.features.prior)

    @cached_property
    def product_weights(self) -> Floats:
        return np.where(self.features.paired, self.products.values(_PAIR_THRESHOLD * self._noise, _PAIR_PRIOR), 0.0)

    @cached_property
    def table(self) -> Floats:
        """What each cell adds to the log-odds, shape (d, C)."""
        return np.asarray((self.features.functions @ self.cell_weights[:, :, None])[:, :, 0])

    def log_odds(self, flat: NDArray[np.intp]) -> Floats:
        """Log-odds of "live" of rows given by their cells, shape (n, d)."""
        return _alone(self.table, flat) + _pairs(self.features, self.product_weights, flat)

    def learn(self, live: Seen, scored: Floats, reference: Seen, weights: Floats, keep: float = 1.0) -> Learner:
        """One step on n live rows, whose log-odds are `scored`, and n reference rows, which count as `weights`."""
        rows, d = live.cells.shape
        before = (scored, self.log_odds(reference.cells))
        residuals = (expit(-before[0]), -weights * expit(before[1]))
        gradients = (
            self._by_function(
                self._held(live, np.repeat(residuals[0], d)) + self._held(reference, np.repeat(residuals[1], d))
            ),
            self._product_gradient(live, residuals[0]) + self._product_gradient(reference, residuals[1]),
        )
        held = self._held(live, None)
        curvatures = (
            ((held + rows * self.features.mass)[:, None, :] @ self.features.squares)[:, 0] / 4,
            rows * self.features.variance / 2,
        )
        moved = self._moved(held, live.scores, keep)
        full = self._after(gradients, curvatures, moved, (1.0, 1.0), keep)
        some = slice(None, None, max(1, 2 * rows // _STEP_ROWS))
        steps = full._steps_from(self, (live[some], reference[some]), (before[0][some], before[1][some]), weights[some])
        calm = math.sqrt(1.0 + self.moved.rows / rows)
        taken = (min(1.0, steps[0] / calm), min(1.0, steps[1] / calm))
        return full if taken == (1.0, 1.0) else self._after(gradients, curvatures, moved, taken, keep)

    def _steps_from(
        self, old: Learner, rows: tuple[Seen, Seen], odds: tuple[Floats, Floats], weights: Floats
    ) -> tuple[float, float]:
        """The best multiples of the way from the old weights to these: of cells, and given that, of products."""
        table, products = self.table - old.table, self.product_weights - old.product_weights
        alone = (_alone(table, rows[0].cells), _alone(table, rows[1].cells))
        pairs = (_pairs(self.features, products, rows[0].cells), _pairs(self.features, products, rows[1].cells))
        first = best_step(odds, alone, weights)
        short = min(1.0, first)
        return first, best_step((odds[0] + short * alone[0], odds[1] + short * alone[1]), pairs, weights)

    def faded(self, rows: float) -> Learner:
        """The same, as if learned from no more than so many rows."""
        keep = min(1.0, rows / max(self.moved.rows, 1.0))
        return Learner(
            features=self.features,
            cells=self.cells.faded(keep),
            products=self.products.faded(keep),
            moved=self.moved.faded(keep),
        )

    def separations(self) -> Floats:
        """How far each column moves the mean log-odds of live rows from that of the reference, shape (d,).

        Notes
        -----
        If the log-odds are right, the sum is the symmetrised Kullback-Leibler divergence (Jeffreys) of the two
        sources. What a pair of columns adds is given half to either.
        """
        rows = max(self.moved.rows, 1.0)
        alone = (self.table * self.moved.cells).sum(axis=1) / rows
        pairs = self.product_weights * self.moved.products / rows
        halves = (pairs.sum(axis=0) + pairs.sum(axis=1)) / 2
        return np.asarray(alone + np.bincount(self.features.sources, weights=halves, minlength=len(alone)))

    @property
    def _noise(self) -> float:
        """Standard error of what was learned over that from fresh rows: a reference row that is used again adds none."""
        return math.sqrt((1.0 + max(1.0, self.moved.rows / self.features.rows)) / 2)

    def _held(self, rows: Seen, counts: Floats | None) -> Floats:
        """Sum over the rows of what each cell counts, shape (d, C); one if not given."""
        held = np.bincount(rows.cells.ravel(), weights=counts, minlength=self.table.size)
        return np.asarray(held, dtype=np.float64).reshape(self.table.shape)

    def _by_function(self, held: Floats) -> Floats:
        return np.asarray((held[:, None, :] @ self.features.functions)[:, 0])

    def _product_gradient(self, rows: Seen, residual: Floats) -> Floats:
        products = (rows.scores * residual[:, None].astype(np.float32)).T @ rows.scores
        return np.asarray(products - residual.sum() * self.features.together)

    def _after(
        self,
        gradients: tuple[Floats, Floats],
        curvatures: tuple[Floats, Floats],
        moved: Moved,
        steps: tuple[float, float],
        keep: float,
    ) -> Learner:
        return Learner(
            features=self.features,
            cells=self.cells.after(self.cell_weights, gradients[0], curvatures[0], steps[0], keep),
            products=self.products.after(self.product_weights, gradients[1], curvatures[1], steps[1], keep),
            moved=moved,
        )

    def _moved(self, held: Floats, scores: NDArray[np.float32], keep: float) -> Moved:
        rows = len(scores)
        old = self.moved.faded(keep)
        return Moved(
            cells=old.cells + (held - rows * self.features.mass),
            products=old.products + (scores.T @ scores - rows * self.features.together),
            rows=old.rows + rows,
        )


def best_step(before: tuple[Floats, Floats], along: tuple[Floats, Floats], weights: Floats) -> float:
    """The multiple of `along` that, added to the log-odds `before`, gives the least loss; from 0 to 1000.

    Both are given for live and for reference rows, and the latter count as `weights`.

    Examples
    --------
    >>> live, reference = np.array([1.0, 1.0, 1.0, -1.0]), np.zeros(4)
    >>> round(best_step((reference, reference), (live / 2, reference), np.ones(4)), 6)  # log-odds of 3 in 4, log 3
    2.197225
    """
    step = 0.0
    for _ in range(6):
        live, reference = (expit(odds + step * more) for odds, more in zip(before, along, strict=True))
        curve = float((live * (1 - live)) @ along[0] ** 2 + (weights * reference * (1 - reference)) @ along[1] ** 2)
        if curve < 1e-12:
            return step or _LONGEST
        slope = float((1 - live) @ along[0] - (weights * reference) @ along[1])
        step = min(max(step + slope / curve, 0.0), _LONGEST)
    return step


def _alone(table: Floats, flat: NDArray[np.intp]) -> Floats:
    return np.asarray(table.astype(np.float32).ravel().take(flat).sum(axis=1), dtype=np.float64)


def _pairs(features: Features, products: Floats, flat: NDArray[np.intp]) -> Floats:
    used = np.flatnonzero(products.any(axis=0) | products.any(axis=1))  # of most scores no product counts
    if not len(used):
        return np.zeros(len(flat))
    scores, among = features.scored(flat, used), products[np.ix_(used, used)].astype(np.float32)
    odds = np.einsum("ij,ij->i", scores @ among, scores).astype(np.float64)
    return np.asarray(odds - float((products * features.together).sum()))
