"""When a window's labels will be enough for the precision that is wanted, or why they never will."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from upkeep.core.feedback.delay.curve import DelayCurve
from upkeep.core.feedback.delay.kaplan_meier import Floats
from upkeep.core.feedback.intervals import clopper_pearson
from upkeep.errors import InputError

#: Pending rows are looked at in so many groups of like age, and the future at so many moments before it is refined.
_GROUPS, _MOMENTS = 500, 200
#: What an accuracy known from before is worth in labels.
_PRIOR_LABELS = 30
#: So many times the labels narrow an interval by a twentieth only.
_NO_GAIN = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Hours are counted from now. Counts are labels of the window.

    Attributes
    ----------
    half_width : float
        Of the accuracy's 95 % interval now.
    needed : int
        Labels at which it reaches the precision, if the accuracy stays as it is.
    final, final_low, final_high : float
        Labels that ever come, as far as the delays are known, with 95 % limits.
    final_half_width : float
        At `final`.
    ready_h, early_h, late_h : float or None
        Hours until the precision is reached, with 95 % limits; None where it is not within the delays that are known.
    never : str
        Why it will not be reached; empty while it may be.
    final_now : bool
        It will not be reached, and less than a tenth more labels will come: they would narrow the interval by a twentieth.
    """

    half_width: float
    needed: int
    final: float
    final_low: float
    final_high: float
    final_half_width: float
    ready_h: float | None
    early_h: float | None
    late_h: float | None
    never: str
    final_now: bool


def forecast(
    ages_h: ArrayLike,
    labelled: int,
    correct: int,
    curve: DelayCurve,
    *,
    precision: float,
    accuracy: float | None = None,
    alpha: float = 0.05,
) -> Forecast:
    """Say when the accuracy of a window will be known to +/- `precision`.

    Parameters
    ----------
    ages_h : array of float, shape (pending,)
        Hours since each pending row was predicted; negative for a row that is still to be predicted.
    labelled, correct : int
        Labels that are in, and predictions that they show to be right.
    curve : DelayCurve
        P(labelled by age).
    precision : float
        Half-width of the Clopper-Pearson interval, in (0, 1).
    accuracy : float, optional
        Expected before the first label, 0.5 (the hardest) if left out; counts as 30 labels.
    alpha : float
        Chance that an interval misses: that of the accuracy, and that of the moment.

    Notes
    -----
    A row that has waited a hours has its label by a + h with chance (F(a + h) - F(a)) / (1 - F(a)). The number of labels is
    the sum of these. Its limits count in their own scatter, the curve's standard error (for all rows in the same
    direction, which is cautious) and, for the moment, that of the accuracy: one near 1/2 takes more labels. Beyond the
    longest age that the curve has seen no label is expected. *Never* is said by the upper limit, and only if all labels
    together are too few or the curve has reached its plateau.

    Examples
    --------
    About 1,000 labels are needed where half of them come within ten hours and all within twenty.

    >>> curve = DelayCurve.fit(np.linspace(0, 20, 1001), np.zeros(1001, dtype=bool))
    >>> told = forecast(np.zeros(2000), 0, 0, curve, precision=0.0315)
    >>> told.needed, round(told.ready_h), told.never
    (997, 10, '')
    """
    ages = np.asarray(ages_h, dtype=np.float64)
    if not 0 < precision < 1:
        raise InputError(f"precision must lie strictly between 0 and 1, got {precision}. For one point pass 0.01.")
    if ages.ndim != 1 or not np.isfinite(ages).all() or not 0 <= correct <= labelled:
        raise InputError(f"ages must be finite, and 0 <= correct <= labelled, got {correct} of {labelled}.")
    share = _expected_accuracy(labelled, correct, accuracy)
    z = -float(ndtri(alpha / 2))
    rows = labelled + len(ages)
    needed = _needed(share, precision, alpha)
    coming = _Coming(ages, curve)
    horizon = max(0.0, curve.longest - float(ages.min())) if len(ages) else 0.0
    moments = np.concatenate([[0.0], np.geomspace(1e-4, 1, _MOMENTS) * horizon]) if horizon else np.zeros(1)
    expected, error = coming.labels(moments)
    middle, low, high = (np.clip(labelled + expected + k * z * error, labelled, rows) for k in (0, -1, 1))
    radius = z * _spread(share, labelled, min(needed, float(high[-1])), accuracy)
    fewest, most = (_needed(p, precision, alpha) for p in _around(share, radius))
    never = _never(curve, rows, needed, fewest, float(high[-1]), precision)
    ends = clopper_pearson(correct, labelled, alpha)
    width = (ends[1] - ends[0]) / 2
    reached = width <= precision
    return Forecast(
        half_width=width,
        needed=needed,
        final=float(middle[-1]),
        final_low=float(low[-1]),
        final_high=float(high[-1]),
        final_half_width=_half_width(share, float(middle[-1]), alpha),
        ready_h=0.0 if reached else _when(moments, middle, needed),
        early_h=0.0 if reached else _when(moments, high, fewest),
        late_h=0.0 if reached else _when(moments, low, most),
        never="" if reached else never,
        final_now=bool(never) and not reached and float(high[-1]) <= _NO_GAIN * labelled,
    )


