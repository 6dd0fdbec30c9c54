"""Bennett's inequality: rows for a mean of values that seldom differ from their usual one."""

from __future__ import annotations

import math

from upkeep.core.gate.bounds.ends import whole


def rows_needed(second_moment: float, tolerance: float, log_tests: float, bound: float = 1.0) -> int:
    """``log_tests / (v/b² h(b ε / v))`` with h(u) = (1+u) ln(1+u) - u, for values of at most b with a mean square of at most v.

    The values may be taken as differences from any constant. One side; for both, add ln 2 to `log_tests`.

    References
    ----------
    .. [1] Boucheron, Lugosi & Massart (2013). Concentration inequalities. Theorem 2.9.

    Examples
    --------
    The passage of ease.ml/ci that needs 29 thousand labels: at most 10 % of the predictions differ.

    >>> rows_needed(0.1, 0.01, math.log(32 * 4 / 0.0001))
    29048
    """
    ratio = bound * tolerance / second_moment
    fall = (1.0 + ratio) * math.log1p(ratio) - ratio if ratio > 1e-5 else ratio * ratio / 2.0 * (1.0 - ratio / 3.0)
    return whole(bound * bound * log_tests / (second_moment * fall))
