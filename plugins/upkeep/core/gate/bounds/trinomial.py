"""Exact numbers of rows for the difference of two shares on the same rows: each row is a gain, a loss or neither."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from upkeep.core.gate.bounds.ends import End, reaching, settles, whole
from upkeep.core.gate.bounds.lattice import log_tail, tilted

#: Up to this bound on the share that differs the worst case is known, beyond it is searched for.
_PROVEN = 0.5
#: So many rows fewer than at the bound differ where the worst case is searched for. The search finds half a tilt, so it may be
#: coarse where the tilt is small; by how much the logarithm of the worst case may be missed.
_FEWER = np.array([0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.9, 2.5, 4.0])
_FEWER_COARSE, _SMALL_TILT = np.array([0.0, 1.0, 2.0, 4.0]), 0.05
_MISSED = 3e-3


def rows_at(end: End, differing: float = 1.0) -> int:
    """Smallest number of rows from which on ``share of gains - share of losses`` keeps to `end`.

    Parameters
    ----------
    end : End
        About the difference, in [-1, 1].
    differing : float
        Bound on the share of rows that are a gain or a loss, above 0.

    Notes
    -----
    The share that differ, d, is unknown below its bound p, and so is the difference below `truth`. For a given d the error grows
    with the difference. With the difference held, the error's derivative in d is ``n/2 (P(Z' = t-1) - P(Z' = t))``, Z' the
    sum over n - 1 rows. For d <= 1/2 the polynomial of one row has real roots only, so Z' is a sum of independent
    coins, falling from its mean + 1 on [1]_: the error is largest at d = p. Above 1/2 a sum may be nearly always even,
    or odd, and the error largest where about two rows do not differ: there the supremum is searched for, with a margin.

    References
    ----------
    .. [1] Darroch (1964). On the distribution of the number of successes in independent trials. Ann. Math. Stat. 35.

    Examples
    --------
    At most 10 % of the predictions differ; Bennett's inequality asks for 4344.

    >>> rows_at(End(truth=0.02, limit=0.04, log_tests=math.log(7 / 0.002)), 0.1)
    3026
    """
    rising, bound = end.rising, min(differing, 1.0)
    truth, limit = min(rising.truth, bound), rising.limit
    if truth < -bound or limit > 1.0:
        return 1  # such a truth, or such a measured difference, there is not
    gain, loss = (bound + truth) / 2.0, (bound - truth) / 2.0
    if 1.0 in (gain, loss):
        return 1
    if limit > 1.0 - 1e-9:
        return whole(end.log_tests / -math.log(gain))
    exponent, tilt = _exponent(limit, gain, loss)
    fewer = _FEWER if tilt > _SMALL_TILT else _FEWER_COARSE

    def log_error(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        sums = reaching(rows, limit)
        if bound <= _PROVEN:
            return log_tail(rows, sums, gain, loss)
        shares = np.maximum(bound - fewer / rows[:, None], max(abs(truth), _PROVEN))
        errors = log_tail(rows[:, None], sums[:, None], (shares + truth) / 2.0, (shares - truth) / 2.0)
        worst: NDArray[np.float64] = errors.max(axis=1) + _MISSED
        return worst

    enough = math.ceil((2.0 + abs(truth)) / (limit - truth))
    # where all rows differ, every second sum is the same as the next
    step = tilt if bound <= _PROVEN else 2.0 * tilt
    return max(settles(log_error, end.log_tests, exponent, step), enough)


def _exponent(limit: float, gain: float, loss: float) -> tuple[float, float]:
    """Chernoff's exponent of a mean at `limit` or above, per row, and the tilt that attains it."""
    tilt = float(tilted(limit, gain, loss))
    return limit * math.log(tilt) - math.log(gain * tilt + loss / tilt + max(1.0 - gain - loss, 0.0)), math.log(tilt)
