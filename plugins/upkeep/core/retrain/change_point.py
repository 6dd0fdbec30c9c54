"""Since when a series that should stay at zero has been below it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def fell_since(values: ArrayLike, errors: ArrayLike) -> int:
    """Position of the first value that most likely has a lower mean than zero, with all that follow.

    Parameters
    ----------
    values : array_like of float, shape (n,)
        Zero on average until the change, and some lower number from it on.
    errors : array_like of float, shape (n,)
        Their standard errors, above 0.

    Returns
    -------
    int
        In [0, n); n - 1 if no stretch up to the end lies below zero.

    Notes
    -----
    Maximum likelihood for one change of a Gaussian mean from a known to an unknown value [1]_: with weights 1/error^2,
    the position t that maximises (sum of w x from t on)^2 / (sum of w from t on), over those where the sum is negative.

    References
    ----------
    .. [1] Hinkley (1970). Inference about the change-point in a sequence of random variables. Biometrika 57.

    Examples
    --------
    >>> fell_since([0.01, -0.01, 0.0, -0.06, -0.05], [0.01] * 5)
    3
    """
    x, weights = np.asarray(values, dtype=float), 1 / np.asarray(errors, dtype=float) ** 2
    sums, masses = np.cumsum((weights * x)[::-1])[::-1], np.cumsum(weights[::-1])[::-1]
    gains = np.where(sums < 0, sums**2 / masses, -1.0)
    return int(np.argmax(gains)) if gains.max() > 0 else len(x) - 1
