"""What labels say about a window: those that are in, those that are late, and what is known of them beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns
from upkeep.core.feedback.accuracy import Estimate
from upkeep.core.feedback.delay.forecast import forecast
from upkeep.core.feedback.delay.log_rank import DelayChange, compare_delays
from upkeep.core.feedback.expectation import LabelExpectation
from upkeep.core.feedback.late.look import late_rules
from upkeep.core.feedback.late.rules import LateRules
from upkeep.core.feedback.late.terms import Terms
from upkeep.core.feedback.metrics.binary import binary_metrics
from upkeep.core.feedback.partial.performance import estimate_performance
from upkeep.core.feedback.partial.result import MetricEstimate
from upkeep.core.feedback.partial.shift import Carried
from upkeep.ports import Documents, Json
from upkeep.stages.health_window import Window

#: How often a band misses what it is about, for one window and metric by itself.
ALPHA = 0.05
#: Share of the labels that come within the time after which one is late.
DUE = 0.95
_HOUR = np.timedelta64(1, "h")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Performance:
    """Every metric of a window, whatever part of its labels is in.

    `rows` of the `of` rows were looked at. `accuracy` holds with 95 % for this window; `lasting` is the accuracy of such
    rows without end, by the error that this look may spend. `right` is the expected share predicted rightly in
    each score bucket, NaN without rows.
    """

    metrics: Mapping[str, MetricEstimate]
    method: str
    carried: Carried
    rows: int
    of: int
    accuracy: Estimate
    lasting: Estimate
    right: NDArray[np.float64] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labels:
    """Rows of a window whose features are kept, with their labels; shape (k,) each.

    `observed_at` is when a label was first known, and `known_until` the moment of the newest label that has come: of what
    came later nothing is known, so pending rows wait at their age then. `all_scores` and `all_labels` are of every row.
    """

    features: Columns
    scores: NDArray[np.float64]
    label: NDArray[np.float64]
    observed_at: NDArray[np.datetime64]
    predicted_at: NDArray[np.datetime64]
    known_until: np.datetime64
    all_scores: NDArray[np.float64]
    all_labels: NDArray[np.float64]

    @classmethod
    def of_window(cls, window: Window, joined: Columns, known_until: np.datetime64) -> Labels:
        order = np.argsort(joined["prediction_id"], kind="stable")
        at = order[np.searchsorted(joined["prediction_id"][order], window.features.ids)]
        return cls(
            features=window.features.rows,
            scores=joined["score"][at],
            label=joined["label"][at],
            observed_at=joined["first_observed_at"][at],
            predicted_at=joined["predicted_at"][at],
            known_until=known_until,
            all_scores=joined["score"],
            all_labels=joined["label"],
        )

    @property
    def pending(self) -> NDArray[np.bool_]:
        return np.asarray(np.isnan(self.label))

    @property
    def age_h(self) -> NDArray[np.float64]:
        """Hours that each row was watched, none if it was predicted after the newest label came."""
        return np.asarray(np.maximum((self.known_until - self.predicted_at) / _HOUR, 0.0))

    @property
    def hours(self) -> NDArray[np.float64]:
        """Delay of each label, age where there is none."""
        delay = np.maximum((self.observed_at - self.predicted_at) / _HOUR, 0.0)
        return np.where(self.pending, self.age_h, delay)


def knows(expectation: LabelExpectation | None, labels: Labels) -> bool:
    """Whether there is an expectation, and every feature that it needs is logged."""
    return expectation is not None and set(expectation.columns) <= set(labels.features)


def perform(
    expectation: LabelExpectation,
    labels: Labels,
    carried: Carried | None,
    buckets: tuple[NDArray[np.int64], int],
    alpha: float,
) -> Performance:
    """Estimate all metrics; `buckets` are the score bucket of each row, and how many there are."""
    estimate, lasting = (
        estimate_performance(
            expectation.estimate,
            {name: labels.features[name] for name in expectation.columns},
            labels.scores,
            labels.label,
            age_h=labels.age_h,
            delays=expectation.delays,
            buckets=expectation.groups.of(labels.features),
            carried=carried or expectation.start,
            alpha=each,
        )
        for each in (ALPHA, alpha)
    )
    metrics = _of_all_rows(estimate.metrics, expectation.estimate.threshold, labels)
    now, life = metrics["accuracy"], lasting.metrics["accuracy"]
    at, count = buckets
    rows = np.bincount(at, minlength=count)
    predicted = labels.scores >= expectation.estimate.threshold
    chance = np.where(predicted, estimate.chances, 1 - estimate.chances)
    right = np.bincount(at, weights=chance, minlength=count)
    of = len(labels.all_labels)
    return Performance(
        metrics=metrics,
        method=estimate.method,
        carried=estimate.carried,
        rows=len(labels.label),
        of=of,
        accuracy=Estimate(value=now.value, low=now.low, high=now.high, rows=of, assumption=now.assumption),
        lasting=Estimate(value=now.value, low=life.rate_low, high=life.rate_high, rows=of, assumption=life.assumption),
        right=np.divide(right, rows, out=np.full(count, np.nan), where=rows > 0),
    )


def _of_all_rows(found: Mapping[str, MetricEstimate], threshold: float, labels: Labels) -> Mapping[str, MetricEstimate]:
    """Metrics of a sample, as metrics of the window that it was drawn from.

    The window differs from the sample as the sample does from endless rows, or less. Once every label is in, no sample is needed.
    """
    if len(labels.label) == len(labels.all_labels):
        return found
    if np.isnan(labels.all_labels).any():
        return {name: replace(metric, low=metric.rate_low, high=metric.rate_high) for name, metric in found.items()}
    plain = binary_metrics(labels.all_labels, labels.all_scores, threshold=threshold)
    return {
        name: replace(metric, value=plain[name], low=plain[name], high=plain[name]) for name, metric in found.items()
    }


def who_is_late(expectation: LabelExpectation | None, labels: Labels, alpha: float) -> tuple[LateRules | None, float]:
    """Rules, and after how many hours a label is late: when 95 % of those before had come, or of this window's own.

    Without any label there is no such time, and no rule.
    """
    due = expectation.delays.curves[None, None].quantile(DUE) if expectation else None
    if due is None and not labels.pending.all():
        due = float(np.quantile(labels.hours[~labels.pending], DUE))
    if due is None:
        return None, float("nan")
    found = late_rules(
        labels.features,
        labels.observed_at,
        labels.predicted_at,
        labels.known_until,
        due_h=due,
        terms=Terms(alpha=alpha),
    )
    return found, due


def delay_change(expectation: LabelExpectation, labels: Labels, *, alpha: float, look: int) -> DelayChange | None:
    """Hold the window's delays against those of the reference, each group against itself.

    Rows that were watched count; None before the first of them.
    """
    seen = ~labels.pending | (labels.predicted_at <= labels.known_until)
    if not seen.any():
        return None
    groups = expectation.groups.of(labels.features)
    return compare_delays(
        (expectation.hours, expectation.pending),
        (labels.hours[seen], labels.pending[seen]),
        strata=(expectation.bucket, groups[seen]),
        alpha=alpha,
        look=look,
    )


def ready_at(
    expectation: LabelExpectation, joined: Columns, known_until: np.datetime64, precision: float
) -> str | None:
    """When the accuracy is expected to be known to +/- `precision`, ISO 8601, UTC; None where that is not known, or never."""
    pending = np.isnan(joined["label"])
    waiting: NDArray[np.datetime64] = joined["predicted_at"][pending]
    ages = np.asarray((known_until - waiting) / _HOUR)  # below 0 for a row that is predicted later
    right = int((joined["label"] == joined["prediction"]).sum())
    told = forecast(ages, int((~pending).sum()), right, expectation.delays.curves[None, None], precision=precision)
    if told.ready_h is None:
        return None
    return str((known_until + np.timedelta64(round(told.ready_h * 3600), "s")).astype("datetime64[s]"))


def carried_into(documents: Documents, *, model: str, version: str, begin: str) -> Carried | None:
    """What the version's last window said of the shift that ended when this one began, or before: no label counts twice.

    `begin` is the name of a window that ends where this one begins.
    """
    names = documents.names("shifts", f"{model}/v{version}/")
    earlier = [name for name in names if name.rpartition("/")[2] <= begin]
    stored = documents.get("shifts", max(earlier)) if earlier else None
    return Carried.from_json(stored) if stored else None


def keep_carried(documents: Documents, performance: Performance, *, model: str, version: str, window: str) -> None:
    """For the windows that follow."""
    documents.put("shifts", f"{model}/v{version}/{window}", performance.carried.to_json())


def expected_labels(accepted: Json) -> LabelExpectation | None:
    """What was stored with the version; None for one that was trained before there was such a thing."""
    return LabelExpectation.from_json(accepted["labels"]) if accepted.get("labels") else None
