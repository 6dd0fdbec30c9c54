"""Labels that arrive late: into the feedback log, and how many a window has by now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, missing, row_count
from upkeep.core.feedback.intervals import clopper_pearson
from upkeep.core.feedback.join import join_labels
from upkeep.errors import InputError
from upkeep.ports import Batch, BatchSource, Datasets, SourceBatch

KINDS = {"prediction_id": "integer", "observed_at": "datetime", "label": "integer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackState:
    """How far a window's labels are in; `half_width` is that of the accuracy's 95 % interval (0.5 without labels)."""

    model: str
    since: str
    until: str
    as_of: str
    predicted: int
    labelled: int
    pending: int
    half_width: float


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


def feedback_state(datasets: Datasets, *, model: str, since: str, until: str, as_of: str) -> FeedbackState:
    """Labels known at `as_of` for the predictions in [since, until), of whatever model version."""
    table = datasets.read(f"{model}/predictions", since=since, until=until, columns=["prediction_id", "prediction"])
    predicted = row_count(table)
    labelled = correct = 0
    if predicted:
        joined = join_labels(table, datasets.read(f"{model}/feedback"), np.datetime64(as_of, "us"))
        labelled = predicted - int(np.isnan(joined["label"]).sum())
        correct = int((joined["label"] == joined["prediction"]).sum())
    low, high = clopper_pearson(correct, labelled, 0.05)
    return FeedbackState(
        model=model,
        since=since,
        until=until,
        as_of=as_of,
        predicted=predicted,
        labelled=labelled,
        pending=predicted - labelled,
        half_width=(high - low) / 2,
    )
