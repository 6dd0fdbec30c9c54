"""Which class rows without a label belong to, so that each class can have a delay of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.delay.curve import DelayCurve
from upkeep.core.feedback.delay.kaplan_meier import Floats, count

_ROUNDS, _CLOSE = 50, 2e-4
#: Rows that the curves in here are fitted on, evenly taken out of more: their standard error is below 0.004 then.
_ROWS = 20_000


def eventual_shares(hours: Floats, pending: NDArray[np.bool_], classes: Floats, k: int) -> Floats:
    """Share of each class among the labels that come by the longest age, shape (k,).

    Each label counts as the rise of the Kaplan-Meier curve that it stands for [1]_: young windows, of which only early
    labels are in, do not make the early class look larger.

    References
    ----------
    .. [1] Aalen & Johansen (1978). An empirical transition matrix for non-homogeneous Markov chains based on censored
       observations. Scand. J. Statist. 5.

    Examples
    --------
    Both early labels are 1. One row of two waits longer than an hour, and its label 0 stands for the one lost sight of too.

    >>> eventual_shares(np.array([1.0, 1, 2, 3]), np.array([False, False, True, False]), np.array([1.0, 1, np.nan, 0]), 2)
    array([0.5, 0.5])
    """
    steps = count(hours, pending)
    rise = np.diff(steps.labelled, prepend=0.0)
    each = np.divide(rise, steps.came, out=np.zeros_like(rise), where=steps.came > 0)
    at = np.searchsorted(steps.ages, hours[~pending])
    shares = np.bincount(classes[~pending].astype(np.int64), weights=each[at], minlength=k)
    return np.asarray(shares / shares.sum()) if shares.sum() > 0 else np.full(k, 1 / k)


def pending_chances(hours: Floats, pending: NDArray[np.bool_], shares: Floats, prior: Floats) -> Floats:
    """P(class) of each pending row given that it still waits, shape (pending, k).

    Parameters
    ----------
    hours, pending : ndarray, shape (n,)
    shares : ndarray of float, shape (n, k)
        1 in the class of each labelled row; those of pending rows are not read.
    prior : ndarray of float, shape (pending, k)
        P(class) of pending rows before it was known that they wait.

    Notes
    -----
    By Bayes, a row that has waited an hour is of class c with chance prior_c (1 - F_c(hour)), up to scale. The curves F_c
    are fitted with pending rows split so, one weighted row per class, and both are repeated until chances move by less than
    0.0002 on average, at most 50 times: EM [1]_. Of more than 20,000 rows, so many evenly spaced ones make the curves.

    References
    ----------
    .. [1] Dempster, Laird & Rubin (1977). Maximum likelihood from incomplete data via the EM algorithm. JRSS B 39.
    """
    some = slice(None, None, -(-len(hours) // _ROWS))
    known, late, ages = shares[some], pending[some], hours[some]
    before = np.zeros(shares.shape)
    before[pending] = prior
    first = waiting = before[some][late]
    if not len(first):
        return prior
    for _ in range(_ROUNDS):
        curves = [_curve(ages, late, known[:, c], waiting[:, c]) for c in range(prior.shape[1])]
        previous, waiting = waiting, _bayes(first, curves, ages[late])
        if np.abs(waiting - previous).mean() < _CLOSE:
            break
    return _bayes(prior, curves, hours[pending])


def _bayes(prior: Floats, curves: list[DelayCurve | None], age: Floats) -> Floats:
    """P(class | still pending at this age); `prior` where that cannot be."""
    left = np.stack([np.ones(len(age)) if c is None else 1 - c.labelled_by(age) for c in curves], axis=1)
    total = (prior * left).sum(axis=1, keepdims=True)
    return np.asarray(np.divide(prior * left, total, out=prior.copy(), where=total > 0))


def _curve(hours: Floats, pending: NDArray[np.bool_], known: Floats, waiting: Floats) -> DelayCurve | None:
    """That of a class; None for one without rows."""
    weights = known.copy()
    weights[pending] = waiting
    rows = weights > 1e-9
    return DelayCurve.fit(hours[rows], pending[rows], weights=weights[rows]) if rows.any() else None
