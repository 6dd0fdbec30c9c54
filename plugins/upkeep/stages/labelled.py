"""Feature rows together with the labels known by a moment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from upkeep.core.columns import Columns, select
from upkeep.core.feedback.join import join_labels
from upkeep.ports import Datasets


def all_rows(
    datasets: Datasets,
    *,
    model: str,
    dataset: str,
    batches: Sequence[str],
    columns: Sequence[str] | None,
    as_of: str,
    since: str | None = None,
    until: str | None = None,
) -> Columns:
    """Rows of ``<dataset>/features`` with `label` (float64) and when it was first known, NaN and NaT while pending."""
    table = datasets.read(f"{dataset}/features", batches=batches, since=since, until=until, columns=columns)
    if not table:
        return {name: np.empty(0) for name in (*(columns or ()), "label", "observed_at")}
    feedback = datasets.read(f"{model}/feedback", columns=["prediction_id", "observed_at", "label"])
    joined = join_labels({"prediction_id": table["row_id"]}, feedback, np.datetime64(as_of))
    return table | {"label": joined["label"], "observed_at": joined["first_observed_at"]}


def only_labelled(rows: Columns) -> Columns:
    """The rows whose label is known, with `label` as 0 or 1 (int64).

    Notes
    -----
    Rows without a label are left out. That is harmless if the delay of a label does not depend on the label given the
    features; a label that never comes for one kind of outcome biases what is computed from the rest.
    """
    known = select(rows, ~np.isnan(rows["label"]))
    return known | {"label": known["label"].astype(np.int64)}


def labelled_rows(
    datasets: Datasets,
    *,
    model: str,
    dataset: str,
    batches: Sequence[str],
    columns: Sequence[str] | None,
    as_of: str,
    since: str | None = None,
    until: str | None = None,
) -> Columns:
    """Rows of ``<dataset>/features`` whose label was observed by `as_of`; see `only_labelled` for what that assumes."""
    rows = all_rows(
        datasets,
        model=model,
        dataset=dataset,
        batches=batches,
        columns=columns,
        as_of=as_of,
        since=since,
        until=until,
    )
    return only_labelled(rows)
