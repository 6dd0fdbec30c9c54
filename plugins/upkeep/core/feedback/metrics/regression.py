"""Metrics of a regressor, from what its residuals are expected to be."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.metrics.checks import check_weights
from upkeep.errors import InputError

REGRESSION = ("mae", "rmse", "bias")


def regression_metrics(
    bias: NDArray[np.float64],
    absolute: NDArray[np.float64],
    squared: NDArray[np.float64],
    *,
    weights: NDArray[np.float64] | None = None,
) -> dict[str, float]:
    """Mean absolute error, root mean squared error and bias.

    Parameters
    ----------
    bias, absolute, squared : ndarray of float, shape (m,)
        Per row the expected residual (prediction - label), its expected absolute value and its expected square; where the
        label is known, the exact ones.
    weights : ndarray of float, shape (m,), optional

    Returns
    -------
    dict of str to float
        mae, rmse, bias; NaN without rows.

    Examples
    --------
    Residuals 3 and -1, both known.

    >>> regression_metrics(np.array([3.0, -1.0]), np.array([3.0, 1.0]), np.array([9.0, 1.0]))
    {'mae': 2.0, 'rmse': 2.236, 'bias': 1.0}
    """
    shapes = {bias.shape, absolute.shape, squared.shape}
    if len(shapes) > 1 or bias.ndim != 1:
        raise InputError(f"bias, absolute and squared must have one shape (m,), got {sorted(shapes)}.")
    for name, values, least in (("bias", bias, -math.inf), ("absolute", absolute, 0.0), ("squared", squared, 0.0)):
        bad = ~(np.isfinite(values) & (values >= least))
        if bad.any():
            raise InputError(
                f"{name} must be finite{'' if least else ' and at least 0'}; {int(bad.sum())} of {len(values)} are not, "
                f"first {values[bad][0]}. Fill in pending labels with what is expected of them."
            )
    weight = check_weights(weights, len(bias))
    if not weight.any():
        return dict.fromkeys(REGRESSION, math.nan)
    return {
        "mae": float(weight @ absolute),
        "rmse": math.sqrt(float(weight @ squared)),
        "bias": float(weight @ bias),
    }
