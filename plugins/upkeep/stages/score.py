"""Score a batch with the champion into the prediction log, exactly once."""

from __future__ import annotations

import numpy as np

from upkeep.core.columns import Columns
from upkeep.errors import InputError
from upkeep.ports import Batch, Datasets, Scorer, Tracker

LOG_COLUMNS = ("prediction_id", "predicted_at", "model_version", "prediction", "score")


def score(
    datasets: Datasets,
    tracker: Tracker,
    *,
    model: str,
    dataset: str,
    batch: str,
    time: str,
    threshold: float = 0.5,
) -> Batch:
    """Append the predictions for a batch of ``<dataset>/features`` to ``<model>/predictions``.

    The batch keeps its id, so that a batch that has been scored is left as it is, even under another champion.
    A row's `prediction_id` is its `row_id` and its `predicted_at` the column `time`.

    Raises
    ------
    InputError
        If there is no champion, or the batch is not in the features table.
    """
    done = datasets.find(f"{model}/predictions", batch)
    if done:
        return done
    version = tracker.version(model, "champion")
    if version is None:
        raise InputError(
            f"{model} must have a champion to score with, but has none. Train a model and promote it first."
        )
    source = datasets.find(f"{dataset}/features", batch)
    if source is None:
        raise InputError(f"{dataset}/features must hold batch {batch!r}, but does not. Ingest and prepare it first.")
    table = datasets.read(f"{dataset}/features", batches=[batch])
    chunks = [_predictions(tracker.load(model, version), table, time, threshold)] if table else []
    meta = {"model_version": version, "features_digest": source.digest}
    return datasets.write(f"{model}/predictions", batch, chunks, time="predicted_at", meta=meta)


def _predictions(scorer: Scorer, table: Columns, time: str, threshold: float) -> Columns:
    features = {name: values for name, values in table.items() if name not in ("row_id", time)}
    taken = sorted(set(features) & set(LOG_COLUMNS))
    if taken:
        raise InputError(f"features must not be named like columns of the prediction log, got {taken}. Rename them.")
    scores = scorer.score(table)
    return {
        "prediction_id": table["row_id"],
        "predicted_at": table[time],
        "model_version": np.full(len(scores), scorer.version, dtype=object),
        "prediction": (scores >= threshold).astype(np.int64),
        "score": scores,
    } | features
