"""The two errors that a test must seldom make, and the search for the number of rows from which on it keeps to that."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upkeep.errors import InputError

#: Above this many rows the exponential bound, which then is a few per cent larger, stands for the exact tail.
_MANY = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """A mean that is `truth` may be measured at `limit` or beyond with probability e^-log_tests at most.

    "Beyond" is away from the truth: above where the limit lies above it, below where it lies below.
    """

    truth: float
    limit: float
    log_tests: float

    @property
    def rising(self) -> End:
        """The same error with the limit above the truth: mirrored at 0 where it lies below."""
        if self.limit > self.truth:
            return self
        return End(truth=-self.truth, limit=-self.limit, log_tests=self.log_tests)


def whole(rows: float) -> int:
    """Rounded up, at least 1.

    Raises
    ------
    InputError
        If no data could be that large.
    """
    if not rows < 1e15:
        raise InputError("the tolerance is too small for any data. Use one like 0.02.")
    return max(math.ceil(rows), 1)


def reaching(draws: NDArray[np.int64], limit: float) -> NDArray[np.float64]:
    """Smallest sum whose mean counts as at or above the limit; one that differs from it by rounding alone does."""
    sums: NDArray[np.float64] = np.ceil(draws * limit - 1e-9 * (1.0 + draws * abs(limit)))
    return sums


def settles(
    log_error: Callable[[NDArray[np.int64]], NDArray[np.float64]], log_tests: float, exponent: float, tilt: float
) -> int:
    """Smallest number of rows such that it and every larger one errs with probability e^-log_tests at most.

    Parameters
    ----------
    log_error : callable
        Logarithm of a bound on the error's probability for numbers of rows.
    log_tests : float
    exponent : float
        The error's probability is known to be at most ``exp(-exponent * rows)``.
    tilt : float
        By how much the logarithm of a tail falls with each unit of the sum.

    Notes
    -----
    The error is no monotone function of the rows: with one row more the limit may still need the same sum. It is a saw
    whose teeth are `tilt` high at most on a slope of `exponent` per row, so any crossing, found by bisection, is followed by
    the last one within ``tilt / exponent`` rows. All of these are looked at.
    """
    high = whole(log_tests / exponent)
    if high > _MANY:
        return high
    low, top = 0, high
    while top - low > 1:
        middle = (low + top) // 2
        if log_error(np.array([middle]))[0] <= -log_tests:
            top = middle
        else:
            low = middle
    rows = np.arange(top, min(high, top + math.ceil(1.5 * tilt / exponent) + 50) + 1)
    wrong = rows[:-1][log_error(rows[:-1]) > -log_tests]
    return int(wrong[-1]) + 1 if wrong.size else top
