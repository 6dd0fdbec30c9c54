"""A retrain where a two-sample test says "not equal"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from scipy.stats import chi2_contingency, ks_2samp

from upkeep.core.columns import missing
from upkeep.core.profile.cells import category_counts
from upkeep.core.retrain.backtest.policy import Look, Retrain

LEVEL = 0.05


class KolmogorovSmirnov:
    """Retrains if any column of the window has a p-value below 0.05 against the rows that the model was accepted on.

    Kolmogorov-Smirnov for numbers, chi-squared for texts and booleans, as drift libraries come; with `corrected`
    the level is divided by the number of columns (Bonferroni).
    """

    def __init__(self, *, level: float = LEVEL, corrected: bool = False) -> None:
        self._level, self._corrected = level, corrected

    def look(self, look: Look, /) -> Retrain | None:
        before, now = look.accepted, look.live
        level = self._level / len(before) if self._corrected else self._level
        moved = [name for name in before if p_value(before[name], now[name]) < level]
        return Retrain(cause=f"p < {level:g}: {', '.join(moved)}") if moved else None


def p_value(before: NDArray[Any], now: NDArray[Any]) -> float:
    """Of the hypothesis that two columns come from one source; 1 where one of them has no values.

    Examples
    --------
    >>> import numpy as np
    >>> p_value(np.arange(100.0), np.arange(100.0) + 50) < 1e-6, p_value(np.arange(9.0), np.full(9, np.nan))
    (True, 1.0)
    """
    if before.dtype.kind in "OUb":
        return _chi_squared(category_counts(before), category_counts(now))
    a, b = before[~missing(before)], now[~missing(now)]
    return float(ks_2samp(a, b, method="asymp").pvalue) if len(a) and len(b) else 1.0


def _chi_squared(before: Mapping[str, int], now: Mapping[str, int]) -> float:
    levels = sorted(before.keys() | now.keys())
    if not before or not now or len(levels) == 1:
        return 1.0
    counts = [[counted.get(level, 0) for level in levels] for counted in (before, now)]
    return float(chi2_contingency(counts, correction=False).pvalue)
