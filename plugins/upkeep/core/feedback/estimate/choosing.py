"""Which way to estimate, judged on windows made of the reference by models that have not seen their rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.estimate.ways import Method

#: How many standard errors must remain of a gain, unless said otherwise.
_STANDARD_ERRORS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The way, and how far off it is.

    Attributes
    ----------
    method : str
    share : float
        How much of it is mixed into the default's estimate, in [0, 1].
    error : float
        Root mean squared error over the windows, beyond that of chance in their labels.
    gains : mapping of str to (float, float)
        Mean squared error of each way minus the default's, and its standard error.
    """

    method: Method
    share: float
    error: float
    gains: Mapping[str, tuple[float, float]]


def choose(
    start: NDArray[np.float64],
    ways: Mapping[Method, NDArray[np.float64]],
    outcome: NDArray[np.float64],
    variance: NDArray[np.float64],
    windows: NDArray[np.float64],
    *,
    least: float = 0.0,
    needed: Mapping[Method, float] | None = None,
    default: Method = "calibrated",
) -> Choice:
    """The way that estimates windows' means best, if it is better than the default surely and by enough to matter.

    Parameters
    ----------
    start : ndarray of float, shape (n,)
        What the default says of each row's outcome, cross-fitted.
    ways : mapping of str to ndarray of float, each shape (windows,)
        What others say of each window, cross-fitted; NaN where they were not asked.
    outcome, variance : ndarray of float, shape (n,)
        What was; its variance given all that is known.
    windows : ndarray of float, shape (windows, n)
        Weights of rows.
    least : float
        Gain in squared error that a way must have beyond doubt.
    needed : mapping of str to float
        Standard errors that make up a doubt, where not 2.
    default : str
        What is kept if none is.

    Notes
    -----
    With d the difference of two estimates of a window and r what was, squared errors differ by d (d - 2 (r - start)): linear
    in the outcomes, so the standard error over all windows together is that of a weighted sum, however much they overlap.
    The share is the least-squares one (stacking), between 0 and 1.

    Examples
    --------
    Two halves of which .5 and .7 are right, where the start says .6 everywhere.

    >>> late = np.arange(2000) % 10 >= 5
    >>> outcome = np.where(late, np.arange(2000) // 10 % 10 < 7, np.arange(2000) // 10 % 10 < 5).astype(float)
    >>> windows = np.stack([~late, late]) / 1000
    >>> chosen = choose(np.full(2000, 0.6), {"boosted": np.array([0.5, 0.7])}, outcome, np.full(2000, 0.24), windows)
    >>> chosen.method, round(chosen.share, 3)
    ('boosted', 1.0)
    """
    missed = windows @ (outcome - start)
    gains: dict[str, tuple[float, float]] = {}
    best = default
    apart, gained = np.zeros(len(missed)), np.zeros(len(missed))
    for name, estimate in ways.items():
        differs = estimate - windows @ start
        asked = np.flatnonzero(~np.isnan(differs))
        gain = differs * (differs - 2 * missed)
        lever = 2 * (differs[asked] @ windows[asked]) / len(asked)
        mean, error = float(gain[asked].mean()), float(np.sqrt((lever**2 * variance).sum()))
        gains[name] = (mean, error)
        doubt = (needed or {}).get(name, _STANDARD_ERRORS) * error
        matters = mean + doubt < -least
        if matters and float(np.nanmean(gain[asked] - gained[asked])) < 0:  # held to the same windows
            best, apart, gained = name, differs, gain
    asked = np.flatnonzero(~np.isnan(apart))
    square = float(apart[asked] @ apart[asked])
    share = min(1.0, float(apart[asked] @ missed[asked]) / square) if square else 0.0
    left = missed[asked] - share * apart[asked]
    chance = float((windows[asked] ** 2 @ variance).mean())
    error = float(np.sqrt(max(0.0, float((left**2).mean()) - chance)))
    return Choice(method=best, share=share, error=error, gains=gains)
