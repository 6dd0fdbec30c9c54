"""Which columns have drifted by more than is tolerated, with one error probability for life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from upkeep.core.drift.distances import Distance, distances
from upkeep.core.drift.spending import spend
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError

#: A move of two rows in a hundred is too small to matter, unless the user says otherwise.
FLOOR = 0.02

_MOVED = {
    "ks": "values moved",
    "total_variation": "categories moved",
    "hour_of_day": "hours of the day moved",
    "new_categories": "share of new or rare categories moved",
    "null_rate": "share of missing values moved",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """What was found about one column by one distance; [low, high] holds the sources' true distance."""

    column: str
    distance: str
    statistic: float
    grid_error: float
    low: float
    high: float
    tolerance: float
    drifted: bool
    before: float | None
    after: float | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """Findings, those furthest beyond their tolerance first; `drifted` names columns once, in that order."""

    findings: tuple[ColumnDrift, ...]
    drifted: tuple[str, ...]
    alpha: float
    look: int
    reference_rows: int
    rows: int
    promise: str


def compare(
    reference: Profile,
    current: Profile,
    *,
    alpha: float = 0.05,
    look: int = 1,
    tolerance: float | Mapping[str, float] = FLOOR,
) -> DriftReport:
    """Test for every column whether it moved by more than its tolerance.

    Parameters
    ----------
    reference, current : Profile
        Over one grid.
    alpha : float
        Chance that any column is ever called drifted without being so, over all columns and all looks of the life.
    look : int
        How often this reference has been compared with a window, this one included.
    tolerance : float or mapping
        Distances up to this are nobody's concern. A mapping has keys ``column:distance`` or ``column``; what it does
        not name gets 0.02.

    Notes
    -----
    The null hypothesis is not "equal", which large windows always refute, but "distance at most the tolerance": a
    column has drifted if the lower end of the interval lies above it. Look k uses 6 alpha/(pi^2 k^2), shared equally
    by the columns and, within a column, by its distances (Bonferroni: columns and looks may depend in any way, and the
    intervals hold all at once). Rows are taken as independent within a window.

    Examples
    --------
    >>> import numpy as np
    >>> from upkeep.core.profile.grid import ReferenceGrid
    >>> table = {"fare": np.arange(5000.0), "miles": np.arange(5000.0)}
    >>> grid = ReferenceGrid.fit(table)
    >>> now = Profile.build(grid, {"fare": table["fare"] + 800, "miles": table["miles"] + 20})
    >>> compare(Profile.build(grid, table), now).drifted
    ('fare',)
    """
    if reference.grid is not current.grid and reference.grid.digest != current.grid.digest:
        raise InputError("profiles must share one reference grid to be compared; build both with the same grid.")
    if not reference.columns:
        raise InputError("at least one number, text or boolean column is needed to look for drift, got none.")
    share = spend(alpha, look) / len(reference.columns)
    findings: list[ColumnDrift] = []
    for column in reference.columns:
        found = distances(reference, current, column)
        findings += [_judge(column, d, share / len(found), _tolerated(tolerance, column, d.name)) for d in found]
    ranked = tuple(sorted(findings, key=lambda f: (f.tolerance - f.low, f.tolerance - f.statistic, f.column)))
    return DriftReport(
        findings=ranked,
        drifted=tuple(dict.fromkeys(f.column for f in ranked if f.drifted)),
        alpha=alpha,
        look=look,
        reference_rows=reference.rows,
        rows=current.rows,
        promise=(
            f"The chance that a column is ever called drifted while it is within its tolerance is at most {alpha:g}, "
            f"over all {len(reference.columns)} columns and all windows of the model's life."
        ),
    )


def _tolerated(tolerance: float | Mapping[str, float], column: str, distance: str) -> float:
    if isinstance(tolerance, Mapping):
        return tolerance.get(f"{column}:{distance}", tolerance.get(column, FLOOR))
    return tolerance


def _judge(column: str, d: Distance, alpha: float, tolerance: float) -> ColumnDrift:
    radius = d.radius(alpha)
    low = max(0.0, d.statistic - radius)
    high = min(1.0, d.statistic + d.grid_error + radius)
    drifted = low > tolerance
    return ColumnDrift(
        column=column,
        distance=d.name,
        statistic=d.statistic,
        grid_error=d.grid_error,
        low=low,
        high=high,
        tolerance=tolerance,
        drifted=drifted,
        before=d.before,
        after=d.after,
        sentence=_sentence(column, d, low, tolerance, drifted),
    )


def _sentence(column: str, d: Distance, low: float, tolerance: float, drifted: bool) -> str:
    if d.grid_error == 1.0:
        return f"{column}: no values on one side, so nothing can be said about whether its {_MOVED[d.name]}."
    shares = "" if d.before is None else f" from {d.before:.1%} to {d.after:.1%}"
    seen = f"{column}: {_MOVED[d.name]}{shares} by {d.statistic:.3f}"
    if drifted:
        return f"{seen}, at least {low:.3f}: more than the {tolerance:.3f} that is tolerated."
    return f"{seen}; at least {low:.3f} of that is certain, and {tolerance:.3f} is tolerated."
