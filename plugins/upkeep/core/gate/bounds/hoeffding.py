"""Hoeffding's inequalities: rows for a mean of values in an interval, whatever their distribution."""

from __future__ import annotations

import math

from upkeep.core.gate.bounds.ends import End, whole


def rows_needed(width: float, tolerance: float, log_tests: float) -> int:
    """``width² log_tests / (2 tolerance²)``, for means of values in an interval of that width [1]_.

    References
    ----------
    .. [1] Hoeffding (1963). Probability inequalities for sums of bounded random variables. JASA 58, 13-30. Theorem 2.

    Examples
    --------
    >>> rows_needed(1.0, 0.05, math.log(32 / 0.0001))
    2536
    """
    ratio = width / tolerance
    return whole(ratio * ratio * log_tests / 2.0)


def rows_at(end: End, low: float, high: float) -> int:
    """Rows for an end whose truth is known, of values in [low, high]: Hoeffding's Theorem 1, with the relative entropy.

    Far from the middle of the interval it needs far fewer rows than `rows_needed`, and nowhere more. Values need not be
    0 or 1.

    Examples
    --------
    >>> rows_at(End(truth=0.9, limit=0.95, log_tests=math.log(32 / 0.0001)), 0.0, 1.0)
    759
    """
    truth, limit = ((x - low) / (high - low) for x in (end.truth, end.limit))
    if limit < truth:
        truth, limit = 1.0 - truth, 1.0 - limit
    if truth <= 0.0 or limit > 1.0 or truth >= 1.0:
        return 1  # such a truth, or such a measured mean, there is not
    return whole(end.log_tests / entropy(limit, truth))


def entropy(limit: float, truth: float) -> float:
    """Kullback-Leibler divergence of a coin of mean `limit` from one of mean `truth`, both in (0, 1], in nats."""
    rest = (1.0 - limit) * math.log((1.0 - limit) / (1.0 - truth)) if limit < 1.0 else 0.0
    return limit * math.log(limit / truth) + rest
