"""How late the labels of a window are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import row_count
from upkeep.core.feedback.delay.curve import DelayCurve
from upkeep.core.feedback.delay.plateau import Plateau
from upkeep.errors import InputError

#: Ages whose share of labels is told: an hour, a quarter of a day, a day, three, a week.
AGES_H = (1, 6, 24, 72, 168)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledBy:
    """P(labelled by an age) with its 95 % limits, this age and window by themselves."""

    age_h: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DelaySummary:
    """Delays of a window; rows without a label count as still waiting.

    Attributes
    ----------
    rows, labelled, pending : int
    share_labelled : float
    median_delay_h : float or None
        None while fewer than half of the labels are in.
    labelled_by : tuple of LabelledBy
        P(labelled) by 1 h, 6 h, 1 d, 3 d and 7 d after the prediction, as far as there are rows of that age.
    plateau : Plateau
        How many labels ever come, and whether that is known yet.
    """

    rows: int
    labelled: int
    pending: int
    share_labelled: float
    median_delay_h: float | None
    labelled_by: tuple[LabelledBy, ...]
    plateau: Plateau


def summarise_delays(
    observed_at: NDArray[np.datetime64],
    predicted_at: NDArray[np.datetime64],
    as_of: np.datetime64,
) -> DelaySummary:
    """Delays of a window.

    Parameters
    ----------
    observed_at : ndarray of datetime64, shape (n,)
        NaT = pending.
    predicted_at : ndarray of datetime64, shape (n,)
    as_of : datetime64
        The moment of looking.

    Notes
    -----
    Shares by age, and the median, are those of the Kaplan-Meier curve [1]_ with pending rows censored at their age. A label
    that was seen before its prediction was not late.

    References
    ----------
    .. [1] Kaplan & Meier (1958). Nonparametric estimation from incomplete observations. JASA 53.

    Examples
    --------
    >>> day = np.datetime64("2024-01-01", "us")
    >>> seen = np.array([day + np.timedelta64(h, "h") for h in (2, 4, 6)] + [np.datetime64("NaT")])
    >>> summarise_delays(seen, np.full(4, day), day + np.timedelta64(9, "h")).median_delay_h
    4.0
    """
    rows = row_count({"observed_at": observed_at, "predicted_at": predicted_at})
    if not rows:
        raise InputError("a window must have predictions for its delays to be summarised, got none.")
    pending = np.isnat(observed_at)
    hours = (np.where(pending, as_of, observed_at) - predicted_at) / np.timedelta64(1, "h")
    labelled = rows - int(pending.sum())
    curve = DelayCurve.fit(np.maximum(hours, 0.0), pending)
    return DelaySummary(
        rows=rows,
        labelled=labelled,
        pending=rows - labelled,
        share_labelled=labelled / rows,
        median_delay_h=curve.quantile(0.5),
        labelled_by=_by_age(curve),
        plateau=curve.plateau,
    )


def _by_age(curve: DelayCurve) -> tuple[LabelledBy, ...]:
    ages = np.array([age for age in AGES_H if age <= curve.longest])
    low, high = curve.interval(ages)
    return tuple(
        LabelledBy(age_h=float(age), value=float(value), low=float(under), high=float(over))
        for age, value, under, over in zip(ages, curve.labelled_by(ages), low, high, strict=True)
    )
