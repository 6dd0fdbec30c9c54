"""Labels that arrive late: into the feedback log, and how many a window has by now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, missing, row_count
from upkeep.core.feedback.intervals import clopper_pearson
from upkeep.core.feedback.join import join_labels
from upkeep.core.utc_time import utc_time
from upkeep.errors import InputError
from upkeep.ports import Batch, BatchSource, Datasets, SourceBatch
from upkeep.stages.label_delays import Outlook, learn_delays, look_ahead

KINDS = {"prediction_id": "integer", "observed_at": "datetime", "label": "integer"}
_PREDICTED = ("prediction_id", "predicted_at", "prediction")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackState:
    """How far a window's labels are in, and when they will be enough.

    Attributes
    ----------
    model, since, until, as_of : str
    predicted, labelled, pending : int
    half_width : float
        Of the accuracy's 95 % interval; 0.5 without labels.
    final_half_width : float or None
        What it is expected to be once every label is in that ever comes.
    newest_label : str or None
        Moment up to which labels are known, ISO 8601, UTC, like all moments here.
    ready_at, ready_from, ready_to : str or None
        When the precision will be reached, with 95 % limits; None where that is not known, or never.
    never : str
        Why the precision will not be reached; empty while it may be.
    final : bool
        It will not be reached, and hardly a label is still to come: waiting has no use.
    sentence : str
        All of it in one line.
    """

    model: str
    since: str
    until: str
    as_of: str
    predicted: int
    labelled: int
    pending: int
    half_width: float
    final_half_width: float | None = None
    newest_label: str | None = None
    ready_at: str | None = None
    ready_from: str | None = None
    ready_to: str | None = None
    never: str = ""
    final: bool = False
    sentence: str = ""


def append_feedback(source: BatchSource, datasets: Datasets, *, uri: str, model: str) -> list[Batch]:
    """Take every file of a source into ``<model>/feedback``, each once and whole or not at all.

    A file has the columns `prediction_id`, `observed_at` and `label` (0 or 1). Its batch id is made from its content, so that
    a file which is delivered twice is taken once.

    Raises
    ------
    InputError
        If a column is absent, a label is neither 0 nor 1, or a value is missing; nothing of that file is kept.
    """
    return [_append(source.open(file), datasets, f"{model}/feedback") for file in source.list(uri)]


def _append(file: SourceBatch, datasets: Datasets, log: str) -> Batch:
    batch = file.digest[:16]
    known = datasets.find(log, batch)
    if known:
        return known
    absent = sorted(set(KINDS) - set(file.kinds))
    if absent:
        raise InputError(
            f"a feedback file must have the columns {', '.join(KINDS)}; {file.uri} lacks {', '.join(absent)}. "
            "Rename its columns, or send predictions and labels apart."
        )
    return datasets.write(log, batch, _checked(file), time="observed_at", meta={"uri": file.uri, "digest": file.digest})


def _checked(file: SourceBatch) -> Iterator[Columns]:
    at = 0
    for chunk in file.chunks(KINDS):
        for name in KINDS:
            _refuse(file, at, name, missing(chunk[name]), "a value in every row", chunk)
        _refuse(file, at, "label", ~np.isin(chunk["label"], (0, 1)), "0 or 1 in every row", chunk)
        at += row_count(chunk)
        yield {
            "prediction_id": chunk["prediction_id"].astype(np.int64),
            "observed_at": chunk["observed_at"].astype("datetime64[us]"),
            "label": chunk["label"].astype(np.int64),
        }


def _refuse(file: SourceBatch, at: int, name: str, bad: NDArray[np.bool_], wanted: str, chunk: Columns) -> None:
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"column {name!r} must have {wanted}; {file.uri} has {chunk[name][first]} in row {at + first}, and "
            f"{int(bad.sum()) - 1} more like it. Repair the file; nothing of it was taken in."
        )


def feedback_state(
    datasets: Datasets, *, model: str, since: str, until: str, as_of: str, precision: float | None = None
) -> FeedbackState:
    """Labels known at `as_of` for the predictions in [since, until), of whatever model version.

    With a `precision` that is not reached yet, the delays of the labels of this window and the eight before say when it will be.
    """
    table = datasets.read(f"{model}/predictions", since=since, until=until, columns=_PREDICTED)
    predicted, moment = row_count(table), utc_time("as_of", as_of)
    table = table or {name: np.zeros(0) for name in _PREDICTED}
    joined = join_labels(table, datasets.read(f"{model}/feedback", since=since) if predicted else {}, moment)
    pending = np.isnan(joined["label"])
    labelled = predicted - int(pending.sum())
    correct = int((joined["label"] == joined["prediction"]).sum())
    low, high = clopper_pearson(correct, labelled, 0.05)
    state = FeedbackState(
        model=model,
        since=since,
        until=until,
        as_of=as_of,
        predicted=predicted,
        labelled=labelled,
        pending=predicted - labelled,
        half_width=(high - low) / 2,
        sentence=f"precision {(high - low) / 2:.2g} now",
    )
    if precision is None or state.half_width <= precision or not state.pending:
        return state
    delays = learn_delays(datasets, model=model, since=since, until=until, as_of=moment)
    if delays is None:
        unknown = f"; when {precision:g} is reached is not known, as too few labels have come to learn delays from"
        return replace(state, sentence=state.sentence + unknown)
    ahead = look_ahead(delays, joined["predicted_at"], pending, correct=correct, precision=precision)
    return _foreseen(state, ahead, precision)


def _foreseen(state: FeedbackState, ahead: Outlook, precision: float) -> FeedbackState:
    told = ahead.forecast
    if told.never:
        after = f", {precision:g} cannot be reached: {told.never}"
    elif ahead.ready_at is None:
        after = (
            f", {precision:g} not within the delays that are known: {told.final:.0f} of {state.predicted} labels are expected, "
            f"and about {told.needed} needed"
        )
    else:
        after = f", {precision:g} expected {ahead.ready_at[:16].replace('T', ' ')}"
    return replace(
        state,
        final_half_width=told.final_half_width,
        newest_label=ahead.newest_label,
        ready_at=None if told.never else ahead.ready_at,
        ready_from=None if told.never else ahead.ready_from,
        ready_to=None if told.never else ahead.ready_to,
        never=told.never,
        final=told.final_now,
        sentence=state.sentence + after,
    )
