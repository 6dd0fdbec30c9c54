"""How far values moved, in the column's own measure: the Wasserstein distance from counts."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from upkeep.core.drift.divergence import Divergence


def wasserstein(
    reference: NDArray[np.int64], current: NDArray[np.int64], cuts: NDArray[np.float64], alpha: float
) -> Divergence:
    """Area between the two distribution functions in interquartile ranges of the reference.

    Parameters
    ----------
    reference, current : ndarray of int, each shape (cuts + 1,)
        Rows below the first cut, between neighbouring cuts, and at or above the last; some on each side.
    cuts : ndarray, shape (cuts,), ascending
    alpha : float

    Notes
    -----
    Values beyond the outermost cuts count as lying there: the distance is that of the clipped sources, and has an end even
    where a source has no mean. Within a cell both functions are taken as straight; the true ones leave these lines by
    half the cell's share times its width at most, the sum being `grid_error`. The reference's interquartile range is a
    unit of measure here, taken as given; if more than half of the rows hold one value it is their mean difference.

    The distance is the supremum of the differences of means of all functions with slope at most 1 [1]_. No such mean
    varies more than the identity's, so the normal part has variance var(X)/n + var(Y)/m at most, and what the
    supremum adds is on average at most the integral of the standard error of F - G, times sqrt(2/pi), for any two sources
    (Borell-Tsirelson-Ibragimov-Sudakov for the limiting Gaussian process [2]_). So low takes off both, and high adds the first.

    References
    ----------
    .. [1] Kantorovich & Rubinstein (1958). On a space of completely additive functions. Vestnik Leningrad Univ. 13.
    .. [2] Boucheron, Lugosi & Massart (2013). Concentration Inequalities, theorem 5.8. Oxford.
    """
    if not len(cuts):  # a reference column without numbers: one cell, in which nothing can be told apart
        return Divergence(name="wasserstein", statistic=0.0, low=0.0, high=0.0, p_value=None)
    n, m = float(reference.sum()), float(current.sum())
    points, unit = _scaled(cuts, reference)
    width = np.diff(points)
    p, q = reference / n, current / m
    f, g = np.cumsum(p)[:-1], np.cumsum(q)[:-1]
    statistic = float(width @ _mean_absolute(f - g))
    noise = np.sqrt(np.maximum(f * (1 - f), 0) / n + np.maximum(g * (1 - g), 0) / m)
    bias = math.sqrt(2 / math.pi) * float(width @ (noise[:-1] + noise[1:])) / 2
    radius = float(ndtri(1 - alpha / 2)) * math.sqrt(_variance(points, p) / n + _variance(points, q) / m)
    error = float(width @ (p[1:-1] + q[1:-1])) / 2
    return Divergence(
        name="wasserstein",
        statistic=statistic / unit,
        low=max(0.0, statistic - error - bias - radius) / unit,
        high=max(statistic, min(float(points[-1] - points[0]), statistic + error + radius)) / unit,
        p_value=None,
        grid_error=error / unit,
    )


def reach(cuts: NDArray[np.float64], reference: NDArray[np.int64]) -> float:
    """The largest distance there can be: all rows from one outermost cut to the other."""
    points, unit = _scaled(cuts, reference)
    return float(points[-1] - points[0]) / unit


def _scaled(cuts: NDArray[np.float64], reference: NDArray[np.int64]) -> tuple[NDArray[np.float64], float]:
    """Cuts over their largest size, so that no difference overflows, and the unit of measure on that scale."""
    if not len(cuts):
        return np.zeros(1), 1.0
    largest = float(np.abs(cuts).max())
    points = cuts / largest if largest else cuts
    rows = float(reference.sum())
    if not rows:
        return points, float(points[-1] - points[0]) or 1.0
    share = np.cumsum(reference)[:-1] / rows
    lower, upper = np.interp([0.25, 0.75], share, points)
    between = share * (1 - share)
    difference = float(np.diff(points) @ (between[:-1] + between[1:]))
    return points, float(upper - lower) or difference or 1.0


def _mean_absolute(difference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of |d| along each straight piece between neighbours."""
    a, b = np.abs(difference[:-1]), np.abs(difference[1:])
    crossing = difference[:-1] * difference[1:] < 0
    split = np.divide(a * a + b * b, a + b, out=np.zeros_like(a), where=crossing)
    return np.where(crossing, split, a + b) / 2


def _variance(points: NDArray[np.float64], shares: NDArray[np.float64]) -> float:
    """Variance of the clipped values is at most this: a cell's rows lie at its ends, half at each."""
    middle = np.concatenate([points[:1], (points[:-1] + points[1:]) / 2, points[-1:]])
    half = np.concatenate([[0.0], np.diff(points) / 2, [0.0]])
    centre = float(shares @ middle)
    return float(shares @ ((middle - centre) ** 2 + half**2))
