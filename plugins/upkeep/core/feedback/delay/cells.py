"""Curves of groups of rows, each leaning on the curve above it as far as its own rows do not reach."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.delay.curve import DelayCurve
from upkeep.core.feedback.delay.kaplan_meier import Floats

#: What a curve above is worth in rows: when there is one cell, at least, and at most.
DEFAULT_ROWS, FEWEST_ROWS, MOST_ROWS = 30.0, 2.0, 10_000.0
_DRAWS = 100


def lean(
    parent: DelayCurve, rows: float, hours: Floats, pending: NDArray[np.bool_], weights: Floats, knots: int
) -> DelayCurve:
    """Curve of a group's rows together with so many of the parent's.

    The parent's rows are spread over the quantiles of its curve; those that it leaves without a label are censored at its longest
    age. So the hazard at an age is that of the group and that of its parent, each weighted by the rows at risk:
    the posterior mean under a beta process [1]_. Where the group has no rows at risk, the parent's hazard goes on.

    References
    ----------
    .. [1] Hjort (1990). Nonparametric Bayes estimators based on beta processes in models for life history data. Ann.
       Statist. 18.
    """
    share = (np.arange(_DRAWS) + 0.5) / _DRAWS
    drawn = parent.quantiles(share)
    left = np.isnan(drawn)
    return DelayCurve.fit(
        np.concatenate([hours, np.where(left, parent.longest, drawn)]),
        np.concatenate([pending, left]),
        weights=np.concatenate([weights, np.full(_DRAWS, rows / _DRAWS)]),
        knots=knots,
    )


def prior_rows(parent: DelayCurve, cells: Sequence[DelayCurve]) -> float:
    """How many rows of the parent each of its cells should lean on, by how much the cells differ.

    Variance of one row over variance between cells, each added up over nine ages: the deciles of the parent. The latter is
    the mean squared distance from the parent, weighted by rows, beyond what the standard errors explain.
    """
    ages = parent.quantiles(parent.after[-1] * np.arange(1, 10) / 10)
    if len(cells) < 2 or np.isnan(ages).any():
        return DEFAULT_ROWS
    middle = parent.labelled_by(ages)
    weight = np.array([cell.rows for cell in cells])[:, None]
    reach = weight * (ages[None, :] <= np.array([cell.longest for cell in cells])[:, None])
    apart = np.stack([cell.labelled_by(ages) - middle for cell in cells])
    noise = np.stack([np.maximum(cell.standard_error(ages) ** 2, middle * (1 - middle) / cell.rows) for cell in cells])
    between = (reach * (apart**2 - noise)).sum(axis=0) / np.maximum(reach.sum(axis=0), 1e-12)
    within = middle * (1 - middle)
    if between.sum() <= within.sum() / MOST_ROWS:
        return MOST_ROWS
    return float(max(FEWEST_ROWS, within.sum() / between.sum()))
