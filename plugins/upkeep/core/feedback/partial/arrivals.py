"""Whether labels come as the delay model says, and what to make of it if not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Labels of a bucket may be this many standard deviations, and this share, more or fewer than expected.
_DEVIATIONS, _SHARE = 4.0, 0.1
_SURE = 0.999


def pace(
    chances: NDArray[np.float64],
    labelled_by_now: NDArray[np.float64],
    known: NDArray[np.bool_],
    bucket: NDArray[np.int64],
) -> NDArray[np.float64]:
    """How many labels are in for each that the delay model expects, per row's bucket, shape (m,); 1 where they agree.

    Parameters
    ----------
    chances, labelled_by_now : ndarray of float, shape (m, k)
    known : ndarray of bool, shape (m,)
    bucket : ndarray of int, shape (m,)

    Notes
    -----
    When labels stop coming, pending rows must not be taken for the class whose labels are late. A bucket with more or
    fewer labels than can be chance has all its delays scaled by one factor. What is then left to learn from is which
    of the classes is in more often, whatever the pace: the likelihood given that a label is in.

    Examples
    --------
    Half of 100 labels should be in; 20 are.

    >>> chances, law = np.full((100, 2), 0.5), np.full((100, 2), 0.5)
    >>> pace(chances, law, np.arange(100) < 20, np.zeros(100, dtype=int))[:2].round(2).tolist()
    [0.4, 0.4]
    """
    _, at = np.unique(bucket, return_inverse=True)
    share = (chances * labelled_by_now).sum(axis=1)
    expected, variance = np.bincount(at, weights=share), np.bincount(at, weights=share * (1 - share))
    came = np.bincount(at, weights=known)
    off = np.abs(came - expected) > _DEVIATIONS * np.sqrt(variance + 1) + _SHARE * expected
    factor = np.where(off, came / np.maximum(expected, 1e-9), 1.0)
    return np.asarray(factor[at])


def silence(labelled_by_now: NDArray[np.float64], factor: NDArray[np.float64]) -> NDArray[np.float64]:
    """P(still pending | class) at this pace, shape (m, k)."""
    return np.asarray(1 - np.minimum(labelled_by_now * factor[:, None], np.maximum(_SURE, labelled_by_now)))
