"""What is computed about one window of predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from upkeep.core.columns import Columns
from upkeep.core.drift.adversary_judge import AdversaryReport
from upkeep.core.drift.compare import DriftReport, compare
from upkeep.core.drift.divergences import Divergence, divergences
from upkeep.core.drift.spending import spend
from upkeep.core.feedback.accuracy import AccuracyEstimate, Estimate, estimate_accuracy
from upkeep.core.feedback.delay.log_rank import DelayChange
from upkeep.core.feedback.delays import DelaySummary, summarise_delays
from upkeep.core.feedback.expectation import LabelExpectation
from upkeep.core.feedback.late.rules import LateRules
from upkeep.core.feedback.partial.shift import Carried
from upkeep.core.feedback.reference import ModelReference
from upkeep.core.profile.histogram import Histogram, histogram
from upkeep.core.profile.profile import Profile
from upkeep.core.retrain.kitagawa import Decomposition, kitagawa
from upkeep.core.retrain.loss_buckets import LossBuckets
from upkeep.stages.health_labels import Labels, Performance, delay_change, knows, perform, ready_at, who_is_late
from upkeep.stages.health_window import Window
from upkeep.stages.monitor_policy import MonitorPolicy

#: Kinds of finding that share the error probability: drift of a column, telling live rows apart, accuracy, late labels.
PARTS = 4
#: Columns that are shown as histograms: those that moved most surely.
HISTOGRAMS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What was computed about a window.

    `due_h` is after how many hours a label is late, NaN where that is not known, and `ready_at` when there will be enough.
    """

    drift: DriftReport
    accuracy: AccuracyEstimate
    performance: Performance | None
    parts: Decomposition
    delays: DelaySummary
    late: LateRules | None
    due_h: float
    delay_change: DelayChange | None
    ready_at: str | None
    columns: Mapping[str, ColumnFacts]
    histograms: tuple[Histogram, ...]
    adversary: AdversaryReport | None
    unwatched: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFacts:
    """A column then and now, for people to read; what is decided rests on `Health.drift` alone.

    The intervals of `distances` hold each by itself, with 95 % and for this window.
    """

    null_share_before: float
    null_share: float
    infinite: int
    low: float | None
    high: float | None
    mean_before: float | None
    mean: float | None
    deviation_before: float | None
    deviation: float | None
    distances: tuple[Divergence, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """What is known of a version before its window: when it was accepted, and from the windows before."""

    reference: ModelReference
    labels: LabelExpectation | None
    carried: Carried | None
    buckets: LossBuckets | None


def examine(
    known: Known,
    window: Window,
    joined: Columns,
    times: tuple[np.datetime64, np.datetime64, np.datetime64],
    look: int,
    policy: MonitorPolicy,
) -> Health:
    """Hold a window, joined with its labels, against the reference; a part of `policy.alpha` for each kind of finding.

    `times` are the window's begin and end, and the moment of the newest label that is known.
    """
    hours = float((times[1] - times[0]) / np.timedelta64(1, "h"))
    part, reference = policy.alpha / PARTS, known.reference
    labels = Labels.of_window(window, joined, times[2])
    expected = known.labels if knows(known.labels, labels) else None
    accuracy = estimate_accuracy(reference, joined["score"], joined["label"], alpha=part, look=look)
    performance = None
    if expected:
        buckets = reference.bucket_of(labels.scores), len(reference.bucket_rows)
        performance = perform(expected, labels, known.carried, buckets, spend(part / 2, look))
        accuracy = _agreed(accuracy, performance)
    natural = {key: max(policy.floor, value) for key, value in reference.natural(hours).items()}
    drift = compare(
        window.reference,
        window.profile,
        alpha=part,
        look=look,
        tolerance=dict.fromkeys(window.reference.columns, policy.floor) | natural,
    )
    moved_most = list(dict.fromkeys(finding.column for finding in drift.findings))[:HISTOGRAMS]
    late, due_h = who_is_late(expected, labels, spend(part / 2, look))
    return Health(
        drift=drift,
        accuracy=accuracy,
        performance=performance,
        parts=_parts(known, accuracy, joined, labels),
        delays=summarise_delays(joined["first_observed_at"], joined["predicted_at"], times[2]),
        late=late,
        due_h=due_h,
        delay_change=delay_change(expected, labels, alpha=part / 2, look=look) if expected else None,
        ready_at=ready_at(expected, joined, times[2], policy.precision) if expected else None,
        unwatched=window.unwatched,
        histograms=tuple(histogram(window.reference, window.profile, name) for name in moved_most),
        adversary=window.opponent.report(alpha=part, look=look, hours=hours) if window.opponent else None,
        columns={name: _facts(window.reference, window.profile, name) for name in window.reference.columns},
    )


def _agreed(accuracy: AccuracyEstimate, performance: Performance) -> AccuracyEstimate:
    """The better estimate, in an interval that holds both: a change is certain where both ways of seeing it say so.

    One asks only that within a score bucket being late does not hang on the label, the other that labels are as late by class
    as they were: an alarm is false only if neither is so.
    """
    change, lasting, before = accuracy.change, performance.lasting, accuracy.reference
    value = performance.accuracy.value
    assumptions = dict.fromkeys([change.assumption, lasting.assumption])
    return replace(
        accuracy,
        live_accuracy=performance.right,
        change=Estimate(
            value=None if value is None or before.value is None else value - before.value,
            low=min(change.low, lasting.low - before.high),
            high=max(change.high, lasting.high - before.low),
            rows=change.rows,
            assumption=" Or: ".join(assumptions),
        ),
    )


def _facts(before: Profile, now: Profile, name: str) -> ColumnFacts:
    column = now.columns[name]
    return ColumnFacts(
        null_share_before=before.columns[name].null_share,
        null_share=column.null_share,
        infinite=column.infinite,
        low=column.low,
        high=column.high,
        mean_before=before.mean(name),
        mean=now.mean(name),
        deviation_before=before.deviation(name),
        deviation=now.deviation(name),
        distances=divergences(before, now, name),
    )


def _parts(known: Known, accuracy: AccuracyEstimate, joined: Columns, labels: Labels) -> Decomposition:
    """By buckets alike in accuracy where their features are logged, else by those of the score."""
    if known.buckets and set(known.buckets.columns) <= set(labels.features):
        at = known.buckets.of(labels.features, labels.scores)
        return known.buckets.parts(at, labels.scores, labels.label)
    reference = known.reference
    right = np.nan_to_num(accuracy.live_accuracy) * accuracy.live_rows
    seen = reference.bucket_of(joined["score"][~np.isnan(joined["label"])])
    return kitagawa(
        reference_rows=reference.bucket_rows,
        reference_correct=reference.bucket_correct,
        live_rows=accuracy.live_rows,
        live_correct=np.minimum(right, accuracy.live_rows),  # rounding may overshoot by one bit
        live_known=np.bincount(seen, minlength=len(reference.bucket_rows)),
        names=_names(reference),
    )


def _names(reference: ModelReference) -> list[str]:
    ends = ["0", *(f"{edge:.3g}" for edge in reference.edges), "1"]
    return [f"score {low} to {high}" for low, high in pairwise(ends)]
