"""The health of a model version, over one window of its predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from upkeep.core.columns import Columns, row_count, select
from upkeep.core.drift.compare import DriftReport, compare
from upkeep.core.drift.spending import spend
from upkeep.core.feedback.accuracy import AccuracyEstimate, estimate_accuracy
from upkeep.core.feedback.delays import DelaySummary, summarise_delays
from upkeep.core.feedback.join import join_labels
from upkeep.core.feedback.reference import ModelReference
from upkeep.core.plain import plain
from upkeep.core.profile.profile import Profile
from upkeep.core.retrain.kitagawa import Decomposition, kitagawa
from upkeep.errors import InputError
from upkeep.ports import Datasets, Documents, Json, Painter, Tracker
from upkeep.stages.monitor_policy import MonitorPolicy
from upkeep.stages.quarantine import quarantine_share

__all__ = ["MonitorPolicy", "monitor"]

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Health:
    """What was computed about a window."""

    drift: DriftReport
    accuracy: AccuracyEstimate
    parts: Decomposition
    delays: DelaySummary


def monitor(
    datasets: Datasets,
    tracker: Tracker,
    documents: Documents,
    painter: Painter,
    *,
    model: str,
    since: str,
    until: str,
    as_of: str,
    policy: MonitorPolicy,
) -> Json:
    """Hold a version's predictions in [since, until) against what it was accepted on, with the labels known at `as_of`.

    The version is that of the newest prediction in the window, whichever is champion by now; its rows alone count.
    The report is stored as health ``<model>/<date of until>`` with its picture beside it, and returned.

    Every look at new facts takes the next number in the version's error budget, as each may be wrong: a window
    whose later labels came in is a new look. Only if nothing that goes into the report has changed since the stored one
    (times, rows, labels that are in, refused rows, policy), is that one returned as it is.

    Raises
    ------
    InputError
        If the window holds no predictions, or a time cannot be read.
    """
    times = [_time(name, text) for name, text in (("since", since), ("until", until), ("as_of", as_of))]
    window = str(times[1].astype("datetime64[D]"))
    version, table = _predictions(datasets, tracker, model, since, until)
    joined = join_labels(table, datasets.read(f"{model}/feedback"), times[2])
    facts: Json = {"model": model, "version": version, "window": window, "since": since, "until": until, "as_of": as_of}
    facts |= {
        "rows": row_count(table),
        "labelled": int((~np.isnat(joined["observed_at"])).sum()),
        "quarantine_share": quarantine_share(datasets, policy.dataset, since, until),
        "policy": plain(asdict(policy)),
    }
    earlier = [record for name in documents.names("health", f"{model}/") if (record := documents.get("health", name))]
    stored = next((r for r in earlier if all(r.get(key) == fact for key, fact in facts.items())), None)
    if stored is not None:
        return stored
    reference = ModelReference.from_json(tracker.record(model, version, "reference"))
    health = _examine(reference, joined, times[2], _next_look(earlier, version), policy)
    report = _report(health, facts)
    history = sorted((r for r in earlier if r["window"] < window), key=lambda r: str(r["window"]))
    report["picture"] = documents.put_text("health", f"{model}/{window}.svg", painter.draw(report, history))
    documents.put("health", f"{model}/{window}", report)
    return report


def _time(name: str, text: str) -> np.datetime64:
    try:
        return np.datetime64(text, "us")
    except ValueError as err:
        raise InputError(f"{name} must be a UTC time like 2024-01-08 or 2024-01-08T00:00:00, got {text!r}.") from err


def _predictions(datasets: Datasets, tracker: Tracker, model: str, since: str, until: str) -> tuple[str, Columns]:
    """The version that made most of the predictions (the newer of two that made as many), and its rows."""
    table = datasets.read(f"{model}/predictions", since=since, until=until)
    if row_count(table):
        versions, counts = np.unique(table["model_version"].astype(str), return_counts=True)
        version = max(zip(counts.tolist(), map(_number, versions), versions.tolist(), strict=True))[2]
        return version, select(table, table["model_version"] == version)
    champion = tracker.version(model, "champion")
    if champion is None:
        raise InputError(
            f"model {model} must have a champion to be monitored, but none is in use and nothing was predicted from {since} "
            f"to {until}. Train and promote one first."
        )
    raise InputError(
        f"the window must hold predictions of {model}, but there is none from {since} to {until}; "
        f"version {champion} is in use. Score a batch of that time first."
    )


def _number(version: str) -> int:
    """Registries count their versions; one that does not comes first."""
    return int(version) if version.isdigit() else -1


def _next_look(earlier: Sequence[Json], version: str) -> int:
    return 1 + max((int(record["look"]) for record in earlier if record["version"] == version), default=0)


def _examine(
    reference: ModelReference,
    joined: Columns,
    as_of: np.datetime64,
    look: int,
    policy: MonitorPolicy,
) -> _Health:
    _check_threshold(reference, joined)
    logged = [name for name in reference.profile.columns if name in joined]
    watched = reference.profile.only(dict.fromkeys([*policy.features, "score"]) if policy.features else logged)
    third = policy.alpha / 3
    accuracy = estimate_accuracy(reference, joined["score"], joined["label"], alpha=third, look=look)
    return _Health(
        drift=_drift(reference, watched, joined, policy.floor, third, look),
        accuracy=accuracy,
        parts=_parts(reference, accuracy),
        delays=summarise_delays(
            joined["observed_at"],
            joined["predicted_at"],
            as_of,
            groups={name: joined[name] for name in watched.columns if joined[name].dtype.kind in "OUb"},
            alpha=spend(third, look),
        ),
    )


def _check_threshold(reference: ModelReference, joined: Columns) -> None:
    disagree = (joined["score"] >= reference.threshold) != (joined["prediction"] == 1)
    if disagree.any():
        raise InputError(
            f"predictions must be 1 where the score is at least {reference.threshold}, as on the reference; "
            f"{int(disagree.sum())} of {len(disagree)} are not. Score with that threshold."
        )


def _drift(
    reference: ModelReference, watched: Profile, joined: Columns, floor: float, alpha: float, look: int
) -> DriftReport:
    natural = {key: max(floor, value) for key, value in reference.tolerances.items()}
    return compare(
        watched,
        Profile.build(watched.grid, joined),
        alpha=alpha,
        look=look,
        tolerance=dict.fromkeys(watched.columns, floor) | natural,
    )


def _parts(reference: ModelReference, accuracy: AccuracyEstimate) -> Decomposition:
    right = np.nan_to_num(accuracy.live_accuracy) * accuracy.live_rows
    return kitagawa(
        reference_rows=reference.bucket_rows,
        reference_correct=reference.bucket_correct,
        live_rows=accuracy.live_rows,
        live_correct=np.minimum(right, accuracy.live_rows),  # rounding may overshoot by one bit
    )


def _report(health: _Health, facts: Json) -> Json:
    sentences = _sentences(health)
    alpha = 3 * health.drift.alpha
    accuracy = health.accuracy
    parts = ("labelled", "unlabelled", "combined", "reference", "change")
    record: Any = plain(
        facts
        | {
            "format": FORMAT,
            "look": health.drift.look,
            "alpha": alpha,
            "promise": _promise(alpha),
            "drift": [asdict(finding) for finding in health.drift.findings],
            "drifted": health.drift.drifted,
            "accuracy": {part: asdict(getattr(accuracy, part)) for part in parts},
            "kitagawa": asdict(health.parts),
            "delays": asdict(health.delays),
            "sentence": " ".join(sentences[:2]),
            "sentences": sentences,
        }
    )
    return dict(record)


def _promise(alpha: float) -> str:
    return (
        f"The chance that these reports ever say something false, over the whole life of this model version, is at most "
        f"{alpha:g}: a third of it for a column called drifted within its tolerance (all columns together), a third for an "
        "interval of the change of accuracy that misses it, a third for a group called slow. It rests on the "
        "assumptions named beside each estimate, and on rows that are independent within a window."
    )


def _sentences(health: _Health) -> list[str]:
    drift, now, change = health.drift, health.accuracy.combined, health.accuracy.change
    named = ", ".join(drift.drifted)
    verdict = "worse than" if change.high < 0 else "better than" if change.low > 0 else "not shown to differ from"
    lines = [
        f"Accuracy {now.value or 0.0:.1%} ({now.low:.1%} to {now.high:.1%}) with {health.delays.share_labelled:.0%} of "
        f"{drift.rows} labels in: {verdict} the reference's {health.accuracy.reference.value or 0.0:.1%}.",
        f"Drifted: {named}." if named else "No column drifted.",
    ]
    lines += [finding.sentence for finding in drift.findings if finding.drifted]
    return lines + [slow.sentence for slow in health.delays.slow]
