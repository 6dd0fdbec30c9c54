"""A window of taxi predictions and its labels, written as the stages write them."""

from __future__ import annotations

import numpy as np

from upkeep.adapters.parquet_datasets import ParquetDatasets

SINCE, AS_OF = "2026-01-05", "2026-01-12"


def write_predictions(root, rows=400):
    """One prediction a quarter of an hour; all say 1."""
    at = np.datetime64(SINCE, "us") + np.arange(rows) * np.timedelta64(15, "m")
    log = {
        "prediction_id": np.arange(rows),
        "predicted_at": at,
        "model_version": np.full(rows, "1", dtype=object),
        "prediction": np.ones(rows, dtype=np.int64),
        "score": np.full(rows, 0.9),
    }
    ParquetDatasets(root / "data").write("taxi_tip/predictions", "p", [log], time="predicted_at")


def write_labels(root, first, last, observed="2026-01-11"):
    """Labels of predictions first <= id < last; all are 1."""
    ids = np.arange(first, last)
    log = {
        "prediction_id": ids,
        "observed_at": np.full(len(ids), np.datetime64(observed, "us")),
        "label": np.ones(len(ids), dtype=np.int64),
    }
    ParquetDatasets(root / "data").write("taxi_tip/feedback", f"l{first}", [log], time="observed_at")
