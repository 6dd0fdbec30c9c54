"""What is computed about one window of predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from upkeep.core.columns import Columns
from upkeep.core.drift.adversary_judge import AdversaryReport
from upkeep.core.drift.compare import DriftReport, compare
from upkeep.core.drift.divergences import Divergence, divergences
from upkeep.core.drift.spending import spend
from upkeep.core.feedback.accuracy import AccuracyEstimate, estimate_accuracy
from upkeep.core.feedback.delays import DelaySummary, summarise_delays
from upkeep.core.feedback.reference import ModelReference
from upkeep.core.profile.histogram import Histogram, histogram
from upkeep.core.profile.profile import Profile
from upkeep.core.retrain.kitagawa import Decomposition, kitagawa
from upkeep.stages.health_window import Window
from upkeep.stages.monitor_policy import MonitorPolicy

#: Kinds of finding that share the error probability: drift of a column, telling live rows apart, accuracy, slow groups.
PARTS = 4
#: Columns that are shown as histograms: those that moved most surely.
HISTOGRAMS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What was computed about a window."""

    drift: DriftReport
    accuracy: AccuracyEstimate
    parts: Decomposition
    delays: DelaySummary
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


def examine(
    reference: ModelReference,
    window: Window,
    joined: Columns,
    times: tuple[np.datetime64, np.datetime64, np.datetime64],
    look: int,
    policy: MonitorPolicy,
) -> Health:
    """Hold a window, joined with its labels, against the reference; a part of `policy.alpha` for each kind of finding.

    `times` are the window's begin and end, and the moment up to which labels are known.
    """
    hours = float((times[1] - times[0]) / np.timedelta64(1, "h"))
    part = policy.alpha / PARTS
    accuracy = estimate_accuracy(reference, joined["score"], joined["label"], alpha=part, look=look)
    natural = {key: max(policy.floor, value) for key, value in reference.natural(hours).items()}
    drift = compare(
        window.reference,
        window.profile,
        alpha=part,
        look=look,
        tolerance=dict.fromkeys(window.reference.columns, policy.floor) | natural,
    )
    moved_most = list(dict.fromkeys(finding.column for finding in drift.findings))[:HISTOGRAMS]
    return Health(
        drift=drift,
        accuracy=accuracy,
        parts=_parts(reference, accuracy),
        delays=summarise_delays(
            joined["observed_at"],
            joined["predicted_at"],
            times[2],
            groups=window.groups,
            alpha=spend(part, look),
        ),
        unwatched=window.unwatched,
        histograms=tuple(histogram(window.reference, window.profile, name) for name in moved_most),
        adversary=window.opponent.report(alpha=part, look=look, hours=hours) if window.opponent else None,
        columns={name: _facts(window.reference, window.profile, name) for name in window.reference.columns},
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


def _parts(reference: ModelReference, accuracy: AccuracyEstimate) -> Decomposition:
    right = np.nan_to_num(accuracy.live_accuracy) * accuracy.live_rows
    return kitagawa(
        reference_rows=reference.bucket_rows,
        reference_correct=reference.bucket_correct,
        live_rows=accuracy.live_rows,
        live_correct=np.minimum(right, accuracy.live_rows),  # rounding may overshoot by one bit
    )
