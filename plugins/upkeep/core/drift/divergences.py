"""Every distance of one column between two profiles, each with an interval."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import kolmogorov

from upkeep.core.drift.cramer_von_mises import LARGEST, cramer_von_mises
from upkeep.core.drift.distances import kolmogorov_smirnov
from upkeep.core.drift.divergence import Divergence
from upkeep.core.drift.f_divergences import BOUNDS, f_divergences, grouped
from upkeep.core.drift.transport import reach, wasserstein
from upkeep.core.profile.cells import Cells, NumericCells
from upkeep.core.profile.counting import ColumnProfile
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError

__all__ = ["Divergence", "divergences"]


def divergences(reference: Profile, current: Profile, column: str, *, alpha: float = 0.05) -> tuple[Divergence, ...]:
    """All distances of one column, each with an interval for the distance of the sources.

    Parameters
    ----------
    reference, current : Profile
        Over one grid.
    column : str
    alpha : float
        Chance that an interval misses the distance of the sources: per distance, column and window, not for all of
        them together. The alarm that is right for life is `upkeep.core.drift.compare.compare`.

    Returns
    -------
    tuple of Divergence
        Of numbers: ks, cramer_von_mises, wasserstein, then as of categories and hours: psi, kl, jensen_shannon,
        hellinger, cramers_v, total_variation. The latter compare number columns in ten groups of about equal
        reference mass. They are distances of the sources over these cells and groups, frozen before the window is seen.

    Raises
    ------
    InputError
        If the column is absent, the cells differ, or alpha is no probability.

    Notes
    -----
    Rows are taken as independent within a window; rows without a value have distances of their own. The interval of ks holds
    for any number of rows, the others in the limit of many rows per group; at the sources' equality, near it and far
    away. A side without values says nothing: statistic 0, the widest interval, p-value 1.
    The p-value of ks is Kolmogorov's limit, which is conservative as the grid's distance is at most the exact one.

    Examples
    --------
    >>> from upkeep.core.profile.grid import ReferenceGrid
    >>> table = {"x": np.arange(5000.0)}
    >>> grid = ReferenceGrid.fit(table)
    >>> found = divergences(Profile.build(grid, table), Profile.build(grid, {"x": table["x"] + 500}), "x")
    >>> [(d.name, round(d.low, 2), round(d.statistic, 2), round(d.high, 2)) for d in found][:3]
    [('ks', 0.07, 0.1, 0.13), ('cramer_von_mises', 0.08, 0.1, 0.11), ('wasserstein', 0.15, 0.19, 0.21)]
    """
    cells = _cells(reference, current, column)
    if not 0 < alpha < 1:
        raise InputError(f"alpha must lie strictly between 0 and 1, got {alpha}. For 95 % confidence pass alpha=0.05.")
    a, b = reference.columns[column], current.columns[column]
    if not a.values or not b.values:
        return _nothing(cells, a)
    if not isinstance(cells, NumericCells):
        return f_divergences(a.counts, b.counts, alpha)
    return (
        _kolmogorov_smirnov(a, b, cells, alpha),
        cramer_von_mises(a.counts, b.counts, cells.single, alpha),
        wasserstein(a.counts, b.counts, cells.cuts, alpha),
        *f_divergences(*grouped(a.counts, b.counts), alpha),
    )


def _cells(reference: Profile, current: Profile, column: str) -> Cells:
    """The column's cells; only these are compared, as the digest of a wide grid is dear."""
    for side in (reference, current):
        if column not in side.columns:
            raise InputError(f"column {column!r} must be in both profiles, but one has {sorted(side.columns)}.")
    cells, others = reference.grid.cells[column], current.grid.cells[column]
    if isinstance(cells, NumericCells) and isinstance(others, NumericCells):
        same = cells is others or np.array_equal(cells.cuts, others.cuts)
    else:
        same = cells == others
    if not same:
        raise InputError(f"profiles must share the cells of {column!r} to be compared; build both with the same grid.")
    return cells


def _kolmogorov_smirnov(a: ColumnProfile, b: ColumnProfile, cells: NumericCells, alpha: float) -> Divergence:
    found = kolmogorov_smirnov(a, b, cells.single)
    radius = found.radius(alpha)
    return Divergence(
        name="ks",
        statistic=found.statistic,
        low=max(0.0, found.statistic - radius),
        high=min(1.0, found.statistic + found.grid_error + radius),
        p_value=float(kolmogorov(found.statistic / math.sqrt(found.rate))),
        grid_error=found.grid_error,
    )


def _nothing(cells: Cells, reference: ColumnProfile) -> tuple[Divergence, ...]:
    bounds = dict(BOUNDS)
    if isinstance(cells, NumericCells):
        largest = reach(cells.cuts, reference.counts)
        bounds = {"ks": 1.0, "cramer_von_mises": LARGEST, "wasserstein": largest, **bounds}
    without = {"wasserstein", "total_variation"}
    return tuple(
        Divergence(name=name, statistic=0.0, low=0.0, high=high, p_value=None if name in without else 1.0)
        for name, high in bounds.items()
    )
