"""Fair bets against the claim that values in [0, 1] have a small mean.

Against "the mean is m or less" one stakes a share θ of one's wealth on each row x. The wealth
``mean over θ of Π (1 - θ + θ x / m)`` has mean 1 at most if the claim holds, so it ever exceeds 1/q with probability q at
most, at whatever row one stops [1]_. The shares are fixed before the first row. The wealth falls in m, so the means it
refutes lie below one end. x is rounded against the bettor to 1/4096, which keeps what must be remembered small.

References
----------
.. [1] Waudby-Smith & Ramdas (2024). Estimating means of bounded random variables by betting. J. Roy. Stat. Soc. B 86.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

CELLS = 4096
_CERTAIN = 1e15  # the logarithm of a wealth that no promise exceeds, finite for JSON
_BOLDEST = 0.95
_SNAP = 1e-6  # of a cell: a value that lies on a cell but for its rounding stays there
_HALVINGS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Wealth:
    """Logarithm of what each share staked has become, against each of two means.

    Attributes
    ----------
    nulls : tuple of float
        The claimed means, the second below the first.
    shares : tuple of float
        θ, each in (0, 1).
    logs : tuple of tuple of float
        Per mean and share.
    counts : mapping of str to int
        Rows per cell of width 1 / CELLS, for the interval.
    refuted : bool
        Whether the second mean was ever refuted.
    """

    nulls: tuple[float, float]
    shares: tuple[float, ...]
    logs: tuple[tuple[float, ...], ...]
    counts: Mapping[str, int]
    refuted: bool

    @classmethod
    def begin(cls, nulls: tuple[float, float], shares: tuple[float, ...]) -> Wealth:
        return cls(nulls=nulls, shares=shares, logs=((0.0,) * len(shares),) * 2, counts={}, refuted=False)

    def path(self, cells: NDArray[np.intp]) -> WealthPath:
        """The logarithms after each of some rows, given by their cells."""
        values, at = np.unique(cells, return_inverse=True)
        steps = np.stack([growth(values / CELLS, null, self.shares)[:, at] for null in self.nulls])
        # The sum goes on from the last row, one by one, so that parts give bit for bit what all rows at once give.
        logs = np.cumsum(np.concatenate([np.array(self.logs)[:, :, None], steps], axis=2), axis=2)[:, :, 1:]
        return WealthPath(before=self, cells=cells, logs=logs, log_wealth=_log_mean(logs, axis=1))

    def least(self, log_tests: float, *, decided: bool) -> float:
        """Largest mean refuted: after these rows, found by halving, or at an earlier one."""
        proven = self.nulls[0] if decided else self.nulls[1] if self.refuted else 0.0
        values = np.array([int(cell) for cell in self.counts]) / CELLS
        times = np.array(list(self.counts.values()), dtype=np.float64)
        refuted = min(1.0, max(0.0, proven))
        # No mean above the rows' own is ever refuted: a fair bet on what did not happen loses.
        open_ = max(refuted, float(values @ times / times.sum()) if len(times) else 0.0)
        for _ in range(_HALVINGS):
            middle = (refuted + open_) / 2.0
            if float(_log_mean(growth(values, middle, self.shares) @ times, axis=0)) >= log_tests:
                refuted = middle
            else:
                open_ = middle
        return refuted

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Wealth:
        below, far = record["nulls"]
        logs = tuple(tuple(line) for line in record["logs"])
        return cls(**{**record, "nulls": (below, far), "shares": tuple(record["shares"]), "logs": logs})


@dataclass(frozen=True, slots=True, kw_only=True)
class WealthPath:
    """Wealth after each row: `logs` (means, shares, rows), and `log_wealth` (means, rows) over all shares."""

    before: Wealth
    cells: NDArray[np.intp]
    logs: NDArray[np.float64]
    log_wealth: NDArray[np.float64]

    def until(self, row: int, *, refuted: bool) -> Wealth:
        values, times = np.unique(self.cells[: row + 1], return_counts=True)
        more = {str(value): int(count) for value, count in zip(values, times, strict=True)}
        counts = {cell: self.before.counts.get(cell, 0) + more.get(cell, 0) for cell in {**self.before.counts, **more}}
        logs = tuple(tuple(line) for line in self.logs[:, :, row].tolist())
        return replace(self.before, logs=logs, counts=counts, refuted=refuted)


def bets(null: float, tolerance: float) -> tuple[float, ...]:
    """Shares of the wealth to stake, in octaves.

    The share that makes wealth grow fastest is gap · null / variance. The smallest is for a gap of half the tolerance at
    the largest variance that a mean of `null` allows; rarer values and larger gaps need larger ones.

    Examples
    --------
    >>> [round(share, 3) for share in bets(0.8, 0.05)]
    [0.125, 0.246, 0.483, 0.95]
    """
    least = min(0.5, tolerance / (2.0 * max(1.0 - null, tolerance)))
    return tuple(np.geomspace(least, _BOLDEST, 1 + math.ceil(math.log2(_BOLDEST / least))).tolist())


def growth(values: NDArray[np.float64], null: float, shares: tuple[float, ...]) -> NDArray[np.float64]:
    """ln(1 - θ + θ x / m), (shares, values). A mean below 0 is refuted by any row, a mean of 0 by any value above it.

    Examples
    --------
    >>> np.exp(growth(np.array([0.0, 1.0]), 0.5, (0.2,))).round(3).tolist()
    [[0.8, 1.2]]
    """
    if null <= 0.0:
        certain = (values > 0.0) if null == 0.0 else np.ones(len(values), dtype=bool)
        return np.tile(np.where(certain, _CERTAIN, 0.0), (len(shares), 1))
    theta = np.array(shares)[:, None]
    grown: NDArray[np.float64] = np.log1p(theta * (values / null - 1.0))
    return grown


def snapped(share: NDArray[np.float64]) -> NDArray[np.intp]:
    """The cell at or below each value."""
    return np.clip(np.floor(share + _SNAP), 0, CELLS).astype(np.intp)


def _log_mean(logs: NDArray[np.float64], *, axis: int) -> NDArray[np.float64]:
    most = logs.max(axis=axis, keepdims=True)
    mean: NDArray[np.float64] = np.log(np.exp(logs - most).mean(axis=axis)) + most.squeeze(axis)
    return mean