class _Coming:
    """Labels that pending rows will have, by the time that passes."""

    def __init__(self, ages: Floats, curve: DelayCurve) -> None:
        order = np.sort(ages)
        parts = np.array_split(order, min(_GROUPS, max(1, len(order)))) if len(order) else []
        self.counts = np.array([len(part) for part in parts], dtype=np.float64)
        self.ages = np.array([part.mean() for part in parts], dtype=np.float64)
        self.curve = curve

    def labels(self, moments: Floats) -> tuple[Floats, Floats]:
        """Expected number and its standard error at each moment, shape (moments,) each."""
        now, then = np.maximum(self.ages, 0.0), np.maximum(self.ages + moments[:, None], 0.0)
        left_now, left = (1 - self.curve.labelled_by(age) for age in (now, then))
        stays = np.divide(left, left_now, out=np.ones_like(left), where=left_now > 0)
        relative = [
            np.divide(self.curve.standard_error(age), part, out=np.zeros_like(part), where=part > 0)
            for age, part in ((now, left_now), (then, left))
        ]
        unsure = stays * np.sqrt(
            np.maximum(relative[1] ** 2 - relative[0] ** 2, 0.0)
        )  # Greenwood's sum between the ages
        scatter = (stays * (1 - stays)) @ self.counts
        return (1 - stays) @ self.counts, np.sqrt(scatter + (unsure @ self.counts) ** 2)


def _expected_accuracy(labelled: int, correct: int, accuracy: float | None) -> float:
    prior = 0 if accuracy is None else _PRIOR_LABELS
    if not labelled + prior:
        return 0.5
    return (correct + prior * (accuracy or 0.0)) / (labelled + prior)


def _spread(share: float, labelled: int, later: float, accuracy: float | None) -> float:
    """Standard error of the share right among `later` labels, of which so many are known; infinite if nothing is."""
    known = labelled + (0 if accuracy is None else _PRIOR_LABELS)
    more = max(0.0, later - labelled)
    smooth = (known * share + 1) / (known + 2)  # all right so far does not mean all right for sure
    return float(np.sqrt(smooth * (1 - smooth) * more / (known * (known + more)))) if known else np.inf


def _around(share: float, radius: float) -> tuple[float, float]:
    """Accuracies within the radius at which the fewest labels are needed, and the most."""
    off = abs(share - 0.5)
    return min(1.0, 0.5 + off + radius), 0.5 + max(0.0, off - radius)


def _half_width(share: float, labels: float, alpha: float) -> float:
    rows = int(labels)
    low, high = clopper_pearson(round(share * rows), rows, alpha)
    return (high - low) / 2


def _needed(share: float, precision: float, alpha: float) -> int:
    """Fewest labels at which the half-width is the precision."""
    few, many = 0, 1
    while _half_width(share, many, alpha) > precision:
        few, many = many, 2 * many
    while many - few > max(1, many // 1000):
        middle = (few + many) // 2
        few, many = (middle, many) if _half_width(share, middle, alpha) > precision else (few, middle)
    return many


def _when(moments: Floats, labels: Floats, needed: int) -> float | None:
    """First moment with so many labels; None if that is beyond all of them."""
    rising = np.maximum.accumulate(labels)
    at = int(np.searchsorted(rising, needed - 1e-6))
    if at == len(moments):
        return None
    if not at or rising[at] <= rising[at - 1]:
        return float(moments[at])
    part = (needed - rising[at - 1]) / (rising[at] - rising[at - 1])
    return float(moments[at - 1] + min(1.0, part) * (moments[at] - moments[at - 1]))


def _never(curve: DelayCurve, rows: int, needed: int, fewest: int, most: float, precision: float) -> str:
    if rows < fewest:
        return f"for +/- {precision:g} about {needed} labels are needed, and the window has {rows} predictions."
    plateau = curve.plateau
    if plateau.reached and most < fewest:
        return (
            f"for +/- {precision:g} about {needed} labels are needed, and of {rows} no more than {int(most)} will come: "
            f"{plateau.sentence}"
        )
    return ""
