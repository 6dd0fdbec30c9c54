"""What is carried into the first window of a life: that the reference itself was learned from so many rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from upkeep.core.columns import Table
from upkeep.core.feedback.estimate.reference import EstimateReference
from upkeep.core.feedback.partial.contrasts import contrasts, leanings, log_chances
from upkeep.core.feedback.partial.residuals import MOMENTS
from upkeep.core.feedback.partial.shift import Carried, Shift

#: A shift of the reference larger than this (standard deviation of log odds) is not believed, however few its rows.
_LARGEST = 1.0


def begin(reference: EstimateReference, table: Table, scores: ArrayLike) -> Carried:
    """The reference's own error, so that intervals of a window without labels are as wide as they must be.

    Parameters
    ----------
    reference : EstimateReference
    table : mapping of str to ndarray or Coded, each shape (n,)
        The rows it was fitted on.
    scores : array of float, shape (n,) or (n, k)

    Returns
    -------
    Carried
        To pass to `estimate_performance` as `carried` of the life's first window.

    Notes
    -----
    The chances of the reference are off by a shift of unknown intercept and slopes, whose covariance is the inverse of the
    Fisher information of its n rows; of a regressor, by the share (E r^2 / (E |r|)^2) / n of its expected error.

    Examples
    --------
    Chances of one half in 400 rows: the log odds have standard error 2 / 20.

    >>> score, label = np.full(400, 0.5), np.tile([0, 1], 200)
    >>> start = begin(EstimateReference.fit({}, score, label, kind="binary"), {}, score)
    >>> round(float(start.shifts["label"].covariance[0, 0]) ** 0.5, 3)
    0.1
    """
    score = np.asarray(scores, dtype=np.float64)
    expected = reference.chances(table, score)
    if reference.kind == "regression":
        _, absolute, squared = expected.mean(axis=0)
        error = min(_LARGEST**2, float(squared / max(absolute, 1e-12) ** 2) / len(score))
        shift = Shift.none()
        return Carried(shifts=dict.fromkeys(MOMENTS, replace(shift, covariance=np.array([[error]]))))
    chances = np.column_stack([1 - expected, expected]) if score.ndim == 1 else expected
    information = _information(chances)
    shift = Shift.of_classes(chances.shape[1])
    covariance = np.asarray(np.linalg.inv(information + np.eye(len(information)) / _LARGEST**2))
    return Carried(shifts={"label": replace(shift, covariance=covariance)})


def _information(chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the effects of all features, shape (d, d)."""
    contrast = contrasts(chances.shape[1])
    features = leanings(log_chances(chances))
    mean = chances @ contrast
    spread = np.einsum("nk,ka,kb->nab", chances, contrast, contrast, optimize=True) - mean[:, :, None] * mean[:, None]
    whole = np.einsum("np,nq,nab->paqb", features, features, spread, optimize=True)
    size = features.shape[1] * contrast.shape[1]
    return np.asarray(whole.reshape(size, size))
