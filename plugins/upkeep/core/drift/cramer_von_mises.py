"""The root mean square difference of two distribution functions, and its law for equal sources."""

from __future__ import annotations

import math
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from upkeep.core.drift.divergence import Divergence, NullLaw, square_high, square_low

#: Of two sources without common ground: the difference rises to 1 and falls again.
LARGEST = math.sqrt(1 / 3)
_INTERVALS, _NODES = 16, 24  # of the quadrature: ten digits wherever the law has any mass


def cramer_von_mises(
    reference: NDArray[np.int64], current: NDArray[np.int64], single: NDArray[np.bool_], alpha: float
) -> Divergence:
    """sqrt of the mean of (F - G)^2 over (F + G)/2, from the counts of both sides.

    Parameters
    ----------
    reference, current : ndarray of int, each shape (cells,)
        Rows per cell, some on each side.
    single : ndarray of bool, shape (cells,)
        Cells of one value: how their ties are broken is a convention, not an error of the grid.
    alpha : float

    Notes
    -----
    Within a cell F - G is taken as linear in (F + G)/2, as if ties were broken evenly. For equal sources that is the
    Brownian bridge's expectation given its values at the cuts. The covariance of an expectation is the smaller one, hence
    all its eigenvalues are, hence the statistic is stochastically smaller than the one without ties: the p-value is
    conservative in the limit, for any cells and atoms. With n m/(n+m) times its square as statistic this is the two-sample
    test of Anderson (1962), but for equal weights of F and G: so the distance of two sources does not depend on how many
    rows were drawn from each. `grid_error` holds as neither function can leave its straight line by more than its own
    share of the cell, and they leave it in opposite directions.
    """
    p, q = reference / reference.sum(), current / current.sum()
    rate = 1 / float(reference.sum()) + 1 / float(current.sum())
    weight = (p + q) / 2
    at = np.concatenate([[0.0], np.cumsum(p - q)])
    at[-1] = 0.0
    before, after = at[:-1], at[1:]
    within = (before**2 + before * after + after**2) / 3
    square = float(weight @ within)
    # The square's derivative by each difference at a cut, summed over the cuts that a cell's share counts for.
    slope = np.cumsum((weight * (before + 2 * after) / 3)[::-1])[::-1]
    slope[:-1] += np.cumsum((weight * (2 * before + after) / 3)[:0:-1])[::-1]
    variance = _variance(within / 2 + slope, p) / float(reference.sum())
    variance += _variance(within / 2 - slope, q) / float(current.sum())
    known = (square, variance, rate, null_law(alpha), alpha)
    error = 2 * math.sqrt(float(weight[~single] @ np.minimum(p, q)[~single] ** 2))
    statistic = min(math.sqrt(square), LARGEST)
    return Divergence(
        name="cramer_von_mises",
        statistic=statistic,
        low=min(statistic, max(0.0, math.sqrt(square_low(*known)) - error)),
        high=min(LARGEST, math.sqrt(square_high(*known)) + error),
        p_value=null_tail(square / rate),
        grid_error=error,
    )


def _variance(gradient: NDArray[np.float64], shares: NDArray[np.float64]) -> float:
    return float((gradient - gradient @ shares) ** 2 @ shares)


def null_tail(x: float) -> float:
    """Chance that the integral of a squared Brownian bridge exceeds x.

    Notes
    -----
    Smirnov's formula: 2/pi times the alternating sum over j = 1, 2, ... of the integrals of
    exp(-x t^2/2) / sqrt(-t sin t) over ((2j-1) pi, 2j pi). Both ends of each are singular like an inverse root, which
    is the weight of Gauss-Chebyshev quadrature.

    References
    ----------
    .. [1] Smirnov (1936). Sur la distribution de ω². C. R. Acad. Sci. Paris 202.
    .. [2] Anderson & Darling (1952). Asymptotic theory of certain "goodness of fit" criteria. Ann. Math. Stat. 23.

    Examples
    --------
    >>> round(null_tail(0.46136), 4), round(null_tail(0.74346), 4)
    (0.05, 0.01)
    """
    if x < 0.005:  # beyond it lie all but 2e-11 of the mass
        return 1.0
    squares, weights = _quadrature()
    return min(1.0, max(0.0, float(np.exp(-x / 2 * squares) @ weights)))


@cache
def _quadrature() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Squared nodes and signed weights, so that the tail is one dot product."""
    angle = (np.arange(_NODES) + 0.5) * math.pi / _NODES
    j = np.arange(1, _INTERVALS + 1)[:, None]
    t = (2 * j - 0.5) * math.pi + np.cos(angle) * math.pi / 2
    weight = np.sin(angle) * (math.pi / 2) / np.sqrt(-t * np.sin(t)) * (math.pi / _NODES)
    return (t**2).ravel(), (np.where(j % 2, 2, -2) / math.pi * weight).ravel()


@lru_cache(maxsize=64)
def null_law(alpha: float) -> NullLaw:
    """Mean and outer quantiles of the integral of a squared Brownian bridge."""
    x, tail = _table()
    least, most = np.interp([1 - alpha / 2, alpha / 2], tail, x)
    return NullLaw(mean=1 / 6, least=float(least), most=float(most))


@cache
def _table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The tail at points so dense that straight lines between them are right to four digits."""
    squares, weights = _quadrature()
    x = np.geomspace(100, 0.005, 1000)
    return x, np.exp(np.multiply.outer(-x / 2, squares)) @ weights
