"""How far two profiles are apart, and how much of that chance alone can explain."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from upkeep.core.profile.cells import HourCells, NumericCells
from upkeep.core.profile.counting import ColumnProfile
from upkeep.core.profile.profile import Profile

#: Mean of the supremum of a Brownian bridge's absolute value, sqrt(pi/2) log 2.
_BRIDGE_MEAN = math.sqrt(math.pi / 2) * math.log(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """A distance in [0, 1] between two samples.

    `statistic` is never above the exact distance of the samples, nor more than `grid_error` below it. `chance` is what
    two samples of one source give on average. `before` and `after` are the two shares where the distance is
    their difference, else None. `rate` is 1/n + 1/m, infinite if a sample is empty.
    """

    name: str  # ks | total_variation | hour_of_day | new_categories | null_rate
    statistic: float
    grid_error: float = 0.0
    chance: float
    rate: float
    bias: float = 0.0
    scale: float
    before: float | None = None
    after: float | None = None

    def radius(self, alpha: float) -> float:
        """Half-width of the interval that holds the sources' distance with probability 1 - alpha or more."""
        return self.bias + math.sqrt(math.log(self.scale / alpha) * self.rate / 2)

    def p_value(self, tolerance: float) -> float:
        """The least alpha whose radius leaves the sources' distance above the tolerance; 1 at most."""
        beyond = max(0.0, self.statistic - self.bias - tolerance)
        return min(1.0, self.scale * math.exp(-2 * beyond**2 / self.rate))


def distances(reference: Profile, current: Profile, column: str) -> list[Distance]:
    """All distances of one column: where its values lie, and whether there is a value at all."""
    cells = reference.grid.cells[column]
    a, b = reference.columns[column], current.columns[column]
    nulls = _share("null_rate", a.unusable, a.rows, b.unusable, b.rows)
    if isinstance(cells, NumericCells):
        return [kolmogorov_smirnov(a, b, cells.single), nulls]
    if isinstance(cells, HourCells):
        return [replace(total_variation(a, b), name="hour_of_day"), nulls]
    new = _share("new_categories", int(a.counts[-1]), a.values, int(b.counts[-1]), b.values)
    return [total_variation(a, b), new, nulls]


def kolmogorov_smirnov(a: ColumnProfile, b: ColumnProfile, single: NDArray[np.bool_]) -> Distance:
    """Largest difference of the two distribution functions over the cuts of the grid.

    Parameters
    ----------
    a, b : ColumnProfile
    single : ndarray of bool, shape (cells,)
        Cells of one value, within which the distribution functions do not differ any further.

    Notes
    -----
    The radius is the two-sample Dvoretzky-Kiefer-Wolfowitz bound C exp(-2 eps^2 nm/(n+m)) with C = e, which holds
    for every n = m, and for n != m wherever it was computed [1]_. Rows are taken as independent within a window. For
    sources that differ by no more than a small tolerance the worst case is one uniform sample moved against the other; its
    process has the increments of the one for equal sources and no larger variance, so the same tail serves.

    References
    ----------
    .. [1] Wei & Dudley (2012). Two-sample Dvoretzky-Kiefer-Wolfowitz inequalities. Stat. Probab. Lett. 82.
    """
    rate = _rate(a.values, b.values)
    if not math.isfinite(rate):
        return Distance(name="ks", statistic=0.0, grid_error=1.0, chance=0.0, rate=rate, scale=math.e)
    f = np.concatenate([[0], np.cumsum(a.counts)]) / a.values
    g = np.concatenate([[0], np.cumsum(b.counts)]) / b.values
    at_cuts = float(np.abs(f - g).max())
    inside = np.maximum(f[1:] - g[:-1], g[1:] - f[:-1])[~single]
    return Distance(
        name="ks",
        statistic=at_cuts,
        grid_error=max(0.0, float(inside.max()) - at_cuts),
        chance=_BRIDGE_MEAN * math.sqrt(rate),
        rate=rate,
        scale=math.e,
    )


def total_variation(a: ColumnProfile, b: ColumnProfile) -> Distance:
    """Half the summed difference of the cells' shares.

    Notes
    -----
    With L cells the statistic of two equal sources is about sqrt(L) times that of two cells, so its mean must
    be taken off before anything is called a difference. By Cauchy-Schwarz that mean is at most
    sqrt((L-1)(1/n+1/m))/2, and by McDiarmid's inequality [1]_ the rest exceeds eps with chance
    exp(-2 eps^2 nm/(n+m)) or less: both for any n, m and any shares.

    References
    ----------
    .. [1] McDiarmid (1989). On the method of bounded differences. Surveys in Combinatorics.
    """
    rate = _rate(a.values, b.values)
    if not math.isfinite(rate):
        return Distance(name="total_variation", statistic=0.0, grid_error=1.0, chance=0.0, rate=rate, scale=1.0)
    p, q = a.counts / a.values, b.counts / b.values
    pooled = (a.counts + b.counts) / (a.values + b.values)
    return Distance(
        name="total_variation",
        statistic=float(np.abs(p - q).sum() / 2),
        chance=float(np.sqrt(pooled * (1 - pooled) * rate * 2 / math.pi).sum() / 2),
        rate=rate,
        bias=math.sqrt((len(p) - 1) * rate) / 2,
        scale=1.0,
    )


def _share(name: str, part_a: int, rows_a: int, part_b: int, rows_b: int) -> Distance:
    """Difference of two shares; its radius is Hoeffding's (1963)."""
    rate = _rate(rows_a, rows_b)
    if not math.isfinite(rate):
        return Distance(name=name, statistic=0.0, grid_error=1.0, chance=0.0, rate=rate, scale=2.0)
    before, after = part_a / rows_a, part_b / rows_b
    pooled = (part_a + part_b) / (rows_a + rows_b)
    chance = math.sqrt(pooled * (1 - pooled) * rate * 2 / math.pi)
    return Distance(
        name=name, statistic=abs(after - before), chance=chance, rate=rate, scale=2.0, before=before, after=after
    )


def _rate(n: int, m: int) -> float:
    return 1 / n + 1 / m if n and m else math.inf
