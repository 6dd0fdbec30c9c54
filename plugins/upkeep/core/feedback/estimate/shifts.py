"""Windows that a reference can be turned into: what an estimate would have said of them is known to be right or wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: How strongly a window leans to one end of a column: the odds of a row at the top against one at the bottom are e to this.
_LEAN = 3.0
_COLUMNS, _MIXED, _BLOCKS = 24, 72, 8


def pseudo_windows(
    codes: NDArray[np.uint8], outcome: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Weights of reference rows that make windows of other distributions out of them.

    Parameters
    ----------
    codes : ndarray of uint8, shape (n, d)
        In the order of time; the score is one of the columns.
    outcome : ndarray of float, shape (n,)
        Windows lean along the columns that go together with it most: shifts elsewhere change no estimate.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float, shape (windows, n)
        Each row sums to 1. Windows that lean to either end of a column, to a corner of two, and blocks of time.
    """
    n = len(codes)
    rank = np.stack([_rank(codes[:, j]) for j in range(codes.shape[1])])
    rank = rank[rank.std(axis=1) > 0]
    related = np.array([_related(row, outcome) for row in rank])
    rank = rank[np.argsort(-related, kind="stable")[:_COLUMNS]]
    leans = [sign * _LEAN * row for row in rank for sign in (1, -1)]
    if len(rank) > 1:
        for _ in range(_MIXED):
            one, two = rng.choice(len(rank), 2, replace=False)
            first, second = rng.choice([-1, 1], 2)
            leans.append(_LEAN * (first * rank[one] + second * rank[two]))
    windows = [np.exp(lean) for lean in leans]
    block = np.arange(n) * min(_BLOCKS, n) // n
    windows += [(block == b).astype(np.float64) for b in range(block[-1] + 1)]
    stacked = np.stack(windows)
    return np.asarray(stacked / stacked.sum(axis=1, keepdims=True))


def _rank(codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The middle rank of each row's code, between -1/2 and 1/2."""
    held = np.bincount(codes)
    middle = (np.cumsum(held) - held / 2) / len(codes) - 0.5
    return np.asarray(middle[codes])


def _related(rank: NDArray[np.float64], outcome: NDArray[np.float64]) -> float:
    return abs(float((rank - rank.mean()) @ (outcome - outcome.mean()))) / float(rank.std())
