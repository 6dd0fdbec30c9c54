"""Exact numbers of rows for a share: how many of them are right is binomial."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from upkeep.core.gate.bounds.ends import End, reaching, settles, whole
from upkeep.core.gate.bounds.hoeffding import entropy
from upkeep.core.gate.bounds.lattice import log_tail


def rows_at(end: End) -> int:
    """Smallest number of rows from which on a share that is `end.truth` keeps to `end`.

    A measured share that equals the limit counts as an error, on either side.

    Examples
    --------
    >>> rows_at(End(truth=0.9, limit=0.95, log_tests=math.log(32 / 0.0001)))
    626
    """
    return _rows(end, bounded=False)


def rows_bounded(end: End, low: float, high: float) -> int:
    """The same for a mean of values in [low, high], whatever their distribution, by Bentkus' inequality.

    The mean's tail is at most e times that of a share with the same mean, its sum rounded towards the truth [1]_. Where
    Hoeffding's inequality with the relative entropy needs fewer rows, it decides.

    References
    ----------
    .. [1] Bentkus (2004). On Hoeffding's inequalities. Ann. Probab. 32, 1650-1673. Theorem 1.2; as used by Bates et al.
       (2021). Distribution-free, risk-controlling prediction sets. J. ACM 68. Proposition 4.

    Examples
    --------
    >>> end = End(truth=0.1, limit=0.05, log_tests=math.log(32 / 0.0001))
    >>> rows_at(end), rows_bounded(end, 0.0, 1.0)
    (626, 726)
    """
    truth, limit = ((value - low) / (high - low) for value in (end.truth, end.limit))
    return _rows(End(truth=truth, limit=limit, log_tests=end.log_tests), bounded=True)


def rows_anywhere(tolerance: float, log_tests: float) -> int:
    """Smallest number of rows from which on a share, whatever it is, is measured within the tolerance, on either side alone.

    Notes
    -----
    For each number of rows the worst share is ``k / rows - tolerance`` for some k; its error is smooth in k with one
    top, near shares of 1/2.

    Examples
    --------
    >>> rows_anywhere(0.1, math.log(32 / 0.01))
    302
    """
    if tolerance >= 1.0:
        return 1
    most = whole(log_tests / (2.0 * tolerance**2))
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _worst(middle, tolerance) <= -log_tests else (middle, high)
    later = [rows for rows in range(high, min(high + 24, most)) if _worst(rows, tolerance) > -log_tests]
    return later[-1] + 1 if later else high


def upper(share: float, rows: int, log_tests: float) -> float:
    """Clopper and Pearson's upper bound on a share measured on so many rows; it fails with probability e^-log_tests.

    Examples
    --------
    >>> round(upper(0.05, 5000, math.log(1000)), 4)
    0.0602
    """
    missing = rows - round(share * rows)
    if not missing:
        return 1.0
    low, high = 1.0 - missing / rows, 1.0
    while high - low > 1e-12:
        middle = (low + high) / 2.0
        # as few successes or fewer is as many failures or more
        low, high = (low, middle) if log_tail(rows, missing, 1.0 - middle, 0.0) <= -log_tests else (middle, high)
    return high


def most_hits(draws: int, share: float, log_tests: float) -> int:
    """Smallest number that the hits among so many draws exceed with probability e^-log_tests at most.

    Examples
    --------
    >>> most_hits(1000, 0.1, math.log(100))
    123
    """
    low, high = -1, draws
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if log_tail(draws, middle + 1, share, 0.0) <= -log_tests else (middle, high)
    return high


def _rows(end: End, bounded: bool) -> int:
    truth, limit = end.truth, end.limit
    if limit < truth:
        truth, limit = 1.0 - truth, 1.0 - limit
    if truth <= 0.0 or limit > 1.0 or truth >= 1.0:
        return 1  # such a truth, or such a measured mean, there is not
    if limit > 1.0 - 1e-9:
        return whole(end.log_tests / -math.log(truth))

    def log_error(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        if bounded:
            return 1.0 + log_tail(rows, np.floor(rows * limit - 1e-9), truth, 0.0)
        return log_tail(rows, reaching(rows, limit), truth, 0.0)

    tilt = math.log(limit / (1.0 - limit) * (1.0 - truth) / truth)
    return settles(log_error, end.log_tests, entropy(limit, truth), tilt)


def _worst(rows: int, tolerance: float) -> float:
    """Logarithm of the largest error over all shares."""
    first, last = math.floor(rows * tolerance) + 1, rows
    while last - first > 64:
        at = np.linspace(first, last, 33).astype(np.int64)
        best = int(np.argmax(_errors(rows, at, tolerance)))
        first, last = int(at[max(best - 1, 0)]), int(at[min(best + 1, 32)])
    return float(np.max(_errors(rows, np.arange(first, last + 1), tolerance), initial=-math.inf))


def _errors(rows: int, sums: NDArray[np.int64], tolerance: float) -> NDArray[np.float64]:
    shares = sums / rows - tolerance
    errors: NDArray[np.float64] = np.where(
        shares > 0.0, log_tail(rows, sums, np.clip(shares, 1e-300, 1.0), 0.0), -np.inf
    )
    return errors
