"""Metrics of a classifier of two classes, from the chances of its labels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.metrics.checks import check_chances, check_weights
from upkeep.core.feedback.metrics.ranking import expected_roc_auc

BINARY = ("accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "brier")


def binary_metrics(
    chances: NDArray[np.float64],
    scores: NDArray[np.float64],
    *,
    threshold: float = 0.5,
    weights: NDArray[np.float64] | None = None,
) -> dict[str, float]:
    """Every metric with each label replaced by its chance.

    Parameters
    ----------
    chances : ndarray of float, shape (m,)
        P(label = 1) given all that is known; 0 or 1 where the label is.
    scores : ndarray of float, shape (m,)
        What the model said P(label = 1) was.
    threshold : float
        A row is predicted 1 if its score is at least this.
    weights : ndarray of float, shape (m,), optional
        How much each row counts; all the same if left out.

    Returns
    -------
    dict of str to float
        accuracy, precision, recall, f1, roc_auc, log_loss, brier; NaN where it is not defined, as precision without
        any row predicted 1.

    Notes
    -----
    Accuracy, log-loss and Brier score are means over rows, so this is their expected value exactly. The others are ratios
    of such means (Elkan's and CBPE's plug-in): off by order 1/m. With chances of 0 and 1 all are scikit-learn's.

    Examples
    --------
    Chances .9 and .6 of two rows predicted 1, .2 of one predicted 0.

    >>> found = binary_metrics(np.array([0.9, 0.6, 0.2]), np.array([0.8, 0.7, 0.1]))
    >>> round(found["accuracy"], 4), found["precision"], round(found["recall"], 4)
    (0.7667, 0.75, 0.8824)
    """
    check_chances(chances, scores)
    weight = check_weights(weights, len(scores))
    if not weight.any():
        return dict.fromkeys(BINARY, math.nan)
    predicted = scores >= threshold
    positive = weight * chances
    hit, missed = float(positive[predicted].sum()), float(positive[~predicted].sum())
    called = float(weight[predicted].sum())
    return {
        "accuracy": float(weight @ np.where(predicted, chances, 1 - chances)),
        "precision": ratio(hit, called),
        "recall": ratio(hit, hit + missed),
        "f1": ratio(2 * hit, called + hit + missed),
        "roc_auc": expected_roc_auc(chances, scores, weight),
        "log_loss": float(weight @ binary_log_loss(chances, scores)),
        "brier": float(weight @ (chances * (1 - scores) ** 2 + (1 - chances) * scores**2)),
    }


def binary_log_loss(chances: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected log-loss per row; scores are kept one machine epsilon from 0 and 1, as scikit-learn does."""
    tiny = np.finfo(np.float64).eps
    kept = np.clip(scores, tiny, 1 - tiny)
    return np.asarray(-chances * np.log(kept) - (1 - chances) * np.log1p(-kept))


def ratio(above: float, below: float) -> float:
    """The quotient, NaN over nothing."""
    return above / below if below > 0 else math.nan
