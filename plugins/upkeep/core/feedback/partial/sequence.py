"""An interval for the accuracy so far that may be looked at after every label, for ever."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from upkeep.errors import InputError

#: Bets, in log odds: how strongly each says that more rows, or fewer, are right than the candidate says. Fine ones tell
#: small differences apart after many rows, coarse ones large differences after few.
_BETS = np.geomspace(0.001, 4.0, 32)
_GAINS = np.expm1(_BETS)
_HALVINGS = 40


def accuracy_sequence(correct: int, rows: int, *, alpha: float = 0.05) -> tuple[float, float]:
    """Interval of a confidence sequence for the mean chance of being right over the rows so far.

    Parameters
    ----------
    correct, rows : int
        Since the life began, with all labels in.
    alpha : float
        Chance that *any* of the intervals of the life misses, however often one looks; half of it on either side.

    Returns
    -------
    (float, float)
        Low and high; (0, 1) without rows.

    Notes
    -----
    Rows may have any chances of being right, which may depend on the past, and the truth is their mean so far. A bet
    of size b against the candidate a multiplies its stake by e^(b x) / (1 - a + a e^b) at an outcome x. Since log(1 - a + a
    e^b) is concave in a, at the true mean the product is at most a martingale of mean 1, so by Ville's inequality
    it ever reaches 2 / alpha with chance alpha / 2. The stake is spread over bets of 32 sizes on either side; a
    candidate that has lost by then is out [1]_ [2]_. An interval for one look, as Clopper and Pearson's, looked at for ever
    misses with chance 1.

    References
    ----------
    .. [1] Waudby-Smith & Ramdas (2024). Estimating means of bounded random variables by betting. J. Roy. Stat. Soc. B 86.
    .. [2] Howard, Ramdas, McAuliffe & Sekhon (2021). Time-uniform, nonparametric, nonasymptotic confidence sequences.
       Ann. Statist. 49.

    Examples
    --------
    >>> [round(end, 3) for end in accuracy_sequence(900, 1000)]
    [0.864, 0.93]
    """
    if not 0 < alpha < 1:
        raise InputError(f"alpha must lie strictly between 0 and 1, got {alpha}. For 95 % intervals pass alpha=0.05.")
    if not 0 <= correct <= rows:
        raise InputError(f"correct must lie between 0 and rows, got {correct} of {rows}.")
    if not rows:
        return 0.0, 1.0
    return _least(correct, rows, alpha), 1 - _least(rows - correct, rows, alpha)


def _least(correct: int, rows: int, alpha: float) -> float:
    """The smallest candidate that bets on more rows being right have not ruled out."""
    low, high = 0.0, correct / rows
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _log_stake(middle, correct, rows) >= math.log(2 / alpha):
            low = middle
        else:
            high = middle
    return low


def _log_stake(candidate: float, correct: int, rows: int) -> float:
    stakes: NDArray[np.float64] = _BETS * correct - rows * np.log1p(candidate * _GAINS)
    most = float(stakes.max())
    return most + math.log(float(np.exp(stakes - most).mean()))
