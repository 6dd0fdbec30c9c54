"""The shift of a window: what moves of all sizes make of it, each counted by how well it explains the labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.partial.cells import Cells
from upkeep.core.feedback.partial.laplace import Mode, Prior, loadings
from upkeep.core.feedback.partial.shift import CELL_SPREADS, CELL_SPREADS_BEFORE, MOVES, Shift

#: What explains a window so much less well than the best is left out.
_LEAST = 1e-3
_RARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Blend:
    """A mixture of normal laws of the effects.

    Attributes
    ----------
    weights : ndarray of float, shape (j,)
    means : ndarray of float, shape (j, effects, k - 1)
    covariance : ndarray of float, shape (d, d), d = effects (k - 1)
        Of the whole mixture: within its parts and between them.
    carried : Shift
        For the next window.
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    covariance: NDArray[np.float64]
    carried: Shift

    def shifts(self, features: NDArray[np.float64], cells: Cells) -> Iterator[tuple[float, NDArray[np.float64]]]:
        """Weight of each part and the shift of every row by it, shape (m, k - 1); features of shape (m, p)."""
        load = loadings(features.shape[1], self.carried.own, cells.owner, len(cells.buckets))
        for weight, effects in zip(self.weights, self.means, strict=True):
            per_cell = np.einsum("gep,ek->gpk", load, effects, optimize=True)
            yield float(weight), np.einsum("rp,rpk->rk", features, per_cell[cells.cell])

    def gradient(self, slope: NDArray[np.float64], features: NDArray[np.float64], cells: Cells) -> NDArray[np.float64]:
        """Slope in the effects of a sum whose slopes in the shift of each row are given, shape (m, k - 1); shape (d,)."""
        load = loadings(features.shape[1], self.carried.own, cells.owner, len(cells.buckets))
        each = [
            [np.bincount(cells.cell, weights=f * s, minlength=len(cells.owner)) for s in slope.T] for f in features.T
        ]
        return np.asarray(np.einsum("gep,pag->ea", load, np.array(each), optimize=True).ravel())

    def spread(self, slope: NDArray[np.float64], features: NDArray[np.float64], cells: Cells) -> float:
        """Variance of such a sum: the delta method."""
        gradient = self.gradient(slope, features, cells)
        return float(gradient @ self.covariance @ gradient)

    def less_sure(self, pulls: NDArray[np.float64]) -> Blend:
        """The same when errors of a standard deviation each, independent, pull at the effects; pulls of shape (j, d)."""
        moved = pulls @ self.covariance
        covariance = self.covariance + moved.T @ moved
        own = len(self.carried.covariance)
        carried = replace(self.carried, covariance=covariance[:own, :own])
        return replace(self, covariance=covariance, carried=carried)


def blend(before: Shift, cells: int, explain: Callable[[Prior, NDArray[np.float64] | None], Mode]) -> Blend:
    """Fit every size of a move and of the differences between cells; weigh them by prior and evidence.

    Parameters
    ----------
    before : Shift
        Of the buckets of this window.
    cells : int
    explain : function of (Prior, ndarray or None) to Mode
        What a window says, given what was believed before it; the second is where to begin.

    Notes
    -----
    The shift is a random walk whose step has heavy tails: a normal law of one of the sizes in `MOVES`, with chances that
    the life's own windows have taught. A quiet life pools its windows, and one window with enough labels still tells a
    jump. The mixture is carried on as one normal law of its mean and covariance (generalised pseudo-Bayes of first
    order [1]_).

    References
    ----------
    .. [1] Ackerson & Fu (1970). On state estimation in switching environments. IEEE Trans. Autom. Control 15.
    """
    modes: list[Mode] = []
    for move, spread in product(MOVES, CELL_SPREADS):
        modes.append(explain(before.prior(move, spread, cells), modes[-1].mean if modes else None))
    believed = np.log(np.outer(before.move_chances, CELL_SPREADS_BEFORE)).ravel()
    belief = believed + np.array([mode.log_evidence for mode in modes])
    weights = np.exp(belief - belief.max())
    weights /= weights.sum()
    moved_by = weights.reshape(len(MOVES), -1).sum(axis=1)
    kept = np.flatnonzero(weights >= _LEAST)
    weights = weights[kept] / weights[kept].sum()
    means = np.stack([modes[at].mean for at in kept])
    mean = weights @ means
    within = sum(weight * modes[at].covariance for weight, at in zip(weights, kept, strict=True))
    covariance = np.asarray(within + np.einsum("j,ja,jb->ab", weights, means - mean, means - mean))
    own = len(before.covariance)
    return Blend(
        weights=weights,
        means=means.reshape(len(kept), -1, before.coordinates),
        covariance=covariance,
        carried=replace(
            before,
            mean=mean[:own].reshape(before.mean.shape),
            covariance=covariance[:own, :own],
            moves=before.moves + moved_by,
            windows=before.windows + 1,
        ),
    )


def unmoved(before: Shift, cells: Cells) -> Blend:
    """What is believed of a window that says nothing: the shift as carried, less certain by one more move.

    The rarest large moves, together less likely than one in ten, are left out: the law of a window without a jump is not widened
    by the chance of one, which its assumption names. Before the first window with labels the only error is the reference's,
    and that is one of each cell by itself: as much as its share of the reference's information leaves.
    """
    share = cells.shares
    own, inner = len(before.covariance), len(share) * before.coordinates
    covariance = np.zeros((own + inner, own + inner))
    later = before.covariance
    if before.windows:
        usual = np.cumsum(before.move_chances) - before.move_chances < 1 - _RARE
        chances = before.move_chances[usual] / before.move_chances[usual].sum()
        later = before.after_move(float(np.sqrt(chances @ np.array(MOVES)[usual] ** 2)))
        covariance[:own, :own] = later
    elif later.any():
        first = before.features * before.coordinates
        information = np.diag(np.linalg.inv(later[:first, :first]))[: before.coordinates]
        covariance[own:, own:] = np.diag(1 / np.outer(share, information).ravel())
    means = np.concatenate([before.mean.ravel(), np.zeros(inner)])
    return Blend(
        weights=np.ones(1),
        means=means.reshape(1, -1, before.coordinates),
        covariance=covariance,
        carried=replace(before, covariance=later),
    )
