"""Distances that compare the shares of groups: PSI, Kullback-Leibler, Jensen-Shannon, Hellinger, Cramér, total variation."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, chdtri, kl_div, ndtri

from upkeep.core.drift.divergence import Divergence, NullLaw, square_high, square_low

#: Number columns are compared in this many groups of about equal reference mass: what PSI's thresholds are meant for.
GROUPS = 10

#: The distances' largest values.
BOUNDS = {
    "psi": math.inf,
    "kl": math.inf,
    "jensen_shannon": 1.0,
    "hellinger": 1.0,
    "cramers_v": 1.0,
    "total_variation": 1.0,
}
#: What behaves like a squared length, and how the distance follows from it.
_SQUARES: dict[str, Callable[[float], float]] = {
    "psi": float,
    "kl": float,
    "jensen_shannon": math.sqrt,
    "hellinger": math.sqrt,
    "cramers_v": math.sqrt,
}


def grouped(reference: NDArray[np.int64], current: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Neighbouring cells taken together in at most ten groups, by the tenth of the reference that a cell's middle lies in.

    Parameters
    ----------
    reference, current : ndarray of int, each shape (cells,)
        Rows per cell; the reference has some.

    Returns
    -------
    reference, current : ndarray of int, each shape (10,)

    Notes
    -----
    A value with a cell of its own is never split, so one that holds three tenths of the reference leaves groups empty.

    Examples
    --------
    >>> grouped(np.array([5, 5, 30, 5, 5]), np.array([1, 2, 3, 4, 5]))[1].tolist()
    [1, 2, 0, 0, 0, 3, 0, 0, 4, 5]
    """
    middle = (np.cumsum(reference) - reference / 2) * (GROUPS / reference.sum())
    first = np.searchsorted(middle, np.arange(GROUPS + 1))
    first[0], first[-1] = 0, len(reference)
    return _sums(reference, first), _sums(current, first)


def _sums(counts: NDArray[np.int64], first: NDArray[np.intp]) -> NDArray[np.int64]:
    up_to = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=up_to[1:])
    return np.diff(up_to[first])


def f_divergences(reference: NDArray[np.int64], current: NDArray[np.int64], alpha: float) -> tuple[Divergence, ...]:
    """The distances of two samples counted into the same groups, each with its interval and p-value.

    Parameters
    ----------
    reference, current : ndarray of int, each shape (groups,)
        Rows per group, some on each side.
    alpha : float
        Chance that an interval misses the sources' distance, for each distance by itself.

    Notes
    -----
    Groups without rows on both sides are left out. For PSI and KL (of the reference from the current rows, in nats)
    half a row is added to each group of each side, the Krichevsky-Trofimov estimate of shares [1]_. While a group of
    one side has no rows its share may be zero, so these two have no upper end then. The other statistics are those of the
    plain shares; but where groups are of few rows Jensen-Shannon and Hellinger of plain shares are far too large, so their
    lower ends and p-values have the half row, too, and all gradients are taken there.
    Jensen-Shannon is the square root of the divergence in bits, Hellinger that of 1 - sum sqrt(pq). Cramér's V is
    sqrt(chi2/(n+m)) of the 2 x groups table, the largest possible value being 1; it depends on n/m as well, so compare it only
    among windows of alike size. The square of each (PSI and KL themselves) is smooth and at equal sources like a constant
    times the chi-squared statistic of homogeneity, constant by the divergence's curvature at 1 [2]_.

    References
    ----------
    .. [1] Krichevsky & Trofimov (1981). The performance of universal encoding. IEEE Trans. Inf. Theory 27.
    .. [2] Salicrú, Morales, Menéndez & Pardo (1994). On the applications of divergence type measures in testing
       statistical hypotheses. J. Multivar. Anal. 51.
    """
    held = (reference > 0) | (current > 0)
    a, b = reference[held].astype(np.float64), current[held].astype(np.float64)
    n, m, k = float(a.sum()), float(b.sum()), max(len(a) - 1, 1)
    rate = 1 / n + 1 / m
    p, q = _smooth(a), _smooth(b)
    cramer = n * m / (n + m) ** 2 * float((a / n - b / m) ** 2 @ ((n + m) / (a + b)))
    logarithmic = _logarithmic(p, q)
    values = (*logarithmic, *_bounded(a / n, b / m), cramer)
    wary = (*logarithmic, *_bounded(p, q), cramer)
    by_p, by_q = _gradients(p, q, n / (n + m))
    variances = (_variances(by_p, p) / n + _variances(by_q, q) / m).tolist()
    law = NullLaw(mean=k, least=float(chdtri(k, 1 - alpha / 2)), most=float(chdtri(k, alpha / 2)))
    units = (rate, rate / 2, rate / 8 / math.log(2), rate / 8, 1 / (n + m))
    empty = (not (a.all() and b.all()), not b.all(), False, False, False)
    found = []
    for name, value, least, variance, unit, endless in zip(
        _SQUARES, values, wary, variances, units, empty, strict=True
    ):
        low = min(value, square_low(least, variance, unit, law, alpha))
        high = math.inf if endless else square_high(value, variance, unit, law, alpha)
        statistic, low, high = (min(_SQUARES[name](d), BOUNDS[name]) for d in (value, low, high))
        p_value = float(chdtrc(k, least / unit))
        found.append(Divergence(name=name, statistic=statistic, low=low, high=high, p_value=p_value))
    return (*found, _total_variation(a, b, alpha))


