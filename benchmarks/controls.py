"""The usual alarms, read off the same two profiles as ours: p-values below .05, PSI above .2."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, kolmogorov

from upkeep.core.profile.cells import NumericCells
from upkeep.core.profile.profile import Profile

#: Parts of a number column that the population stability index is taken over, and the least share of a part.
_PARTS, _LEAST = 10, 1e-4


class Controls:
    """One reference's side of them; all columns lie in one array, one after the other, as a life asks very often."""

    def __init__(self, reference: Profile) -> None:
        numeric = [isinstance(cells, NumericCells) for cells in reference.grid.cells.values()]
        self._columns = list(reference.grid.cells)
        self._numeric = np.array(numeric)
        held = [reference.columns[name].counts for name in self._columns]
        self._first = np.cumsum([0, *(len(counts) for counts in held[:-1])])
        self._counts = np.concatenate(held)
        self._column = np.repeat(np.arange(len(held)), [len(counts) for counts in held])
        parts = [_tenths(counts) if n else np.arange(len(counts)) for counts, n in zip(held, numeric, strict=True)]
        self._part = np.concatenate([first + part for first, part in zip(self._first, parts, strict=True)])
        self._part_first = np.cumsum([0, *(len(part) for part in parts[:-1])])
        self._part_column = np.repeat(np.arange(len(parts)), [len(part) for part in parts])

    def p_values(self, window: Profile, *, known: bool = False) -> dict[str, float]:
        """Two-sample Kolmogorov-Smirnov (asymptotic, at the grid's cuts) and chi-squared p-value per column.

        With `known` the chi-squared test is the one-sample test that several libraries apply, to which the
        reference's shares are the truth.
        """
        a, b = self._counts, self._of(window)
        n, m = np.add.reduceat(a, self._first), np.add.reduceat(b, self._first)
        difference = np.cumsum(a / n[self._column] - b / m[self._column])  # is 0 at the end of each column
        distance = np.maximum.reduceat(np.abs(difference), self._first)
        smooth = kolmogorov(distance * np.sqrt(n * m / (n + m)))
        held = a if known else a + b
        share = held / np.add.reduceat(held, self._first)[self._column]
        terms = _squares(b, m[self._column] * share)
        if not known:
            terms += _squares(a, n[self._column] * share)
        freedom = np.add.reduceat((held > 0).astype(float), self._first) - 1
        coarse = np.where(freedom > 0, chdtrc(np.maximum(freedom, 1), np.add.reduceat(terms, self._first)), 1.0)
        return dict(zip(self._columns, np.where(self._numeric, smooth, coarse).tolist(), strict=True))

    def psi(self, window: Profile) -> dict[str, float]:
        """Population stability index per column, over tenths of the reference or over the categories."""
        shares = []
        for counts in (self._counts, self._of(window)):
            part = np.add.reduceat(counts, self._part)
            shares.append(np.maximum(part / np.add.reduceat(part, self._part_first)[self._part_column], _LEAST))
        p, q = shares
        index = np.add.reduceat((p - q) * np.log(p / q), self._part_first)
        return dict(zip(self._columns, index.tolist(), strict=True))

    def _of(self, window: Profile) -> NDArray[np.int64]:
        return np.concatenate([window.columns[name].counts for name in self._columns])


def benjamini_hochberg(p: NDArray[np.float64], rate: float) -> NDArray[np.bool_]:
    """Which of the hypotheses are rejected at this false discovery rate, shape of p."""
    order = np.argsort(p)
    passed = np.flatnonzero(p[order] <= rate * np.arange(1, len(p) + 1) / len(p))
    rejected = np.zeros(len(p), dtype=bool)
    rejected[order[: passed[-1] + 1 if len(passed) else 0]] = True
    return rejected


def _tenths(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """First cells of parts of about a tenth of the rows each; an atom of more is one part."""
    total = np.cumsum(counts)
    starts = np.searchsorted(total, np.arange(1, _PARTS) * total[-1] / _PARTS, side="right")
    return np.unique(np.concatenate([[0], np.minimum(starts, len(counts) - 1)]))


def _squares(counts: NDArray[np.int64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide((counts - expected) ** 2, expected, out=np.zeros(len(counts)), where=expected > 0)
