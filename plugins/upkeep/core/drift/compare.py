"""Which columns have drifted by more than is tolerated, with one error probability for life."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from upkeep.core.drift.distances import Distance, distances
from upkeep.core.drift.spending import spend
from upkeep.core.drift.tolerance import FLOOR
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError

__all__ = ["FLOOR", "ColumnDrift", "DriftReport", "compare"]

_MOVED = {
    "ks": "values moved",
    "total_variation": "categories moved",
    "hour_of_day": "hours of the day moved",
    "new_categories": "share of new or rare categories moved",
    "null_rate": "share of missing or infinite values moved",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """What was found about one column by one distance.

    [low, high] holds the sources' true distance. `p_value` bounds the chance of a distance this large where the true
    one is no more than the tolerance; `drifted` if it passes Holm's step-down test.
    """

    column: str
    distance: str
    statistic: float
    grid_error: float
    low: float
    high: float
    tolerance: float
    p_value: float
    drifted: bool
    before: float | None
    after: float | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """Findings, those of the least p-value first; `drifted` names columns once, in that order.

    `alpha` is the error probability of the whole life, `look_alpha` what this look may use of it.
    """

    findings: tuple[ColumnDrift, ...]
    drifted: tuple[str, ...]
    alpha: float
    look_alpha: float
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
    The null hypothesis is not "equal", which large windows always refute, but "distance at most the tolerance".
    Look k uses 6 alpha/(pi^2 k^2). Within a look the hypotheses, one per column and distance, are tested by
    Holm's step-down procedure [1]_, and the intervals are widened by Bonferroni's correction, so that they hold all at once:
    columns and looks may depend in any way. These are two promises, each with the chance `alpha`. Rows are taken as
    independent within a window.

    References
    ----------
    .. [1] Holm (1979). A simple sequentially rejective multiple test procedure. Scand. J. Stat. 6.

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
    found = [(column, d) for column in reference.columns for d in distances(reference, current, column)]
    tolerated = [_tolerated(tolerance, column, d.name) for column, d in found]
    p_values = [d.p_value(limit) for (_, d), limit in zip(found, tolerated, strict=True)]
    wrong = next((limit for limit in tolerated if not 0 <= limit <= 1), None)
    if wrong is not None:
        raise InputError(f"a tolerance must lie in [0, 1], as every distance does, got {wrong}.")
    level = spend(alpha, look)
    rejected = holm(p_values, level)
    findings = [
        _finding(column, d, level / len(found), limit, p, moved)
        for (column, d), limit, p, moved in zip(found, tolerated, p_values, rejected, strict=True)
    ]
    ranked = tuple(
        sorted(findings, key=lambda f: (f.p_value, f.tolerance - f.low, f.tolerance - f.statistic, f.column))
    )
    return DriftReport(
        findings=ranked,
        drifted=tuple(dict.fromkeys(f.column for f in ranked if f.drifted)),
        alpha=alpha,
        look_alpha=level,
        look=look,
        reference_rows=reference.rows,
        rows=current.rows,
        promise=(
            f"The chance that a column is ever called drifted while it is within its tolerance is at most {alpha:g}, "
            f"over all {len(reference.columns)} columns and all windows of the model's life."
        ),
    )


def holm(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Which hypotheses Holm's step-down test rejects, with probability alpha or less for any true one among them.

    Examples
    --------
    >>> holm([0.04, 0.001, 0.02, 0.6], alpha=0.06)
    [False, True, True, False]
    """
    rejected = [False] * len(p_values)
    for rank, i in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[i] > alpha / (len(p_values) - rank):
            break
        rejected[i] = True
    return rejected


def _tolerated(tolerance: float | Mapping[str, float], column: str, distance: str) -> float:
    if isinstance(tolerance, Mapping):
        return tolerance.get(f"{column}:{distance}", tolerance.get(column, FLOOR))
    return tolerance


def _finding(column: str, d: Distance, alpha: float, tolerance: float, p_value: float, drifted: bool) -> ColumnDrift:
    radius = d.radius(alpha)
    low = max(0.0, d.statistic - radius)
    return ColumnDrift(
        column=column,
        distance=d.name,
        statistic=d.statistic,
        grid_error=d.grid_error,
        low=low,
        high=min(1.0, d.statistic + d.grid_error + radius),
        tolerance=tolerance,
        p_value=p_value,
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
        return f"{seen}, at least {max(low, tolerance):.3f}: more than the {tolerance:.3f} that is tolerated."
    return f"{seen}; at least {low:.3f} of that is certain, and {tolerance:.3f} is tolerated."
