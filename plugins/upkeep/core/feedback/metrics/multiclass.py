"""Metrics of a classifier of several classes, from the chances of its labels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.metrics.checks import check_chances, check_weights
from upkeep.core.feedback.metrics.ranking import expected_roc_auc
from upkeep.errors import InputError

MULTICLASS = ("accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "brier")


def multiclass_metrics(
    chances: NDArray[np.float64],
    scores: NDArray[np.float64],
    *,
    predicted: NDArray[np.integer] | None = None,
    weights: NDArray[np.float64] | None = None,
) -> dict[str, float]:
    """Every metric with each label replaced by the chances of the classes.

    Parameters
    ----------
    chances : ndarray of float, shape (m, k)
        P(label = class) given all that is known, rows summing to 1; an indicator where the label is known.
    scores : ndarray of float, shape (m, k)
        What the model said.
    predicted : ndarray of int, shape (m,), optional
        Number of the class that was predicted; the one of the largest score if left out.
    weights : ndarray of float, shape (m,), optional

    Returns
    -------
    dict of str to float
        accuracy; precision, recall and f1 as the mean over the classes that have one; roc_auc as the mean over classes
        of each against the rest; log_loss; brier, the squared distance summed over classes. NaN where it is not defined.

    Notes
    -----
    With known labels: scikit-learn's, with `average="macro", zero_division=nan` and `multi_class="ovr"`.

    Examples
    --------
    >>> chances = np.array([[0.7, 0.2, 0.1], [0.0, 1.0, 0.0]])
    >>> scores = np.array([[0.6, 0.3, 0.1], [0.5, 0.4, 0.1]])
    >>> round(multiclass_metrics(chances, scores)["accuracy"], 4)
    0.35
    """
    check_chances(chances, scores)
    weight = check_weights(weights, len(scores))
    at = scores.argmax(axis=1) if predicted is None else _checked(predicted, scores.shape)
    if not weight.any():
        return dict.fromkeys(MULTICLASS, math.nan)
    each = np.arange(scores.shape[1])
    called = np.asarray(np.bincount(at, weights=weight, minlength=len(each)), dtype=np.float64)
    held = weight @ chances
    hit = np.array([weight[at == k] @ chances[at == k, k] for k in each])
    areas = np.array([expected_roc_auc(chances[:, k], scores[:, k], weight) for k in each])
    return {
        "accuracy": float(hit.sum()),
        "precision": _macro(hit, called),
        "recall": _macro(hit, held),
        "f1": _macro(2 * hit, called + held),
        "roc_auc": _mean(areas),
        "log_loss": float(weight @ _log_loss(chances, scores)),
        "brier": float(weight @ ((scores**2).sum(axis=1) - 2 * (scores * chances).sum(axis=1) + 1)),
    }


def _log_loss(chances: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    tiny = np.finfo(np.float64).eps
    return np.asarray(-(chances * np.log(np.clip(scores, tiny, 1 - tiny))).sum(axis=1))


def _macro(above: NDArray[np.float64], below: NDArray[np.float64]) -> float:
    return _mean(np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0))


def _mean(values: NDArray[np.float64]) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else math.nan


def _checked(predicted: NDArray[np.integer], shape: tuple[int, ...]) -> NDArray[np.integer]:
    rows, classes = shape
    whole = predicted.dtype.kind in "iu" and predicted.shape == (rows,)
    if not whole or (rows and (predicted.min() < 0 or predicted.max() >= classes)):
        raise InputError(f"predicted must be {rows} numbers of classes from 0 to {classes - 1}, got {predicted!r}.")
    return predicted
