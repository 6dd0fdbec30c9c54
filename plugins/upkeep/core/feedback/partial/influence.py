"""How much each row moves each metric: by its label's chance, and by being there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.metrics.binary import binary_log_loss


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Influence:
    """Slopes of a metric, shape (m, k) in the chances of the classes, and (m,) in the weight of the row (of mean 1)."""

    chance: NDArray[np.float64]
    weight: NDArray[np.float64]


def binary_influence(
    chances: NDArray[np.float64], scores: NDArray[np.float64], threshold: float
) -> dict[str, Influence]:
    """Of every metric of two classes.

    Parameters
    ----------
    chances, scores : ndarray of float, shape (m,)
    threshold : float

    Notes
    -----
    Every metric is a ratio of sums, so both slopes are exact. Where it is not defined they are 0. The slope in the chance
    stands in the column of class 1; that of class 0 is 0.
    """
    rows, predicted = len(scores), (scores >= threshold).astype(np.float64)
    sure, brier = _loss_slopes(scores)
    accuracy = np.where(predicted > 0, chances, 1 - chances)
    loss, square = binary_log_loss(chances, scores), chances * (1 - scores) ** 2 + (1 - chances) * scores**2
    found = {"accuracy": ((2 * predicted - 1) / rows, (accuracy - accuracy.mean()) / rows)}
    found |= _confusion(chances, predicted)
    found["roc_auc"] = _area(chances, scores)
    found["log_loss"] = (sure / rows, (loss - loss.mean()) / rows)
    found["brier"] = (brier / rows, (square - square.mean()) / rows)
    return {
        name: Influence(chance=np.column_stack([np.zeros(rows), by_chance]), weight=by_weight)
        for name, (by_chance, by_weight) in found.items()
    }


def multiclass_influence(chances: NDArray[np.float64], scores: NDArray[np.float64]) -> dict[str, Influence]:
    """The same for k classes, chances and scores of shape (m, k); classes without a value are left out of a mean."""
    rows, classes = scores.shape
    at = scores.argmax(axis=1)
    called = np.eye(classes)[at]
    loss = _class_losses(scores)
    square = (scores**2).sum(axis=1, keepdims=True) - 2 * scores + 1
    found = {
        "accuracy": _linear(called, chances),
        "log_loss": _linear(loss, chances),
        "brier": _linear(square, chances),
    }
    parts = [
        _confusion(chances[:, k], called[:, k]) | {"roc_auc": _area(chances[:, k], scores[:, k])}
        for k in range(classes)
    ]
    defined = {
        "precision": called.any(axis=0),
        "recall": chances.any(axis=0),
        "f1": called.any(axis=0) | chances.any(axis=0),
        "roc_auc": (chances.sum(axis=0) > 0) & (chances.sum(axis=0) < rows),
    }
    for name, there in defined.items():
        share = there / max(there.sum(), 1)
        by_chance = np.column_stack([part[name][0] for part in parts]) * share
        found[name] = Influence(chance=by_chance, weight=np.column_stack([part[name][1] for part in parts]) @ share)
    return found


def spread_of_labels(
    influence: Mapping[str, Influence], chances: NDArray[np.float64], rows: NDArray[np.int64]
) -> dict[str, float]:
    """Variance of each metric from labels of these rows being drawn by their chances, shape (len(rows), k)."""
    return {
        name: float(((of.chance[rows] ** 2 * chances).sum(axis=1) - (of.chance[rows] * chances).sum(axis=1) ** 2).sum())
        for name, of in influence.items()
    }


def _linear(values: NDArray[np.float64], chances: NDArray[np.float64]) -> Influence:
    each = (values * chances).sum(axis=1)
    return Influence(chance=values / len(values), weight=(each - each.mean()) / len(values))


def _confusion(
    chances: NDArray[np.float64], predicted: NDArray[np.float64]
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Slopes of precision, recall and F1."""
    held, called, hit = chances.sum(), predicted.sum(), chances @ predicted
    quotients = {"precision": (1, 0, 1), "recall": (1, 1, 0), "f1": (2, 1, 1)}
    found = {}
    for name, (twice, holds, calls) in quotients.items():
        below = holds * held + calls * called
        value = twice * hit / below if below > 0 else 0.0
        scale = 1 / below if below > 0 else 0.0
        by_weight = twice * chances * predicted - value * (holds * chances + calls * predicted)
        found[name] = ((twice * predicted - value * holds) * scale, by_weight * scale)
    return found


def _area(chances: NDArray[np.float64], scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slopes of ROC AUC: what share of the other class a row is on the right side of, less the area itself."""
    runs, of_run = np.unique(scores, return_inverse=True)
    up = np.bincount(of_run, weights=chances, minlength=len(runs))
    down = np.bincount(of_run, weights=1 - chances, minlength=len(runs))
    below = (np.cumsum(down) - down / 2)[of_run] - (1 - chances) / 2
    above = (up.sum() - np.cumsum(up) + up / 2)[of_run] - chances / 2
    itself = float(chances @ (1 - chances))
    pairs = float(up.sum() * down.sum()) - itself
    if pairs <= 1e-12 * itself or pairs <= 0:
        return np.zeros(len(scores)), np.zeros(len(scores))
    area = float(chances @ below) / pairs
    others_up, others_down = up.sum() - chances, down.sum() - (1 - chances)
    by_chance = (below - above - area * (others_down - others_up)) / pairs
    by_weight = (
        chances * below + (1 - chances) * above - area * (chances * others_down + (1 - chances) * others_up)
    ) / pairs
    return by_chance, by_weight


def _loss_slopes(scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ones, none = np.ones(len(scores)), np.zeros(len(scores))
    return binary_log_loss(ones, scores) - binary_log_loss(none, scores), 1 - 2 * scores


def _class_losses(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(-np.log(np.clip(scores, np.finfo(np.float64).eps, 1.0)))
