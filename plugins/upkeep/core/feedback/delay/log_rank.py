"""Whether labels have become slower or faster, by more than matters."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from upkeep.core.drift.spending import spend
from upkeep.core.feedback.delay.risk_table import LEAST_LABELS, RiskTable
from upkeep.errors import InputError

#: Log hazard ratios further out are as good as infinite.
_FAR = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayChange:
    """The rate at which labels come now, as a multiple of what it was at the same age.

    Attributes
    ----------
    statistic, p_value : float
        Of the two-sided log-rank test that nothing changed; positive = faster now.
    ratio, low, high : float
        Hazard ratio, now over before, and its limits for this look; 0 or infinite where only one side has labels, NaN where
        none can be compared.
    slower, faster : bool
        Certainly so, and by more than tolerated.
    labels_before, labels : int
    alpha, tolerance : float
    look : int
    """

    statistic: float
    p_value: float
    ratio: float
    low: float
    high: float
    slower: bool
    faster: bool
    labels_before: int
    labels: int
    alpha: float
    tolerance: float
    look: int

    @property
    def sentence(self) -> str:
        if self.slower:
            return (
                f"Labels have become slower: at the same age they come at {self.ratio:.2f} times the earlier rate, "
                f"at most {self.high:.2f}."
            )
        if self.faster:
            return (
                f"Labels have become faster: at the same age they come at {self.ratio:.2f} times the earlier rate, "
                f"at least {self.low:.2f}."
            )
        return "Labels are not shown to come slower or faster than before."


def compare_delays(
    before: tuple[ArrayLike, ArrayLike],
    now: tuple[ArrayLike, ArrayLike],
    *,
    strata: tuple[ArrayLike, ArrayLike] | None = None,
    weights: tuple[float, float] = (0.0, 0.0),
    tolerance: float = 0.1,
    alpha: float = 0.05,
    look: int = 1,
) -> DelayChange:
    """Hold the delays of a window against those of before.

    Parameters
    ----------
    before, now : pair of arrays, each shape (n,)
        Hours (delay of labelled rows, age of pending ones) and whether a row is pending.
    strata : pair of int arrays, each shape (n,), optional
        Bucket of each row: rows are compared within their bucket only, so that a bucket with late labels may grow.
    weights : (rho, gamma)
        Fleming and Harrington's: S^rho (1 - S)^gamma, where S is the share of rows of both windows that still wait. (0, 0) is the
        log-rank test, (1, 0) looks at early labels, (0, 1) at late ones.
    tolerance : float
        A rate between 1 / (1 + tolerance) and 1 + tolerance times the earlier one does not matter.
    alpha : float
        Chance of ever calling labels slower or faster when they are not, over all looks of the life; look k spends
        6 alpha / (pi^2 k^2).
    look : int

    Raises
    ------
    InputError
        If a setting is outside its range, or a row cannot be.

    Notes
    -----
    At each age d of n waiting rows get their label, n_1 of the n being of now. If labels come at theta times the earlier
    rate, d n_1 theta / (n_1 theta + n_0) of the d are expected to be of now. The sum of observed minus expected over its
    standard error (hypergeometric) is at theta = 1 the log-rank statistic [1]_, and elsewhere the score of Cox's model [2]_.
    `low` and `high` are the theta at which it reaches the normal quantile. There the variance is the mean of the expected and
    the observed one: with the former alone the statistic is skewed where one window is much smaller, and says "faster" up
    to twice as often as it may [3]_. The statistic at a tolerable theta stays on its side of 0 if the ratio is tolerable at every
    age. Labels of many rows at once (ties) draw the ratio towards 1, never away from it.

    Nothing is said with fewer than 30 labels on either side: there the normal approximation fails.

    References
    ----------
    .. [1] Mantel (1966). Evaluation of survival data and two new rank order statistics arising in its consideration.
       Cancer Chemother. Rep. 50.
    .. [2] Cox (1972). Regression models and life-tables. JRSS B 34.
    .. [3] Wu (2014). A new one-sample log-rank test. J. Biom. Biostat. 5, for the mean of both variances.

    Examples
    --------
    >>> import numpy as np
    >>> hours = -10 * np.log(1 - np.linspace(0, 0.99, 500))  # a tenth of those that wait, every hour
    >>> change = compare_delays((hours, hours > 30), (2 * hours, hours > 20))
    >>> change.slower, change.sentence
    (True, 'Labels have become slower: at the same age they come at 0.51 times the earlier rate, at most 0.60.')
    """
    if tolerance < 0:
        raise InputError(f"tolerance must be at least 0, got {tolerance}. To ignore changes of 10 % pass 0.1.")
    each = spend(alpha, look)
    table = RiskTable.of(before, now, strata, weights)
    quantile = -float(ndtri(each / 2))
    statistic = table.statistic(0.0)
    ratio, low, high = (_ratio_at(partial(table.statistic, both=True), at) for at in (0.0, quantile, -quantile))
    enough = min(table.labels_before, table.labels) >= LEAST_LABELS
    return DelayChange(
        statistic=statistic,
        p_value=float(2 * ndtr(-abs(statistic))),
        ratio=ratio,
        low=low,
        high=high,
        slower=enough and high < 1 / (1 + tolerance),
        faster=enough and low > 1 + tolerance,
        labels_before=table.labels_before,
        labels=table.labels,
        alpha=alpha,
        tolerance=tolerance,
        look=look,
    )


def _ratio_at(statistic: Callable[[float], float], value: float) -> float:
    """Hazard ratio at which the statistic, which falls with it, has this value; 0 or infinity if beyond, NaN if anywhere."""
    most, least = statistic(-_FAR), statistic(_FAR)
    if most == least == value:
        return math.nan
    if most <= value:
        return 0.0
    if least >= value:
        return math.inf
    return math.exp(float(brentq(lambda beta: statistic(beta) - value, -_FAR, _FAR, xtol=1e-5)))
