"""From clean rows to features, and the labels that came with them to the feedback log."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, missing, row_count, select
from upkeep.errors import InputError
from upkeep.ports import Batch, Datasets


def prepare(
    datasets: Datasets,
    *,
    dataset: str,
    batch: str,
    model: str,
    time: str,
    features: Callable[[Columns], Columns],
    label: Callable[[Columns], NDArray[np.float64]],
    label_time: str,
) -> Batch:
    """Write ``<dataset>/prepared``, and the labels known already to ``<model>/feedback``.

    Parameters
    ----------
    features : callable
        Clean table to float and text columns of the same rows.
    label : callable
        Clean table to 0.0, 1.0, or NaN where the label is not known yet, shape (n,).
    label_time : str
        Datetime column that says when a label was known; a row without it has no label yet.

    Raises
    ------
    InputError
        If the batch is not clean yet, or a function returns something else; nothing is written then.
    """
    clean = datasets.read(f"{dataset}/clean", batches=[batch])
    table = _table(clean, features(clean), time)
    labels = _known_labels(clean, np.asarray(label(clean), dtype=np.float64), label_time)
    # Labels first: whoever finds the prepared batch finds all of it.
    if row_count(labels):
        datasets.write(f"{model}/feedback", batch, [labels], time="observed_at", meta={"dataset": dataset})
    return datasets.write(f"{dataset}/prepared", batch, [table], time=time)


def _table(clean: Columns, made: Columns, time: str) -> Columns:
    absent = sorted({"row_id", time} - set(clean))
    if absent:
        raise InputError(f"a clean table must have row_id and the time column, but has no {', '.join(absent)}.")
    rows = row_count(clean)
    wrong = [name for name, values in made.items() if len(values) != rows or values.dtype.kind not in "iufbMO"]
    if wrong:
        raise InputError(
            f"features must be number, time or text columns of {rows} rows, one per clean row; "
            f"{wrong[0]!r} has {len(made[wrong[0]])} of {made[wrong[0]].dtype}. Correct the features function."
        )
    return {"row_id": clean["row_id"], time: clean[time]} | {n: v for n, v in made.items() if n not in ("row_id", time)}


def _known_labels(clean: Columns, label: NDArray[np.float64], label_time: str) -> Columns:
    if label_time not in clean or clean[label_time].dtype.kind != "M":
        raise InputError(f"label_time must name a datetime column of the clean table, got {label_time!r}.")
    if label.shape != (row_count(clean),) or not np.isin(label[~np.isnan(label)], (0.0, 1.0)).all():
        raise InputError(
            f"a label must be 0, 1 or NaN (not known yet) for each of {row_count(clean)} clean rows, "
            f"got shape {label.shape} with values {np.unique(label)[:5].tolist()}. Correct the label function."
        )
    known = ~np.isnan(label) & ~missing(clean[label_time])
    labels: Columns = {
        "prediction_id": clean["row_id"],
        "observed_at": clean[label_time].astype("datetime64[us]"),
        "label": np.nan_to_num(label).astype(np.int64),
    }
    return select(labels, known)
