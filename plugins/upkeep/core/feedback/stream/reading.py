"""Batches of the two logs as runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import missing, row_count, select
from upkeep.core.feedback.stream.keys import id_keys
from upkeep.core.feedback.stream.policy import JoinPolicy
from upkeep.core.feedback.stream.runs import Run, arranged, empty_run
from upkeep.errors import InputError

Log = Mapping[str, NDArray[Any]]


def prediction_columns(policy: JoinPolicy) -> dict[str, Any]:
    """What is kept of a prediction, and its types."""
    return {"predicted_at": np.int64, "bucket": np.int32, **policy.outcomes.columns}


#: What is kept of a label.
LABEL_COLUMNS: dict[str, Any] = {"observed_at": np.int64, "label": np.float64}


def read_predictions(policy: JoinPolicy, log: Log | None) -> Run:
    """One row per id, the first of those that came, each with weight 1."""
    if not log:
        return empty_run(prediction_columns(policy) | {"weight": np.int64})
    rows = _rows("predictions", log, {"prediction_id", "predicted_at", *policy.outcomes.columns})
    bucket = np.asarray(log["bucket"]) if "bucket" in log else np.zeros(rows, dtype=np.int64)
    if bucket.dtype.kind not in "iu" or (rows and not 0 <= bucket.min() <= bucket.max() < policy.buckets):
        raise InputError(f"bucket must be a whole number from 0 to {policy.buckets - 1} in every row, got {bucket!r}.")
    read: Run = {
        "key": id_keys(log["prediction_id"], seed=policy.seed),
        "predicted_at": _times("predicted_at", log["predicted_at"]),
        "bucket": bucket.astype(np.int32),
        **{name: policy.outcomes.check(name, log[name]) for name in policy.outcomes.columns},
        "weight": np.ones(rows, dtype=np.int64),
    }
    return arranged(read)


def read_feedback(policy: JoinPolicy, log: Log | None) -> Run:
    """One row per id, the one observed last, each with weight 1; rows without a label are left out."""
    if not log:
        return empty_run(LABEL_COLUMNS | {"weight": np.int64})
    _rows("feedback", log, {"prediction_id", "observed_at", "label"})
    absent = missing(log["label"])
    known = log if not absent.any() else select(log, ~absent)
    read = {
        "key": id_keys(known["prediction_id"], seed=policy.seed),
        "observed_at": _times("observed_at", known["observed_at"]),
        "label": policy.outcomes.check("label", known["label"]),
        "weight": np.ones(len(known["label"]), dtype=np.int64),
    }
    return arranged(read, latest="observed_at")


def _rows(what: str, log: Log, wanted: set[str]) -> int:
    if wanted - set(log):
        raise InputError(f"{what} must have the columns {sorted(wanted)}, but lack {sorted(wanted - set(log))}.")
    return row_count(log)


def _times(name: str, values: NDArray[Any]) -> NDArray[np.int64]:
    """Microseconds since 1970."""
    if values.dtype.kind != "M":
        raise InputError(f"{name} must be a datetime64 column, got {values.dtype}.")
    if np.isnat(values).any():
        raise InputError(f"{name} must have a time in every row; {int(np.isnat(values).sum())} have none.")
    return values.astype("datetime64[us]").view(np.int64)
