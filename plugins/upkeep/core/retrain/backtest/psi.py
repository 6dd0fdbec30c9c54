"""A retrain where the population stability index is large."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import missing
from upkeep.core.profile.cells import category_counts
from upkeep.core.retrain.backtest.policy import Look, Retrain

LIMIT = 0.2
_PARTS, _LEAST = 10, 1e-4


class PopulationStability:
    """Retrains if any column of the window has an index above 0.2 against the rows that the model was accepted on."""

    def __init__(self, *, limit: float = LIMIT) -> None:
        self._limit = limit

    def look(self, look: Look, /) -> Retrain | None:
        before, now = look.accepted, look.live
        moved = [name for name in before if stability_index(before[name], now[name]) > self._limit]
        return Retrain(cause=f"PSI > {self._limit:g}: {', '.join(moved)}") if moved else None


def stability_index(before: NDArray[Any], now: NDArray[Any]) -> float:
    """Sum of (p - q) log(p / q) over tenths of the column before, or over its levels; missing values are a part.

    A part without rows counts as one in 10,000.

    Examples
    --------
    >>> stability_index(np.arange(100.0), np.arange(100.0))
    0.0
    >>> before, now = np.repeat(["a", "b"], [50, 50]), np.repeat(["a", "b"], [75, 25])
    >>> round(stability_index(before.astype(object), now.astype(object)), 4)  # (.25 log 1.5 + .25 log 2)
    0.2747
    """
    counts = _by_level(before, now) if before.dtype.kind in "OUb" else _by_tenth(before, now)
    p, q = (np.maximum(part / part.sum(), _LEAST) for part in counts)
    return float(((p - q) * np.log(p / q)).sum())


def _by_level(before: NDArray[Any], now: NDArray[Any]) -> list[NDArray[np.int64]]:
    counted = [category_counts(values) for values in (before, now)]
    levels = sorted(counted[0].keys() | counted[1].keys())
    lost = [len(values) - sum(held.values()) for values, held in zip((before, now), counted, strict=True)]
    return [
        np.array([*(held.get(level, 0) for level in levels), gone]) for held, gone in zip(counted, lost, strict=True)
    ]


def _by_tenth(before: NDArray[Any], now: NDArray[Any]) -> list[NDArray[np.int64]]:
    numbers = [values.astype(np.float64) for values in (before, now)]
    known = numbers[0][~missing(numbers[0])]
    cuts = np.unique(np.quantile(known, np.arange(1, _PARTS) / _PARTS)) if len(known) else np.empty(0)
    parts = [np.where(missing(values), _PARTS, np.searchsorted(cuts, values, side="right")) for values in numbers]
    return [np.bincount(part, minlength=_PARTS + 1) for part in parts]
