"""What is estimated of each row: whether the prediction is right, or how far it is off."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.estimate.base import Kind


def predicted(kind: Kind, scores: NDArray[np.float64], threshold: float) -> NDArray[np.intp]:
    """The class that every row is taken for, shape (n,)."""
    return scores.argmax(axis=1) if kind == "multiclass" else (scores >= threshold).astype(np.intp)


def outcomes(
    kind: Kind, scores: NDArray[np.float64], labels: NDArray[np.float64], threshold: float
) -> NDArray[np.float64]:
    """Of labelled rows: 1.0 if right, shape (n, 1); or residual, absolute and squared, shape (n, 3)."""
    if kind == "regression":
        residual = scores - labels
        return np.stack([residual, abs(residual), residual**2], axis=1)
    return np.asarray((predicted(kind, scores, threshold) == labels)[:, None], dtype=np.float64)


def expected_outcomes(
    kind: Kind, expected: NDArray[np.float64], scores: NDArray[np.float64], threshold: float
) -> NDArray[np.float64]:
    """The same of rows with chances, shape (n, k), or with expected residuals, which they are already."""
    if kind == "regression":
        return expected
    return expected[np.arange(len(scores)), predicted(kind, scores, threshold)][:, None]


def restored(
    kind: Kind,
    expected: NDArray[np.float64],
    outcome: NDArray[np.float64],
    scores: NDArray[np.float64],
    threshold: float,
) -> NDArray[np.float64]:
    """Chances or residuals that agree with new expected outcomes.

    The predicted class gets the chance of being right, the others share the rest as before. Of residuals no value is larger
    than the absolute one, by which ways are judged and which stays as it is, and no square smaller than that squared.
    """
    if kind == "regression":
        absolute = np.maximum(outcome[:, 1], 0.0)
        value = np.clip(outcome[:, 0], -absolute, absolute)
        return np.stack([value, absolute, np.maximum(outcome[:, 2], absolute**2)], axis=1)
    rows, at = np.arange(len(scores)), predicted(kind, scores, threshold)
    right = np.clip(outcome[:, 0], 0.0, 1.0)
    others = 1 - expected[rows, at]
    even = 1 / max(1, expected.shape[1] - 1)
    share = np.divide(expected, others[:, None], out=np.full_like(expected, even), where=others[:, None] > 1e-12)
    found = share * (1 - right)[:, None]
    found[rows, at] = right
    return found


def seen_scores(kind: Kind, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The columns of scores that rows are told apart by; score buckets are cut on the last."""
    return np.column_stack([scores, scores.max(axis=1)]) if kind == "multiclass" else scores


def judged(kind: Kind) -> int:
    """Which outcome ways are compared by: being right, or the absolute residual."""
    return 1 if kind == "regression" else 0
