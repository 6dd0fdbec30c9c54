"""How much more often than in the reference rows like this one are live: a classifier of the two, asked once per window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.estimate.boosting import boost

#: Odds are kept below this: a row that stands for more is an accident.
_LARGEST = 50.0
#: Rows of the window that the classifier is taught by at most; a window of more tells no more.
_LIVE = 10_000
_ROUNDS = 40


def density_ratio(reference: NDArray[np.uint8], live: NDArray[np.uint8], *, seed: int = 0) -> NDArray[np.float64]:
    """P(row | live) / P(row | reference) of the reference rows, with mean 1.

    Parameters
    ----------
    reference, live : ndarray of uint8, shapes (n, d) and (m, d)
        Coded rows.
    seed : int
        Of the rows that are drawn from a larger window.

    Returns
    -------
    ndarray of float, shape (n,)

    Notes
    -----
    Odds of a boosted classifier (Bickel, Brückner & Scheffer 2009) of our own trees. With 10,000 rows of 20 columns on each
    side it costs about half a second of CPU, far more than everything else here. Rows of `reference` teach it and are
    weighted by it, so it is kept small.
    """
    rng = np.random.default_rng(seed)
    drawn = live[rng.choice(len(live), _LIVE, replace=False)] if len(live) > _LIVE else live
    rows = np.concatenate([reference, drawn])
    is_live = np.repeat([0.0, 1.0], [len(reference), len(drawn)])
    start = np.full(len(rows), len(drawn) / len(rows))
    added = boost(rows, is_live, start, rounds=_ROUNDS).added(reference)
    odds = np.exp(added)  # the start is the odds of both being drawn as often
    kept = np.clip(odds, 1 / _LARGEST, _LARGEST)
    return np.asarray(kept / kept.mean())
