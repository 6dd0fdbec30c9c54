"""Differences between classes, as coordinates that treat all classes alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Chances of the reference are kept this far from 0 and 1 before they are moved: no odds are beyond doubt.
SURE = 1e-3
#: How far a chance may lean before the slope of the shift stops growing with it.
_STEEPEST = 3.0


def contrasts(classes: int) -> NDArray[np.float64]:
    """Helmert's contrasts, scaled so that equal variances of the coordinates are that variance of any log odds.

    Returns
    -------
    ndarray of float, shape (k, k - 1)

    Examples
    --------
    >>> contrasts(2).tolist()
    [[-0.5], [0.5]]
    >>> odds = contrasts(4)[3] - contrasts(4)[1]
    >>> float(odds @ odds)
    1.0
    """
    found = np.zeros((classes, classes - 1))
    for column in range(classes - 1):
        found[: column + 1, column] = -1.0
        found[column + 1, column] = column + 1.0
    return np.asarray(found / np.sqrt(2 * (found**2).sum(axis=0)))


def log_chances(chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithms of chances of shape (m, k), kept off 0 and 1."""
    kept = np.clip(chances, SURE, 1 - SURE)
    return np.asarray(np.log(kept / kept.sum(axis=1, keepdims=True)))


def leanings(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a shift depends on: 1, contrasts of the log chances, and of the chances, shape (m, 2 k - 1).

    With the second alone labels become surer or less sure. Labels that are given at random, as noise, flatten sure rows most:
    that takes the third as well.
    """
    contrast = contrasts(logs.shape[1])
    lean = np.clip(logs @ contrast, -_STEEPEST, _STEEPEST)
    return np.column_stack([np.ones(len(lean)), lean, 2 * np.exp(logs) @ contrast])


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chances from log odds, shape (m, k)."""
    above = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(above / above.sum(axis=1, keepdims=True))
