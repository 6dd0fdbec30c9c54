"""What a model's accuracy in windows of the past has turned out to be, with the labels that have come since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from upkeep.core.columns import Columns, row_count, select
from upkeep.core.feedback.intervals import clopper_pearson
from upkeep.core.feedback.join import join_labels
from upkeep.core.feedback.metrics.binary import BINARY, binary_metrics
from upkeep.core.plain import plain
from upkeep.ports import Datasets, Documents, Json, Painter
from upkeep.stages.first_estimate import first_estimate

KIND = "realized"
#: Windows that are looked at again; labels that come later than that change no record.
WINDOWS = 12
#: How often the interval of one window's accuracy may miss, for that window alone.
ALPHA = 0.05
_NEEDED = ("prediction_id", "predicted_at", "model_version", "prediction", "score")


def realize(
    datasets: Datasets, documents: Documents, *, model: str, as_of: str, windows: int = WINDOWS
) -> tuple[Json, ...]:
    """Plain metrics of the last windows that have a health report, on the rows whose label is known at `as_of`.

    Each is stored as realized ``<model>/<window>``, and again only when labels have come or were corrected. Nothing is
    decided by it: it shows what became of the estimates, and takes nothing from any error budget.

    Parameters
    ----------
    datasets, documents
    model : str
    as_of : str
        Moment up to which labels are known, ISO 8601, UTC.
    windows : int
        How many windows are looked at, the newest.

    Returns
    -------
    tuple of dict
        As stored, oldest first: `rows` of the report's version, how many are `labelled` and `correct`, `accuracy` with its
        Clopper-Pearson interval, `lowest` and `highest` value that the window can still come to when the pending labels are
        in, all `metrics`, the estimate `first` made, and whether the accuracy lies in its band (`held`).
    """
    reports = _reports(documents, model)[-windows:]
    if not reports:
        return ()
    earliest = min((str(report["since"]) for report in reports), key=np.datetime64)
    feedback = datasets.read(f"{model}/feedback", since=earliest, columns=["prediction_id", "observed_at", "label"])
    made = (_realized(datasets, documents, report, feedback, as_of) for report in reports)
    return tuple(record for record in made if record)


@dataclass(frozen=True, slots=True)
class RealizedPainter:
    """A `ports.Painter` to which each report comes with what its window turned out to be under `realized`, None if unknown."""

    painter: Painter
    documents: Documents

    def draw(self, report: Json, history: Sequence[Json]) -> str:
        return self.painter.draw(self._with(report), [self._with(earlier) for earlier in history])

    def _with(self, report: Json) -> Json:
        return report | {"realized": self.documents.get(KIND, f"{report['model']}/{report['window']}")}


def _reports(documents: Documents, model: str) -> list[Json]:
    names = documents.names("health", f"{model}/")
    return [report for name in names if (report := documents.get("health", name))]


def _realized(datasets: Datasets, documents: Documents, report: Json, feedback: Columns, as_of: str) -> Json | None:
    name = f"{report['model']}/{report['window']}"
    stored = documents.get(KIND, name)
    log = f"{report['model']}/predictions"
    rows = datasets.read(log, since=report["since"], until=report["until"], columns=_NEEDED)
    rows = select(rows, rows["model_version"] == report["version"]) if rows else {}
    if not rows or not row_count(rows):
        return stored
    facts = {key: report[key] for key in ("model", "version", "window", "since", "until")}
    first = first_estimate([report], report) or {}
    measured = _measured(join_labels(rows, feedback, np.datetime64(as_of, "us")), first)
    found: Any = plain(facts | measured)
    alike = stored and all(stored[key] == facts[key] for key in ("version", "since"))
    if stored and alike and (stored["labelled"] > found["labelled"] or _without_time(stored) == found):
        return stored  # nothing is new, or the logs were cut at their old end
    documents.put(KIND, name, found | {"as_of": as_of})
    return dict(found) | {"as_of": as_of}


def _without_time(record: Json) -> Json:
    return {key: value for key, value in record.items() if key != "as_of"}


def _measured(rows: Columns, first: Json) -> Json:
    known = select(rows, ~np.isnan(rows["label"]))
    total, labelled = row_count(rows), row_count(known)
    correct = int((known["label"] == known["prediction"]).sum())
    low, high = clopper_pearson(correct, labelled, ALPHA)
    value = correct / labelled if labelled else None
    return {
        "rows": total,
        "labelled": labelled,
        "correct": correct,
        "accuracy": {"value": value, "low": low, "high": high, "alpha": ALPHA},
        "lowest": correct / total,
        "highest": (correct + total - labelled) / total,
        "metrics": _metrics(known) if labelled else dict.fromkeys(BINARY),
        "assumption": "Rows without a label are as often right as those with one.",
        "first": first,
        "held": None if value is None else first["low"] <= value <= first["high"],
        "sentence": _sentence(value, (low, high), labelled, total, first),
    }


def _metrics(known: Columns) -> dict[str, float]:
    predicted = known["score"][known["prediction"] == 1]
    # The log was written by one threshold: the lowest score that was predicted 1 splits its rows as that did.
    threshold = float(predicted.min()) if len(predicted) else np.inf
    return binary_metrics(known["label"], known["score"], threshold=threshold)


def _sentence(value: float | None, ends: tuple[float, float], labelled: int, rows: int, first: Json) -> str:
    band = f"{first['value']:.1%} ({first['low']:.1%} to {first['high']:.1%})"
    estimated = f"First estimated {band} with {first['labelled']} labels"
    if value is None:
        return f"{estimated}; no label has come since."
    share = labelled / rows
    return f"{estimated}; now {value:.1%} ({ends[0]:.1%} to {ends[1]:.1%}) with {share:.0%} of {rows} labels."
