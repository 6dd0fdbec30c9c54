"""Intervals for shares."""

from __future__ import annotations

import math

from scipy.special import betaincinv


def clopper_pearson(correct: int, rows: int, alpha: float) -> tuple[float, float]:
    """Exact two-sided interval of a share; (0, 1) without rows.

    Parameters
    ----------
    correct, rows : int
    alpha : float
        Chance that the interval misses the true share; at most alpha/2 on either side.

    Notes
    -----
    Rows are independent with one chance of being correct [1]_.

    References
    ----------
    .. [1] Clopper & Pearson (1934). The use of confidence or fiducial limits. Biometrika 26.

    Examples
    --------
    >>> [round(end, 4) for end in clopper_pearson(8, 10, 0.05)]
    [0.4439, 0.9748]
    """
    low = float(betaincinv(correct, rows - correct + 1, alpha / 2)) if correct else 0.0
    high = float(betaincinv(correct + 1, rows - correct, 1 - alpha / 2)) if correct < rows else 1.0
    return low, high


def weighted_radius(squared_weights: float, alpha: float) -> float:
    """Half-width around a weighted sum of independent values in [0, 1]: Hoeffding (1963), theorem 2.

    Examples
    --------
    >>> round(weighted_radius(1 / 400, 0.05), 4)
    0.0679
    """
    return math.sqrt(math.log(2 / alpha) * squared_weights / 2)