def _smooth(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = (counts + 0.5) / (counts.sum() + 0.5 * len(counts))
    return shares


def _logarithmic(p: NDArray[np.float64], q: NDArray[np.float64]) -> tuple[float, float]:
    """PSI and KL."""
    return float((p - q) @ np.log(p / q)), float(kl_div(p, q).sum())


def _bounded(p: NDArray[np.float64], q: NDArray[np.float64]) -> tuple[float, float]:
    """Squared Jensen-Shannon distance in bits, squared Hellinger distance; shares may be 0."""
    middle = (p + q) / 2
    shannon = float((kl_div(p, middle) + kl_div(q, middle)).sum()) / (2 * math.log(2))
    return shannon, float(((np.sqrt(p) - np.sqrt(q)) ** 2).sum()) / 2


def _gradients(
    p: NDArray[np.float64], q: NDArray[np.float64], w: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Derivatives by the shares of either side, each shape (5, groups), up to a constant; w is the first side's weight."""
    ratio, middle, both = q / p, (p + q) / 2, w * p + (1 - w) * q
    of_p, of_q, logs = p / both, q / both, np.log(ratio)
    pooled = w * of_p**2 + (1 - w) * of_q**2  # its mean over the pooled rows is chi2/(n+m) + 1
    bits = 2 * math.log(2)
    by_p = [-logs - ratio, -logs, np.log(p / middle) / bits, -np.sqrt(ratio) / 2, w * (2 * of_p - pooled)]
    by_q = [logs - 1 / ratio, -1 / ratio, np.log(q / middle) / bits, -1 / np.sqrt(ratio) / 2]
    return np.array(by_p), np.array([*by_q, (1 - w) * (2 * of_q - pooled)])


def _variances(gradient: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Variance of a drawn group's derivative, per divergence."""
    centred: NDArray[np.float64] = gradient - (gradient @ shares)[:, None]
    variances: NDArray[np.float64] = centred**2 @ shares
    return variances


def _total_variation(a: NDArray[np.float64], b: NDArray[np.float64], alpha: float) -> Divergence:
    """Half the summed differences of shares.

    It is the supremum of linear functions of the shares, each with a variance of at most (1/n + 1/m)/4. So above it
    exceeds the truth by its mean for equal sources and a normal part at most (Borell-Tsirelson-Ibragimov-Sudakov),
    and falls below it by the normal part alone.
    """
    n, m = a.sum(), b.sum()
    p, q = _smooth(a), _smooth(b)
    statistic = float(np.abs(a / n - b / m).sum() / 2)
    bias = float(np.sqrt((p * (1 - p) / n + q * (1 - q) / m) * (2 / math.pi)).sum() / 2)
    radius = float(ndtri(1 - alpha / 2)) * math.sqrt(1 / n + 1 / m) / 2
    return Divergence(
        name="total_variation",
        statistic=statistic,
        low=max(0.0, statistic - bias - radius),
        high=min(1.0, statistic + radius),
        p_value=None,
    )
