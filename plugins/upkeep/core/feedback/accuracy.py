"""How accurate the model is now: from the labels that came, from none, and from both together."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from upkeep.core.drift.spending import spend
from upkeep.core.feedback.buckets import BucketCounts, expected_accuracy
from upkeep.core.feedback.checks import check_labels, check_scores
from upkeep.core.feedback.intervals import clopper_pearson, weighted_radius
from upkeep.core.feedback.reference import ModelReference
from upkeep.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with the interval that holds it, and what must be true for that. `value` is None if nothing was seen."""

    value: float | None
    low: float
    high: float
    rows: int
    assumption: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AccuracyEstimate:
    """Accuracy of a window in three ways, the reference's, and the change from it (`combined` - `reference`).

    `live_rows` are the window's rows per score bucket, `live_accuracy` the combined estimate there (NaN
    without rows), both shape (buckets,).
    """

    labelled: Estimate
    unlabelled: Estimate
    combined: Estimate
    reference: Estimate
    change: Estimate
    alpha: float
    look: int
    live_rows: NDArray[np.int64] = field(repr=False)
    live_accuracy: NDArray[np.float64] = field(repr=False)


def estimate_accuracy(
    reference: ModelReference,
    scores: NDArray[np.float64],
    labels: NDArray[np.float64],
    *,
    alpha: float = 0.05,
    look: int = 1,
) -> AccuracyEstimate:
    """Estimate a window's accuracy whatever part of its labels is in.

    Parameters
    ----------
    reference : ModelReference
    scores : ndarray of float, shape (m,)
        P(label = 1) of every prediction in the window.
    labels : ndarray of float, shape (m,)
        0, 1, or NaN while pending.
    alpha : float
        Chance that `change` is ever wrong, over all looks of the life. Half of it is spent once on the reference's
        own error, half look by look; `labelled`, `unlabelled` and `combined` each use the latter by itself.
    look : int
        1 for the first window held against this reference.

    Notes
    -----
    *labelled*: Clopper-Pearson over rows with a label.
    *unlabelled*: sum over buckets of w_live x accuracy_reference, the importance weighting of [1]_.
    *combined*: in each bucket the labelled rows stand for the pending ones, shrunk to the reference by precision:
    the reference counts as v/(v/n + tau^2) rows, where v is the variance of one outcome and tau^2 the variance
    between buckets of live minus reference accuracy (method of moments [2]_). It is the plain mean once all labels are in. Its
    interval does not lean on the shrinkage: it is that of the stratified mean, which trusts the reference only
    in buckets without any label, widened to hold the value.

    References
    ----------
    .. [1] Shankar & Parameswaran (2021). Towards observability for machine learning pipelines. Section 3.2.2.
    .. [2] DerSimonian & Laird (1986). Meta-analysis in clinical trials. Control. Clin. Trials 7.

    Examples
    --------
    Two buckets of accuracy 0.8 and 0.5; 100 live rows fall into the first, 500 into the second.

    >>> reference = ModelReference.fit(
    ...     table={}, scores=np.repeat([0.1, 0.9], 10), labels=np.array([0] * 8 + [1] * 7 + [0] * 5),
    ...     when=np.full(20, "2024-01-01", dtype="datetime64[us]"), buckets=2)
    >>> live = np.repeat([0.1, 0.9], [100, 500])
    >>> round(estimate_accuracy(reference, live, np.full(600, np.nan)).unlabelled.value, 4)
    0.55
    """
    scores, labels = check_scores(scores), check_labels(labels)
    if len(scores) != len(labels) or not len(scores):
        raise InputError(f"scores and labels must have one length above 0, got {len(scores)} and {len(labels)}.")
    counts = BucketCounts.of(reference, scores, labels)
    each = spend(alpha / 2, look)
    labelled, per_bucket = _labelled(counts, each), expected_accuracy(counts)
    combined = labelled if counts.complete else _combined(counts, per_bucket, each)
    accepted = _accepted(reference, alpha / 2)
    return AccuracyEstimate(
        labelled=labelled,
        unlabelled=_unlabelled(counts, each),
        combined=combined,
        reference=accepted,
        change=_change(combined, accepted),
        alpha=alpha,
        look=look,
        live_rows=counts.live,
        live_accuracy=per_bucket,
    )


def _accepted(reference: ModelReference, alpha: float) -> Estimate:
    low, high = clopper_pearson(reference.correct, reference.rows, alpha)
    return Estimate(
        value=reference.accuracy,
        low=low,
        high=high,
        rows=reference.rows,
        assumption="The reference rows were not used to fit the model.",
    )


def _change(now: Estimate, before: Estimate) -> Estimate:
    return Estimate(
        value=None if now.value is None or before.value is None else now.value - before.value,
        low=now.low - before.high,
        high=now.high - before.low,
        rows=now.rows,
        assumption=f"{before.assumption} {now.assumption}",
    )


def _labelled(counts: BucketCounts, alpha: float) -> Estimate:
    rows, correct = int(counts.known.sum()), int(counts.correct.sum())
    low, high = clopper_pearson(correct, rows, alpha)
    return Estimate(
        value=correct / rows if rows else None,
        low=low,
        high=high,
        rows=rows,
        assumption="All labels are in."
        if counts.complete
        else "Which labels are late does not depend on the row at all.",
    )


def _unlabelled(counts: BucketCounts, alpha: float) -> Estimate:
    rows = int(counts.live.sum())
    weights = counts.live / rows
    value = float(weights @ counts.ref_accuracy)
    # 1/rows: the window's own rows are a sample too
    radius = weighted_radius(float((weights**2 / counts.ref).sum()) + 1 / rows, alpha)
    return Estimate(
        value=value,
        low=max(0.0, value - radius),
        high=min(1.0, value + radius),
        rows=rows,
        assumption="Within a score bucket the model is as often right as on the reference: no concept shift.",
    )


def _combined(counts: BucketCounts, per_bucket: NDArray[np.float64], alpha: float) -> Estimate:
    rows = int(counts.live.sum())
    weights, seen = counts.live / rows, counts.known > 0
    value = float(np.nansum(weights * per_bucket))
    accuracy = np.where(seen, counts.correct / np.maximum(counts.known, 1), counts.ref_accuracy)
    behind = np.where(seen, counts.known, counts.ref)
    blind = float(weights[~seen].sum())
    radius = weighted_radius(float((weights**2 / behind).sum()) + blind / rows, alpha)
    centre = float(weights @ accuracy)
    return Estimate(
        value=value,
        low=max(0.0, min(centre - radius, value)),
        high=min(1.0, max(centre + radius, value)),
        rows=rows,
        assumption=(
            "Within a score bucket, whether a label is late does not depend on its value"
            + (f"; the {blind:.0%} of rows in buckets without labels are as on the reference." if blind else ".")
        ),
    )
