"""ROC AUC of scores whose labels are known by their chances only."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def expected_roc_auc(
    chances: NDArray[np.float64], scores: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> float:
    """Expected pairs that the scores put in order, over expected pairs of a positive and a negative; ties count half.

    Parameters
    ----------
    chances : ndarray of float, shape (m,)
        P(label = 1), of labels that are independent given the chances; 0 and 1 are known labels.
    scores : ndarray of float, shape (m,)
        What the rows are ordered by.
    weights : ndarray of float, shape (m,), optional

    Returns
    -------
    float
        NaN if no pair can be expected, as when all labels are 1.

    Notes
    -----
    A row is never paired with itself, so p_i (1 - p_i) is left out above and below. One sort, then sums over runs of ties.
    With known labels this is the area of scikit-learn's `roc_auc_score`.

    Examples
    --------
    Scores .1 (label 0), .4 (chance 1/2) and .4 (label 1). Pairs: 1 > .1 is 1, the unknown over .1 is 1/2, the known 1
    over the unknown 0 is a tie, 1/2 x 1/2: 1.75 of 1 + 1/2 + 1/2.

    >>> expected_roc_auc(np.array([0.0, 0.5, 1.0]), np.array([0.1, 0.4, 0.4]))
    0.875
    """
    weight = np.ones(len(chances)) if weights is None else weights
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    positive = (chances * weight)[order]
    negative = ((1 - chances) * weight)[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)])
    if not len(first):
        return math.nan
    up, down = np.add.reduceat(positive, first), np.add.reduceat(negative, first)
    below = np.cumsum(down) - down
    itself = float(positive @ negative)
    pairs = float(up.sum() * down.sum()) - itself
    if pairs <= 1e-12 * itself or pairs <= 0:
        return math.nan
    return (float(up @ (below + down / 2)) - itself / 2) / pairs
