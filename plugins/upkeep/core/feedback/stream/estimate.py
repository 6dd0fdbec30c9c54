"""An estimate and how far the rows that were dropped may have moved it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import ndtri

from upkeep.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What the exact join would say, as far as a sample of its pairs tells.

    `error` is the standard error that sampling brings in, and 0 while nothing was dropped; it says nothing about how far a
    metric of so many rows lies from that of all rows to come.
    """

    value: float
    error: float

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """Normal approximation: it misses the exact join's value in about `alpha` of all joins.

        Examples
        --------
        >>> [round(end, 4) for end in Estimate(value=0.8, error=0.01).interval()]
        [0.7804, 0.8196]
        """
        if not 0 < alpha < 1:
            raise InputError(
                f"alpha must lie strictly between 0 and 1, got {alpha}. For 95 % confidence pass alpha=0.05."
            )
        if not self.error:
            return self.value, self.value
        radius = float(ndtri(1 - alpha / 2)) * self.error
        return self.value - radius, self.value + radius


def undefined() -> Estimate:
    """Of a metric that so few pairs do not have."""
    return Estimate(value=math.nan, error=math.nan)
