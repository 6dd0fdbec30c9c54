"""What labels say about a window: those that are in, those that are late, and what is known of them beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field

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
from upkeep.core.feedback.partial.performance import PerformanceEstimate, estimate_performance
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

    estimate: PerformanceEstimate
    rows: int
    of: int
    accuracy: Estimate
    lasting: Estimate
    right: NDArray[np.float64] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labels:
    """Rows of a window whose features are kept, with their labels; shape (k,) each."""

    features: Columns
    scores: NDArray[np.float64]
    label: NDArray[np.float64]
    observed_at: NDArray[np.datetime64]
    predicted_at: NDArray[np.datetime64]
    as_of: np.datetime64
    of: int

    @classmethod
    def of_window(cls, window: Window, joined: Columns, as_of: np.datetime64) -> Labels:
        order = np.argsort(joined["prediction_id"], kind="stable")
        at = order[np.searchsorted(joined["prediction_id"][order], window.features.ids)]
        names = ("label", "observed_at", "predicted_at")
        held = {name: joined[name][at] for name in names}
        return cls(features=window.features.rows, scores=joined["score"][at], **held, as_of=as_of, of=len(order))

    @property
    def pending(self) -> NDArray[np.bool_]:
        return np.asarray(np.isnan(self.label))

    @property
    def age_h(self) -> NDArray[np.float64]:
        """Hours since each prediction; none was made after the moment of looking."""
        return np.asarray(np.maximum((self.as_of - self.predicted_at) / _HOUR, 0.0))

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
    whole = len(labels.label) == labels.of
    now, life = estimate.metrics["accuracy"], lasting.metrics["accuracy"]
    ends = (now.low, now.high) if whole else (now.rate_low, now.rate_high)
    at, count = buckets
    rows = np.bincount(at, minlength=count)
    predicted = labels.scores >= expectation.estimate.threshold
    chance = np.where(predicted, estimate.chances, 1 - estimate.chances)
    right = np.bincount(at, weights=chance, minlength=count)
    return Performance(
        estimate=estimate,
        rows=len(labels.label),
        of=labels.of,
        accuracy=Estimate(value=now.value, low=ends[0], high=ends[1], rows=labels.of, assumption=now.assumption),
        lasting=Estimate(
            value=now.value, low=life.rate_low, high=life.rate_high, rows=labels.of, assumption=life.assumption
        ),
        right=np.divide(right, rows, out=np.full(count, np.nan), where=rows > 0),
    )


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
        labels.features, labels.observed_at, labels.predicted_at, labels.as_of, due_h=due, terms=Terms(alpha=alpha)
    )
    return found, due


def delay_change(expectation: LabelExpectation, labels: Labels, *, alpha: float, look: int) -> DelayChange:
    """Hold the window's delays against those of the reference, each group against itself."""
    return compare_delays(
        (expectation.hours, expectation.pending),
        (labels.hours, labels.pending),
        strata=(expectation.bucket, expectation.groups.of(labels.features)),
        alpha=alpha,
        look=look,
    )


def ready_at(expectation: LabelExpectation, joined: Columns, as_of: np.datetime64, precision: float) -> str | None:
    """When the accuracy is expected to be known to +/- `precision`, ISO 8601, UTC; None where that is not known, or never."""
    pending = np.isnan(joined["label"])
    waiting: NDArray[np.datetime64] = joined["predicted_at"][pending]
    ages = np.maximum((as_of - waiting) / _HOUR, 0.0)
    right = int((joined["label"] == joined["prediction"]).sum())
    told = forecast(ages, int((~pending).sum()), right, expectation.delays.curves[None, None], precision=precision)
    if told.ready_h is None:
        return None
    return str((as_of + np.timedelta64(round(told.ready_h * 3600), "s")).astype("datetime64[s]"))


def carried_into(documents: Documents, *, model: str, version: str, window: str) -> Carried | None:
    """What the version's last window before this one said of the shift, so that a window is never told of itself."""
    names = documents.names("shifts", f"{model}/v{version}/")
    earlier = [name for name in names if name.rpartition("/")[2] < window]
    stored = documents.get("shifts", max(earlier)) if earlier else None
    return Carried.from_json(stored) if stored else None


def keep_carried(documents: Documents, performance: Performance, *, model: str, version: str, window: str) -> None:
    """For the windows that follow."""
    documents.put("shifts", f"{model}/v{version}/{window}", performance.estimate.carried.to_json())


def expected_labels(accepted: Json) -> LabelExpectation | None:
    """What was stored with the version; None for one that was trained before there was such a thing."""
    return LabelExpectation.from_json(accepted["labels"]) if accepted.get("labels") else None
