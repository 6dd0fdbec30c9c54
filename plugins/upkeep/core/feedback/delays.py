"""How late the labels are, and whose are later than the others'."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Table, row_count
from upkeep.core.feedback.delay.curve import DelayCurve
from upkeep.core.feedback.delay.plateau import Plateau
from upkeep.core.feedback.intervals import clopper_pearson
from upkeep.core.profile.cells import category_counts
from upkeep.errors import InputError

#: A level with fewer rows, or with an excess of pending rows no larger than this, is nobody's concern.
LEAST_ROWS = 50
TOLERATED = 0.05
#: Ages whose share of labels is told: an hour, a quarter of a day, a day, three, a week.
AGES_H = (1, 6, 24, 72, 168)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowBucket:
    """A level whose rows are pending more often than all other rows."""

    column: str
    level: str
    rows: int
    pending_share: float
    rest_pending_share: float
    sentence: str


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
    slow : tuple of SlowBucket
    """

    rows: int
    labelled: int
    pending: int
    share_labelled: float
    median_delay_h: float | None
    labelled_by: tuple[LabelledBy, ...]
    plateau: Plateau
    slow: tuple[SlowBucket, ...]


def summarise_delays(
    observed_at: NDArray[np.datetime64],
    predicted_at: NDArray[np.datetime64],
    as_of: np.datetime64,
    *,
    groups: Table,
    alpha: float,
) -> DelaySummary:
    """Delays of a window.

    Parameters
    ----------
    observed_at : ndarray of datetime64, shape (n,)
        NaT = pending.
    predicted_at : ndarray of datetime64, shape (n,)
    as_of : datetime64
        The moment of looking.
    groups : mapping of str to ndarray or Coded, each shape (n,)
        Text or boolean columns whose levels may be slow.
    alpha : float
        Chance that any level is named without being slower than tolerated, for this look.

    Notes
    -----
    Shares by age, and the median, are those of the Kaplan-Meier curve [1]_ with pending rows censored at their age. A label
    that was seen before its prediction was not late. A level is named if its share of pending rows certainly exceeds that of
    all other rows by more than 0.05: the lower Clopper-Pearson limit of the one lies so far above the upper limit of the
    other, each missed with chance alpha / (2 levels) or less, over all levels of at least 50 rows. It holds at any share
    and size; a z-test takes 50 pending rows of 50 for free of error. Rows are pending independently of each other. Rows
    of a level that were predicted later are pending more often for that reason alone.

    References
    ----------
    .. [1] Kaplan & Meier (1958). Nonparametric estimation from incomplete observations. JASA 53.

    Examples
    --------
    >>> day = np.datetime64("2024-01-01", "us")
    >>> seen = np.array([day + np.timedelta64(h, "h") for h in (2, 4, 6)] + [np.datetime64("NaT")])
    >>> summarise_delays(seen, np.full(4, day), day + np.timedelta64(9, "h"), groups={}, alpha=0.05).median_delay_h
    4.0
    """
    rows = row_count(dict(groups) | {"observed_at": observed_at, "predicted_at": predicted_at})
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
        slow=_slow(groups, pending, alpha),
    )


def _by_age(curve: DelayCurve) -> tuple[LabelledBy, ...]:
    ages = np.array([age for age in AGES_H if age <= curve.longest])
    low, high = curve.interval(ages)
    return tuple(
        LabelledBy(age_h=float(age), value=float(value), low=float(under), high=float(over))
        for age, value, under, over in zip(ages, curve.labelled_by(ages), low, high, strict=True)
    )


def _slow(groups: Table, pending: NDArray[np.bool_], alpha: float) -> tuple[SlowBucket, ...]:
    rows, late = len(pending), int(pending.sum())
    candidates = [
        (column, level, held, int(late_counts.get(level, 0)))
        for column, values in groups.items()
        for late_counts in (Counter(category_counts(values[pending])),)
        for level, held in category_counts(values).items()
        if LEAST_ROWS <= held <= rows - LEAST_ROWS
    ]
    found = []
    for column, level, held, waiting in candidates:
        p, q = waiting / held, (late - waiting) / (rows - held)
        # a two-sided interval misses with half of its alpha on either side
        low, _ = clopper_pearson(waiting, held, alpha / len(candidates))
        _, high = clopper_pearson(late - waiting, rows - held, alpha / len(candidates))
        if low - high > TOLERATED:
            sentence = f"{column} = {level}: {p:.0%} of {held} rows are pending, against {q:.0%} of the others."
            found.append(
                SlowBucket(
                    column=column, level=level, rows=held, pending_share=p, rest_pending_share=q, sentence=sentence
                )
            )
    return tuple(sorted(found, key=lambda s: (s.rest_pending_share - s.pending_share, s.column, s.level)))
