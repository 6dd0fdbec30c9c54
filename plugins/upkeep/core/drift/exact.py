"""The exact two-sample Kolmogorov-Smirnov test, for when the rows themselves are at hand."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, kolmogorov

#: Up to this many pairs of rows the p-value is counted out; beyond, its limit is right to three digits.
_COUNTED = 1_000_000
_CANCELLED = 1e-9  # 1 minus a sum of doubles near 1 is noise below this


@dataclass(frozen=True, slots=True, kw_only=True)
class KolmogorovSmirnov:
    """Largest difference of two empirical distribution functions, and how likely one as large is for equal sources."""

    statistic: float
    p_value: float
    reference_rows: int
    current_rows: int


def exact_ks(
    reference: NDArray[np.floating] | NDArray[np.integer], current: NDArray[np.floating] | NDArray[np.integer]
) -> KolmogorovSmirnov:
    """The distance from all rows instead of from the cells of a grid.

    Parameters
    ----------
    reference : ndarray, shape (n,)
    current : ndarray, shape (m,)
        Numbers; NaN is left out, infinities count as the values furthest out.

    Notes
    -----
    Up to n m = 1e6 the p-value is exact for sources without ties and conservative with ties; it counts the lattice paths that
    stay within the distance [1]_. Beyond, or for one below 1e-9, it is Kolmogorov's limit. A side without values gives
    statistic 0 and p-value 1. The work is two sorts: rows and results are the same in any order.

    References
    ----------
    .. [1] Hodges (1958). The significance probability of the Smirnov two-sample test. Arkiv för Matematik 3.

    Examples
    --------
    >>> exact_ks(np.array([1.0, 2, 3, 4]), np.array([3.0, 4, 5, 6])).statistic
    0.5
    """
    a, b = _ordered(reference), _ordered(current)
    n, m = len(a), len(b)
    if not n or not m:
        return KolmogorovSmirnov(statistic=0.0, p_value=1.0, reference_rows=n, current_rows=m)
    # In units of 1/(nm) the difference is a whole number, so that no path is counted out by a rounding.
    furthest = max(
        int(np.abs(np.arange(1, n + 1)[_last(a)] * m - np.searchsorted(b, a[_last(a)], side="right") * n).max()),
        int(np.abs(np.searchsorted(a, b[_last(b)], side="right") * m - np.arange(1, m + 1)[_last(b)] * n).max()),
    )
    statistic = furthest / (n * m)
    return KolmogorovSmirnov(statistic=statistic, p_value=_p_value(furthest, n, m), reference_rows=n, current_rows=m)


def _ordered(values: NDArray[np.floating] | NDArray[np.integer]) -> NDArray[np.floating] | NDArray[np.integer]:
    if values.dtype.kind == "f":
        values = values[~np.isnan(values)]
    return np.sort(values)


def _last(ordered: NDArray[np.floating] | NDArray[np.integer]) -> NDArray[np.bool_]:
    """True at the last of equal values, where the distribution function has its value."""
    return np.append(ordered[1:] != ordered[:-1], True)


def _p_value(furthest: int, n: int, m: int) -> float:
    if n * m <= _COUNTED:
        exact = 1 - _share_within(furthest, min(n, m), max(n, m))
        if exact > _CANCELLED:
            return min(1.0, exact)
    return float(kolmogorov(furthest / (n * m) / math.sqrt(1 / n + 1 / m)))


def _share_within(furthest: int, n: int, m: int) -> float:
    """Share of the paths from (0, 0) to (n, m) on which |i m - j n| stays below `furthest`."""
    j = np.arange(m + 1) * n
    paths, scale = (j < furthest).astype(np.float64), 0.0
    for i in range(1, n + 1):
        inside = np.abs(i * m - j) < furthest
        paths = np.where(inside, np.cumsum(np.where(inside, paths, 0.0)), 0.0)
        largest = float(paths.max())
        if not largest:
            return 0.0
        paths /= largest
        scale += math.log(largest)
    return float(paths[-1]) * math.exp(scale - float(gammaln(n + m + 1) - gammaln(n + 1) - gammaln(m + 1)))
