"""How well a model does in a window of which all labels are in, some, or none: the front door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from upkeep.core.columns import Table
from upkeep.core.feedback.delay.model import DelayModel
from upkeep.core.feedback.estimate.reference import EstimateReference
from upkeep.core.feedback.partial.classes import fill, measure
from upkeep.core.feedback.partial.residuals import MOMENTS, fill_residuals, measure_residuals
from upkeep.core.feedback.partial.result import MetricEstimate
from upkeep.core.feedback.partial.shift import Carried, Shift
from upkeep.core.feedback.partial.window import Window
from upkeep.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PerformanceEstimate:
    """Every metric of a window, and how it was come by.

    Attributes
    ----------
    metrics : mapping of str to MetricEstimate
    method : str
        How labels that are not in were filled in, in words.
    chances : ndarray of float
        Label chances: shape (m,) for two classes, (m, k) for more; of a regressor the expected residual, its
        absolute value and its square, shape (m, 3). Exact where the label is in.
    carried : Carried
        For the next window of the same life.
    """

    metrics: Mapping[str, MetricEstimate]
    method: str
    chances: NDArray[np.float64] = field(repr=False)
    carried: Carried = field(repr=False)


def estimate_performance(
    reference: EstimateReference,
    table: Table,
    scores: ArrayLike,
    labels: ArrayLike,
    *,
    age_h: ArrayLike | None = None,
    delays: DelayModel | None = None,
    buckets: ArrayLike | None = None,
    carried: Carried | None = None,
    alpha: float = 0.05,
) -> PerformanceEstimate:
    """Estimate every metric of a window, whatever part of its labels is in.

    Parameters
    ----------
    reference : EstimateReference
        Learned from rows held out from training; says what rows are likely to be while no label is in.
    table : mapping of str to ndarray or Coded, each shape (m,)
        Features of the window's rows.
    scores : array of float
        P(label = 1), shape (m,); P(class), shape (m, k); or predictions, shape (m,).
    labels : array of float, shape (m,)
        Number of the class, or the target; NaN while pending.
    age_h : array of float, shape (m,), optional
        Hours since each prediction. Needed with `delays`.
    delays : DelayModel, optional
        How late labels are, by bucket and class, learned from rows old enough to be judged.
    buckets : array of int, shape (m,), optional
        Parts of the data that may have delays, and a shift, of their own.
    carried : Carried, optional
        From the window before this one. Pass each window on once: labels that are counted twice count too much.
    alpha : float
        Chance that an interval misses, for this window and metric.

    Notes
    -----
    A live row's label has the reference's chance, its log odds moved by a shift: an intercept, slopes in the log odds
    themselves, an effect of its bucket and one of its score cell. A label of class y is in by age a with chance
    G_y(a), so a labelled row has likelihood pi_y, a pending one sum_y pi_y (1 - G_y(a)). The effects have normal
    priors whose variances are averaged over by their evidence, and earlier windows are their mean, see `blend`. Pending rows then
    count with their chances given that they still wait, so all metrics are the plain ones once all labels are in.

    `low` and `high` of a metric hold what the window's own metric will be when its labels are in: the pending labels are
    drawn by their chances, and the shift is uncertain. `rate_low` and `rate_high` hold the metric of such rows without end;
    for accuracy with all labels in they are Clopper and Pearson's. Both are for one look at one window; for looks
    without end see `accuracy_sequence`.

    The delay model is taken as known, but not its pace: if in a bucket far more or fewer labels are in than it says, only the
    ratio between its classes is used.

    Raises
    ------
    InputError
        If lengths, classes, ages or what was carried do not fit together.

    Examples
    --------
    The reference was right in 90 of 100 rows. Of 100 live rows 40 have a label, and 24 of these are right.

    >>> score, label = np.repeat([0.1, 0.9], 50), np.repeat([0, 1, 0, 1], [45, 5, 5, 45])
    >>> reference = EstimateReference.fit({}, score, label, kind="binary")
    >>> live = np.where(np.arange(100) % 5 < 2, np.tile([1, 1, 1, 0, 0], 20) == (score > 0.5), np.nan)
    >>> blind = estimate_performance(reference, {}, score, np.full(100, np.nan)).metrics["accuracy"]
    >>> round(blind.value, 3), blind.labelled, blind.assumption
    (0.9, 0, 'No concept shift: rows have the label chances of the reference.')
    """
    if not 0 < alpha < 1:
        raise InputError(f"alpha must lie strictly between 0 and 1, got {alpha}. For 95 % intervals pass alpha=0.05.")
    score = np.asarray(scores, dtype=np.float64)
    window = Window.of(len(score), labels, age_h, delays, buckets)
    expected = reference.chances(table, score)
    if reference.kind == "regression":
        before = _before(carried, MOMENTS, Shift.none())
        moments = fill_residuals(expected, score, window, before)
        assumption = _assumption(window, before["absolute"], off_pace=False)
        return PerformanceEstimate(
            metrics=measure_residuals(moments, window, alpha, assumption),
            method=_method(reference, window),
            chances=np.column_stack([moments[name].expected for name in MOMENTS]),
            carried=Carried(shifts={name: moments[name].blend.carried for name in MOMENTS}),
        )
    chances = np.column_stack([1 - expected, expected]) if score.ndim == 1 else expected
    window.check_classes(chances.shape[1])
    shift = _before(carried, ("label",), Shift.of_classes(chances.shape[1]))["label"]
    filled = fill(chances, window, shift)
    assumption = _assumption(window, shift, off_pace=filled.off_pace)
    return PerformanceEstimate(
        metrics=measure(filled, score, reference.threshold, window, alpha, assumption),
        method=_method(reference, window),
        chances=filled.chances[:, 1] if score.ndim == 1 else filled.chances,
        carried=Carried(shifts={"label": filled.blend.carried}),
    )


def _before(carried: Carried | None, names: tuple[str, ...], first: Shift) -> dict[str, Shift]:
    if carried is None:
        return dict.fromkeys(names, first)
    shapes = {name: (shift.features, shift.own, shift.coordinates) for name, shift in carried.shifts.items()}
    if shapes != dict.fromkeys(names, (first.features, first.own, first.coordinates)):
        raise InputError(
            f"what earlier windows say must be of {', '.join(names)} with {first.features} features, got {shapes}. "
            "Carry only between windows of one model."
        )
    return dict(carried.shifts)


def _method(reference: EstimateReference, window: Window) -> str:
    known = int(window.known.sum())
    if known == len(window.labels):
        return "labels"
    start = f"reference ({reference.method})"
    if not known:
        return start
    return f"{start}, shifted by {known} labels" + ("" if window.delays is None else " and their delays")


def _assumption(window: Window, before: Shift, *, off_pace: bool) -> str:
    known = window.known
    if known.all():
        return "All labels are in."
    if not known.any() and not before.windows:
        return "No concept shift: rows have the label chances of the reference."
    if not known.any():
        return (
            "The concept has moved no further since the last window with labels than it usually does from one window to the "
            f"next, as the {before.windows} so far say."
        )
    if window.delays is None:
        return "Within a bucket and score cell, rows whose label is in are like those that wait."
    if off_pace:
        return (
            "Labels come at another pace than the delay model says; within a bucket, age and score cell how much sooner one "
            "class's labels come than another's is as it says."
        )
    return "Within a bucket and class, labels come by age as the delay model says, whatever else the row is."
