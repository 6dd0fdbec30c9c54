"""Predictions joined with the labels known by some moment."""

from __future__ import annotations

import numpy as np

from upkeep.core.columns import Columns, missing, select
from upkeep.errors import InputError


def join_labels(predictions: Columns, feedback: Columns, as_of: np.datetime64) -> Columns:
    """The prediction log with what was known at `as_of`: no row is dropped because its label is late.

    Parameters
    ----------
    predictions : mapping of str to ndarray, each shape (n,)
        With `prediction_id` (int64).
    feedback : mapping of str to ndarray, each shape (l,)
        With `prediction_id`, `observed_at` and `label`; in any order. An id may come twice (the latest `observed_at` up to
        `as_of` wins, among equals the later row) or be unknown. An empty mapping means that no label came yet.
    as_of : datetime64
        Labels observed later than this do not count.

    Returns
    -------
    mapping of str to ndarray, each shape (n,)
        The columns of `predictions`, `label` (float64, NaN = pending), `observed_at` of that label, and
        `first_observed_at`, when any label of the row was first known, which is its delay even if it was corrected or sent
        again later (both NaT = pending).

    Examples
    --------
    >>> day = np.array(["2024-01-01", "2024-01-03"], dtype="datetime64[us]")
    >>> feedback = {"prediction_id": np.array([7, 7]), "observed_at": day, "label": np.array([1, 0])}
    >>> join_labels({"prediction_id": np.array([7, 8])}, feedback, np.datetime64("2024-01-02"))["label"]
    array([ 1., nan])
    """
    for name, table, wanted in (
        ("predictions", predictions, {"prediction_id"}),
        ("feedback", feedback, {"prediction_id", "observed_at", "label"} if feedback else set()),
    ):
        if wanted - set(table):
            raise InputError(f"{name} must have the columns {sorted(wanted)}, but lack {sorted(wanted - set(table))}.")
    rows = len(predictions["prediction_id"])
    label = np.full(rows, np.nan)
    observed, first = (np.full(rows, np.datetime64("NaT"), dtype="datetime64[us]") for _ in range(2))
    known = _latest(feedback, as_of)
    if len(known.get("label", ())):
        ids = predictions["prediction_id"]
        at = np.minimum(np.searchsorted(known["prediction_id"], ids), len(known["label"]) - 1)
        found = known["prediction_id"][at] == ids
        label[found] = known["label"][at[found]]
        observed[found] = known["observed_at"][at[found]]
        first[found] = known["first_observed_at"][at[found]]
    return predictions | {"label": label, "observed_at": observed, "first_observed_at": first}


def _latest(feedback: Columns, as_of: np.datetime64) -> Columns:
    """One row per id, sorted by id."""
    if not feedback:
        return {}
    named = {name: feedback[name] for name in ("prediction_id", "observed_at", "label")}
    known = select(named, (named["observed_at"] <= as_of) & ~missing(named["label"]))
    order = np.lexsort((known["observed_at"], known["prediction_id"]))  # stable: equal times keep their order
    known = select(known, order)
    ids = known["prediction_id"]
    last = np.append(ids[1:] != ids[:-1], True)[: len(ids)]
    first = np.append(True, ids[1:] != ids[:-1])[: len(ids)]
    return select(known, last) | {"first_observed_at": known["observed_at"][first]}
