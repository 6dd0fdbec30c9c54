"""How late labels were lately, and so when those of a window will be enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, concatenate, row_count, select
from upkeep.core.feedback.delay.curve import DelayCurve
from upkeep.core.feedback.delay.forecast import Forecast, forecast
from upkeep.core.feedback.join import join_labels
from upkeep.ports import Datasets

#: Delays are learned from the window and so many of its lengths before it ...
WINDOWS_BEFORE = 8
#: ... from evenly spaced predictions, this many at most and half as many at least where there are more ...
ROWS = 100_000
#: ... and only if so many labels are known.
LEAST_LABELS = 30

_PREDICTED = ("prediction_id", "predicted_at", "prediction")
_OBSERVED = ("prediction_id", "observed_at", "label")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """What earlier predictions say about labels: how late they are, how often they agree, and up to when they are known."""

    curve: DelayCurve
    accuracy: float
    newest: np.datetime64


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """When a window's precision will be reached; times are ISO 8601, UTC, by the clock of the labels."""

    newest_label: str
    forecast: Forecast
    ready_at: str | None
    ready_from: str | None
    ready_to: str | None


def learn_delays(datasets: Datasets, *, model: str, since: str, until: str, as_of: np.datetime64) -> Delays | None:
    """Delays of predictions in [since - 8 windows, until); None with fewer than 30 labels.

    A row without a label waits at its age when the newest label came, not now: of what came later nothing is known. A label that
    was seen before its prediction was not late at all. Memory is bounded, whatever the logs hold.
    """
    start, end = np.datetime64(since, "us"), np.datetime64(until, "us")
    span = str(start - WINDOWS_BEFORE * (end - start))
    predicted = _thinned(datasets, f"{model}/predictions", span, until)
    if not row_count(predicted):
        return None
    labels, newest = _labels_of(datasets, f"{model}/feedback", span, as_of, np.sort(predicted["prediction_id"]))
    joined = join_labels(select(predicted, predicted["predicted_at"] <= newest), labels, as_of)
    pending = np.isnat(joined["observed_at"])
    known = int((~pending).sum())
    if known < LEAST_LABELS:
        return None
    seen = np.where(pending, newest, joined["observed_at"])
    hours = np.maximum((seen - joined["predicted_at"]) / np.timedelta64(1, "h"), 0.0)
    right = int((joined["label"] == joined["prediction"]).sum())
    return Delays(curve=DelayCurve.fit(hours, pending), accuracy=right / known, newest=newest)


def look_ahead(
    delays: Delays,
    predicted_at: NDArray[np.datetime64],
    pending: NDArray[np.bool_],
    *,
    correct: int,
    precision: float,
) -> Outlook:
    """The moment at which the accuracy of a window is known to +/- `precision`.

    Parameters
    ----------
    predicted_at : ndarray of datetime64, shape (n,)
    pending : ndarray of bool, shape (n,)
    correct : int
        Labelled rows whose prediction was right.
    precision : float
    """
    hour = np.timedelta64(1, "h")
    ages = (delays.newest - predicted_at[pending]) / hour
    told = forecast(ages, int((~pending).sum()), correct, delays.curve, precision=precision, accuracy=delays.accuracy)

    def moment(hours: float | None) -> str | None:
        return (
            None if hours is None else str((delays.newest + np.timedelta64(round(hours * 3600), "s")).astype("M8[s]"))
        )

    return Outlook(
        newest_label=str(delays.newest.astype("M8[s]")),
        forecast=told,
        ready_at=moment(told.ready_h),
        ready_from=moment(told.early_h),
        ready_to=moment(told.late_h),
    )


def _thinned(datasets: Datasets, log: str, since: str, until: str) -> Columns:
    """Every k-th row, so that there are between half of `ROWS` and all of it where there are more."""
    kept: list[Columns] = []
    every, passed, held = 1, 0, 0
    for part in datasets.scan(log, since=since, until=until, columns=_PREDICTED):
        rows = row_count(part)
        chosen = np.arange(-passed % every, rows, every)
        kept.append(select(part, chosen))
        passed, held = passed + rows, held + len(chosen)
        while held > ROWS:
            whole = concatenate(kept)
            kept, every = [select(whole, np.arange(0, held, 2))], 2 * every
            held = row_count(kept[0])
    return concatenate(kept)


def _labels_of(
    datasets: Datasets, log: str, since: str, as_of: np.datetime64, ids: NDArray[np.int64]
) -> tuple[Columns, np.datetime64]:
    """Labels of these predictions, and the moment of the newest label of any."""
    found: list[Columns] = []
    newest = np.datetime64(since, "us")
    for part in datasets.scan(log, since=since, columns=_OBSERVED):
        part = select(part, part["observed_at"] <= as_of)
        if row_count(part):
            newest = max(newest, part["observed_at"].max())
            at = np.minimum(np.searchsorted(ids, part["prediction_id"]), len(ids) - 1)
            found.append(select(part, ids[at] == part["prediction_id"]))
    return concatenate(found), newest
