"""Intervals of metrics that cannot leave their range."""

from __future__ import annotations

import math

from scipy.special import betaincinv, gammaincinv, ndtri

#: Largest value of a metric with both ends; the others are not negative, or any number.
BOUNDED = frozenset({"accuracy", "precision", "recall", "f1", "roc_auc", "brier"})
_UNBOUNDED = frozenset({"bias"})


def interval(name: str, value: float, variance: float, alpha: float, *, most: float = 1.0) -> tuple[float, float]:
    """Two-sided interval of a metric with this mean and variance.

    Parameters
    ----------
    name : str
    value, variance : float
    alpha : float
        Chance of missing, half of it on either side.
    most : float
        Largest value of a bounded metric.

    Returns
    -------
    (float, float)
        The value itself twice if the variance is 0; NaN for a metric that is not defined.

    Notes
    -----
    A Beta law of this mean and variance for metrics with two ends, a Gamma law for those that are not negative, a normal
    one for the rest. All three are nearly normal unless the value is close to an end, where a normal interval
    would leave the range and miss on one side.

    Examples
    --------
    >>> [round(end, 4) for end in interval("accuracy", 0.98, 0.0004, 0.05)]
    [0.9262, 0.9995]
    """
    if math.isnan(value) or variance <= 0:
        return value, value
    if name in BOUNDED and 0 < value < most and variance < value * (most - value):
        share = value / most
        size = value * (most - value) / variance - 1
        a, b = share * size, (1 - share) * size
        low, high = (most * float(betaincinv(a, b, q)) for q in (alpha / 2, 1 - alpha / 2))
    elif name in BOUNDED:
        return 0.0, most
    elif name in _UNBOUNDED or value <= 0:
        reach = math.sqrt(variance) * float(ndtri(1 - alpha / 2))
        return value - reach, value + reach
    else:
        shape = value**2 / variance
        low, high = (float(gammaincinv(shape, q)) * variance / value for q in (alpha / 2, 1 - alpha / 2))
    return min(low, value), max(high, value)  # a very skewed law may have its mean beyond a quantile
