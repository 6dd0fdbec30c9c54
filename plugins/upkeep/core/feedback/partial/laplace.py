"""The shift that explains a window best, how certain it is, and how well it explains."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.partial.contrasts import contrasts
from upkeep.core.feedback.partial.evidence import Evidence, moved, still_pending

_STEPS = 50
_CLOSE = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prior:
    """Normal law of the effects before the window, flattened from shape (effects, k - 1)."""

    mean: NDArray[np.float64]
    precision: NDArray[np.float64]
    log_determinant: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mode:
    """Normal law of the effects after it, and the log of the chance of what was seen."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    log_evidence: float


def loadings(features: int, own: int, owner: NDArray[np.int64], buckets: int) -> NDArray[np.float64]:
    """How effects act on the coefficients of a cell: shape (cells, effects, features).

    The effects are those of the features; of the first `own` features in each bucket by itself; and one per cell on the
    first feature, which is 1.
    """
    cells = len(owner)
    found = np.zeros((cells, features + own * buckets + cells, features))
    found[:, np.arange(features), np.arange(features)] = 1
    for at in range(own):
        found[np.arange(cells), features + own * owner + at, at] = 1
    found[np.arange(cells), features + own * buckets + np.arange(cells), 0] = 1
    return found


def fit(evidence: Evidence, prior: Prior, start: NDArray[np.float64] | None = None) -> Mode:
    """Laplace's approximation at the largest posterior density, found by damped Newton steps.

    Notes
    -----
    The log-likelihood of a block is sum_k counts_k log pi_k + pending log sum_k pi_k silence_k; the density of the delay
    of a label that is in does not hold pi. With rho_k = P(class k | pending) its slope in the log odds is
    counts - rows pi + pending rho. Setting it to zero is the fixed point of the EM algorithm [1]_, which fills in rho.

    References
    ----------
    .. [1] Dempster, Laird & Rubin (1977). Maximum likelihood from incomplete data. J. Roy. Stat. Soc. B 39.
    """
    surface = _Surface(evidence, prior)
    at = prior.mean.copy() if start is None else start.copy()
    height = surface.height(at)
    for _ in range(_STEPS):
        slope, curvature = surface.slope_and_curvature(at)
        step = np.linalg.solve(curvature, slope)
        gain = float(slope @ step)
        if gain < _CLOSE:
            break
        length, reached = 1.0, surface.height(at + step)
        while reached < height and length > 1e-4:
            length /= 2
            reached = surface.height(at + length * step)
        if reached <= height:
            break
        at, height = at + length * step, reached
    _, curvature = surface.slope_and_curvature(at)
    _, determinant = np.linalg.slogdet(curvature)
    return Mode(
        mean=at,
        covariance=np.asarray(np.linalg.inv(curvature), dtype=np.float64),
        log_evidence=height + (prior.log_determinant - float(determinant)) / 2,
    )


class _Surface:
    """Log posterior density of the effects for one window and one prior."""

    def __init__(self, evidence: Evidence, prior: Prior) -> None:
        self._seen, self._prior = evidence, prior
        self._contrast = contrasts(evidence.logs.shape[1])
        self._squares = np.stack([np.outer(row, row).ravel() for row in self._contrast])
        self._loads = loadings(evidence.features.shape[1], evidence.own, evidence.owner, evidence.buckets)
        self._filled, self._first = np.unique(evidence.cell, return_index=True)

    def height(self, at: NDArray[np.float64]) -> float:
        seen, off = self._seen, at - self._prior.mean
        chances = self._chances(at)
        silent = np.log((chances * seen.silence).sum(axis=1))
        said = float((seen.counts * np.log(np.maximum(chances, 1e-300))).sum() + seen.pending @ silent)
        return said - float(off @ self._prior.precision @ off) / 2

    def slope_and_curvature(self, at: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        seen = self._seen
        chances = self._chances(at)
        silent = still_pending(chances, seen.silence)
        rows = seen.counts.sum(axis=1) + seen.pending
        slope = seen.counts - rows[:, None] * chances + seen.pending[:, None] * silent
        gradient = self._gather_slope(slope @ self._contrast) - self._prior.precision @ (at - self._prior.mean)
        spread = self._spread(chances)
        bend = rows[:, None, None] * spread - seen.pending[:, None, None] * self._spread(silent)
        curvature = self._prior.precision + self._gather(bend)
        if not _positive(curvature):  # pending rows can make the surface bend upwards; labels alone never do
            curvature = self._prior.precision + self._gather((rows - seen.pending)[:, None, None] * spread)
        return gradient, curvature

    def _chances(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        seen = self._seen
        effects = at.reshape(self._loads.shape[1], -1)
        per_cell = self._loads.transpose(0, 2, 1) @ effects
        shift = (seen.features[:, None, :] @ per_cell[seen.cell])[:, 0]
        return moved(seen.logs, shift, self._contrast)

    def _spread(self, chances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Covariance of the class indicator in contrast coordinates, shape (r, k - 1, k - 1)."""
        mean = chances @ self._contrast
        square = (chances @ self._squares).reshape(len(mean), mean.shape[1], mean.shape[1])
        return np.asarray(square - mean[:, :, None] * mean[:, None, :])

    def _gather_slope(self, slope: NDArray[np.float64]) -> NDArray[np.float64]:
        per_cell = self._sums(self._seen.features[:, :, None] * slope[:, None, :])
        return np.tensordot(self._loads, per_cell, axes=([0, 2], [0, 1])).ravel()

    def _gather(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        f = self._seen.features
        per_cell = self._sums((f[:, :, None] * f[:, None, :])[:, :, :, None, None] * weight[:, None, None])
        half = self._loads @ per_cell.reshape(*per_cell.shape[:2], -1)  # g e (q a b)
        half = half.reshape(*half.shape[:2], *per_cell.shape[2:])
        whole = np.tensordot(half, self._loads, axes=([0, 2], [0, 2]))  # e a b f
        size = self._loads.shape[1] * weight.shape[1]
        return np.asarray(whole.transpose(0, 1, 3, 2).reshape(size, size))

    def _sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        sums = np.zeros((len(self._loads), *values.shape[1:]))
        if len(values):
            sums[self._filled] = np.add.reduceat(values, self._first, axis=0)
        return sums


def _positive(matrix: NDArray[np.float64]) -> bool:
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return False
    return math.isfinite(float(matrix.sum()))
