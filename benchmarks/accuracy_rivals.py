"""Other ways to estimate a chunk's metrics without its labels: from doing nothing to weighting by a density ratio."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from accuracy_sets import DataSet, Rows
from upkeep.core.feedback.estimate.reference import EstimateReference
from upkeep.core.feedback.estimate.ways import Method
from upkeep.core.feedback.metrics.binary import binary_metrics
from upkeep.core.feedback.metrics.multiclass import multiclass_metrics
from upkeep.core.feedback.metrics.regression import regression_metrics

Metrics = dict[str, float]
Estimator = Callable[[Rows], Metrics]
#: Ours by one fixed method each, as rows of the table; the first is what CBPE does.
FIXED: dict[str, Method] = {
    "CBPE, ours (isotonic)": "calibrated",
    "regrouped": "regrouped",
    "score deciles": "score buckets",
    "bucketing tree": "bucketing tree",
    "boosted trees": "boosted",
    "density-ratio isotonic": "weighted",
}


def realized(data: DataSet, rows: Rows) -> Metrics:
    """The metrics with all labels in."""
    return _plug_in(data, _known(data, rows), rows.scores)


def constant(data: DataSet) -> Estimator:
    """What it was on the reference."""
    before = realized(data, data.reference)
    return lambda _rows: before


def uncalibrated(data: DataSet) -> Estimator | None:
    """Scores taken at their word; a regressor says nothing of its own error."""
    if data.kind == "regression":
        return None
    return lambda rows: _plug_in(data, rows.scores, rows.scores)


def ours(data: DataSet, method: Method | None = None) -> tuple[EstimateReference, Estimator]:
    reference = data.reference
    fitted = EstimateReference.fit(
        reference.table, reference.scores, reference.labels, kind=data.kind, threshold=data.threshold, method=method
    )
    return fitted, lambda rows: fitted.metrics(rows.table, rows.scores)


def floor(data: DataSet, rows: Rows, calibrated: EstimateReference, rng: np.random.Generator) -> tuple[float, float]:
    """Mean absolute error that chance in the labels alone leaves of the first metric, in two ways.

    sqrt(2 / pi) standard errors of the chunk's own labels, and by 200 draws of labels with the calibrated chances.
    """
    if data.kind == "regression":
        spread = float(abs(rows.scores - rows.labels).std()) / len(rows) ** 0.5
        return spread * (2 / np.pi) ** 0.5, spread * (2 / np.pi) ** 0.5
    right = realized(data, rows)["accuracy"]
    normal = (2 / np.pi * right * (1 - right) / len(rows)) ** 0.5
    chances = calibrated.chances(rows.table, rows.scores)
    of_prediction = _right(data, rows.scores, chances)
    drawn = (rng.random((200, len(rows))) < of_prediction).mean(axis=1)
    return normal, float(abs(drawn - of_prediction.mean()).mean())


def _right(data: DataSet, scores: NDArray[np.float64], chances: NDArray[np.float64]) -> NDArray[np.float64]:
    if data.kind == "binary":
        return np.where(scores >= data.threshold, chances, 1 - chances)
    return chances[np.arange(len(scores)), scores.argmax(axis=1)]


def _known(data: DataSet, rows: Rows) -> NDArray[np.float64]:
    if data.kind == "binary":
        return rows.labels
    if data.kind == "multiclass":
        return np.eye(rows.scores.shape[1])[rows.labels.astype(int)]
    residual = rows.scores - rows.labels
    return np.stack([residual, abs(residual), residual**2], axis=1)


def _plug_in(data: DataSet, chances: NDArray[np.float64], scores: NDArray[np.float64]) -> Metrics:
    if data.kind == "binary":
        return binary_metrics(chances, scores, threshold=data.threshold)
    if data.kind == "multiclass":
        return multiclass_metrics(chances, scores)
    return regression_metrics(*chances.T)
