"""The numbers that a training is logged with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from upkeep.core.checks.leakage import rank_auc

_SMALLEST = 1e-15  # a probability of exactly 0 or 1 would make the log-loss infinite


def fit_metrics(label: NDArray[np.int64], score: NDArray[np.float64], threshold: float) -> dict[str, float]:
    """Accuracy, precision, recall, F1, ROC AUC, log-loss and Brier score.

    Parameters
    ----------
    label : ndarray of int64, shape (n,)
        0 or 1, both present.
    score : ndarray of float64, shape (n,)
        Probability of class 1.
    threshold : float
        Scores from here on are predicted 1.

    Notes
    -----
    Precision is 0 where nothing is predicted 1, and F1 with it.

    Examples
    --------
    >>> m = fit_metrics(np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.7, 0.9]), 0.5)
    >>> m["accuracy"], m["precision"], m["recall"], m["roc_auc"], m["brier"]
    (0.75, 0.6667, 1.0, 1.0, 0.1175)
    """
    predicted = score >= threshold
    positive = label == 1
    hits = int((predicted & positive).sum())
    precision = hits / predicted.sum() if predicted.any() else 0.0
    recall = hits / positive.sum() if positive.any() else 0.0
    clipped = np.clip(score, _SMALLEST, 1.0 - _SMALLEST)
    return {
        "accuracy": float((predicted == positive).mean()),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(2 * precision * recall / (precision + recall)) if hits else 0.0,
        "roc_auc": rank_auc(score, label),
        "log_loss": float(-np.where(positive, np.log(clipped), np.log1p(-clipped)).mean()),
        "brier": float(((score - label) ** 2).mean()),
    }
