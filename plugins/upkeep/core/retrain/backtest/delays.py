"""Delays of labels where none were recorded."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from upkeep.errors import InputError


def exponential_delays(
    mean_h: ArrayLike, rows: int, rng: np.random.Generator, *, never: float = 0.0
) -> NDArray[np.float64]:
    """Draw hours from a prediction to its label, shape (rows,).

    Parameters
    ----------
    mean_h : float or array_like, shape (rows,)
        Mean delay; one per row where groups are late in different ways.
    rows : int
    rng : numpy.random.Generator
    never : float
        Share of labels that never come; their delay is inf.

    Examples
    --------
    >>> slow = np.where(np.arange(20_000) % 2 == 0, 1.0, 10.0)
    >>> hours = exponential_delays(slow, 20_000, np.random.default_rng(1))
    >>> bool(hours[::2].mean() < 1.1), bool(hours[1::2].mean() > 9)
    (True, True)
    """
    mean = np.broadcast_to(np.asarray(mean_h, dtype=np.float64), (rows,))
    if not (mean >= 0).all() or not 0 <= never < 1:
        raise InputError("a mean delay must be 0 hours or more, and the share of labels that never come in [0, 1).")
    hours = rng.exponential(1.0, rows) * mean
    return np.where(rng.random(rows) < never, np.inf, hours)
