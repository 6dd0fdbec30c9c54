"""The usual alarms, read off the same two profiles as ours: p-values below .05, PSI above .2."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, kolmogorov

from upkeep.core.profile.cells import NumericCells
from upkeep.core.profile.profile import Profile


def p_values(reference: Profile, current: Profile, *, known: bool = False) -> dict[str, float]:
    """Two-sample Kolmogorov-Smirnov (asymptotic, at the grid's cuts) and chi-squared p-value per column.

    With `known` the chi-squared test is the one-sample test that several libraries apply, to which the reference's
    shares are the truth.
    """
    found = {}
    for name, cells in reference.grid.cells.items():
        a, b = reference.columns[name].counts, current.columns[name].counts
        if isinstance(cells, NumericCells):
            n, m = int(a.sum()), int(b.sum())
            distance = float(np.abs(np.cumsum(a) / n - np.cumsum(b) / m).max())
            found[name] = float(kolmogorov(distance * math.sqrt(n * m / (n + m))))
        else:
            found[name] = _chi_squared(a, b, known)
    return found


def psi(reference: Profile, current: Profile, bins: int = 10) -> dict[str, float]:
    """Population stability index per column, over tenths of the reference or over the categories."""
    found = {}
    for name, cells in reference.grid.cells.items():
        a, b = reference.columns[name].counts, current.columns[name].counts
        if isinstance(cells, NumericCells):
            tenths = np.searchsorted(np.cumsum(a), np.arange(bins) * a.sum() / bins)
            starts = np.unique(np.minimum(tenths, len(a) - 1))
            starts[0] = 0
            a, b = np.add.reduceat(a, starts), np.add.reduceat(b, starts)
        p, q = (np.maximum(counts / counts.sum(), 1e-4) for counts in (a, b))
        found[name] = float(((p - q) * np.log(p / q)).sum())
    return found


def benjamini_hochberg(p: NDArray[np.float64], rate: float) -> NDArray[np.bool_]:
    """Which of the hypotheses are rejected at this false discovery rate, shape of p."""
    order = np.argsort(p)
    passed = np.flatnonzero(p[order] <= rate * np.arange(1, len(p) + 1) / len(p))
    rejected = np.zeros(len(p), dtype=bool)
    rejected[order[: passed[-1] + 1 if len(passed) else 0]] = True
    return rejected


def _chi_squared(a: NDArray[np.int64], b: NDArray[np.int64], known: bool) -> float:
    held = a > 0 if known else a + b > 0
    a, b = a[held], b[held]
    if len(a) < 2:
        return 1.0
    if known:
        expected = a * (b.sum() / a.sum())
        return float(chdtrc(len(a) - 1, ((b - expected) ** 2 / expected).sum()))
    shares = (a + b) / (a.sum() + b.sum())
    terms = [(counts - counts.sum() * shares) ** 2 / (counts.sum() * shares) for counts in (a, b)]
    return float(chdtrc(len(a) - 1, np.sum(terms)))
