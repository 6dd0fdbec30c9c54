"""What is known of a distance between two sources, and the interval of those that behave like a square."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import ndtri

_STEPS, _CLOSE = 50, 1e-9  # of Newton's method, which doubles the digits with each


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """A distance of two samples, and the interval [low, high] that holds the one of their sources.

    `p_value` is the chance of a statistic this large or larger if both samples have one source, None where
    there is no such law. The statistic lies within `grid_error` of the one of the rows that were counted into cells.
    """

    name: str
    statistic: float
    low: float
    high: float
    p_value: float | None
    grid_error: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NullLaw:
    """Law of a statistic for equal sources, in multiples of its unit: mean, and quantiles alpha/2 and 1 - alpha/2."""

    mean: float
    least: float
    most: float


def square_low(value: float, variance: float, unit: float, law: NullLaw, alpha: float) -> float:
    """Lower end of the sources' distance D, from a statistic that is locally a squared length.

    Parameters
    ----------
    value : float
        The statistic, at least 0.
    variance : float
        Of the statistic's linear part, by the delta method.
    unit : float
        Equal sources give `unit` times a variable with law `law`.
    law : NullLaw
    alpha : float
        Half of it is the chance that an end misses.

    Notes
    -----
    For sources at distance D the statistic is D plus a linear part, whose variance vanishes with D, plus a positive
    quadratic one that remains when D = 0 and makes a plain delta interval fail there. As in Wilson's interval of
    a share [1]_ the ends are the least and the largest D that a test accepts, with the variance *at that D*,
    ``variance * D / value``. In units of `unit`, with x the statistic, the test of D accepts

        mean + D - sqrt(v D + (mean - least)^2)  <=  x  <=  mean + D + s + r (z^2 - 1) sqrt(v D) / s,

    where r = variance/(4 value unit), v = 4 z^2 r, s = sqrt(v D + (most - mean)^2), and the last term is the first
    Cornish-Fisher correction of skewness, faded in as the linear part takes over. Both ends are exact for D = 0
    and for large D; against the non-central chi-squared law between, with r = 1, they are conservative for
    1 to 100 degrees of freedom.

    References
    ----------
    .. [1] Wilson (1927). Probable inference, the law of succession, and statistical inference. JASA 22.
    """
    z = float(ndtri(1 - alpha / 2))
    x, r = value / unit, _relative(value, variance, unit)
    if x <= law.most:
        return 0.0
    v, skew, spread = 4 * z * z * r, max(z * z - 1, 0.0) * r, law.most - law.mean
    bend = skew * math.sqrt(v)
    root = start = math.sqrt(x - law.most)  # of D, from above
    for _ in range(_STEPS):
        s = math.sqrt(v * root * root + spread * spread)
        excess = root * root + law.mean + s + bend * root / s - x
        slope = 2 * root + v * root / s + bend * spread * spread / s**3
        step = excess / slope if slope else 0.0
        root = min(max(root - step, 0.0), start)
        if abs(step) <= _CLOSE * root:
            break
    return unit * root * root


def square_high(value: float, variance: float, unit: float, law: NullLaw, alpha: float) -> float:
    """Upper end, as `square_low`; never below the statistic, which is taken as its mean for equal sources at least."""
    v = 4 * float(ndtri(1 - alpha / 2)) ** 2 * _relative(value, variance, unit)
    above = max(value / unit - law.mean, 0.0)
    high = above + v / 2 + math.sqrt(above * v + v * v / 4 + (law.mean - law.least) ** 2)
    return max(unit * high, value)


def _relative(value: float, variance: float, unit: float) -> float:
    """The variance over that of a squared length of the same size, which is what it tends to near 0."""
    return variance / (4 * value * unit) if value > 0 else 1.0
