"""Whether a window is the reference in another mix: one column has moved, and that alone explains how all others have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.estimate.coding import CELLS

#: A column has moved if it is further off than chance explains by so many standard deviations: the largest of many columns.
_SURE = 5.0
#: What may be left of every other column's distance once that one is as it is live: a share of its own distance, and the
#: standard deviations of what is left that must fit below it too.
_LEFT, _LEFT_SURE = 0.1, 2.0


def moved_column(reference: NDArray[np.uint8], live: NDArray[np.uint8]) -> int | None:
    """The column whose cells, in the amounts they have live, make the window out of the reference.

    Parameters
    ----------
    reference, live : ndarray of uint8, shapes (n, d) and (m, d)
        Coded rows.

    Returns
    -------
    int or None
        The column that moved most. None if no column moved, or if the reference's rows, weighted so that this column is
        distributed as live, still differ from the window in another column.

    Notes
    -----
    Columns are told apart by Bhattacharyya's distance, -log sum sqrt(p q), which adds up over independent columns. Of two equal
    laws it is (k - 1) (1 / m + 1 / n) / 8 in the mean, with standard deviation sqrt(2 (k - 1)) (1 / m + 1 / n) / 8 (a chi
    square over 8). The effective rows of the weighted reference are n' = (sum w)^2 / sum w^2.

    Examples
    --------
    The share of 1s in the first column is 4/5 in place of 1/2, and the second depends on the first as before.

    >>> group = np.repeat([0, 1], 500).astype(np.uint8)
    >>> reference = np.column_stack([group, np.where(np.arange(1000) % 10 < 3, 1 - group, group)]).astype(np.uint8)
    >>> live = np.concatenate([reference[:200], np.tile(reference[500:], (2, 1))[:800]])
    >>> moved_column(reference, live)
    0

    Of independent columns that have both moved, neither explains the other.

    >>> moved_column(reference, np.column_stack([live[:, 0], np.arange(1000) % 5 == 0]).astype(np.uint8)) is None
    True
    """
    n, m = len(reference), len(live)
    if not n or not m:
        return None
    columns = range(reference.shape[1])
    before, now = ([_shares(rows[:, j]) for j in columns] for rows in (reference, live))
    apart = [_distance(p, q, n, m) for p, q in zip(before, now, strict=True)]
    most = max(columns, key=lambda j: apart[j][0])
    distance, spread = apart[most]
    unseen = float(now[most][before[most] == 0].sum())
    if distance <= _SURE * spread or unseen > _LEFT * min(distance, 1.0):
        return None
    ratio = np.divide(now[most], before[most], out=np.zeros(CELLS), where=before[most] > 0)
    weights = ratio[reference[:, most]]
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    for other in set(columns) - {most}:
        left, spread = _distance(_shares(reference[:, other], weights), now[other], effective, m)
        if left + _LEFT_SURE * spread > _LEFT * distance:
            return None
    return most


def _shares(codes: NDArray[np.uint8], weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    held = np.bincount(codes, weights=weights, minlength=CELLS)
    return np.asarray(held / held.sum())


def _distance(p: NDArray[np.float64], q: NDArray[np.float64], n: float, m: float) -> tuple[float, float]:
    """Bhattacharyya's distance beyond that of two samples of one law, and its standard deviation if they are."""
    free, unit = max(0, int(np.count_nonzero(p + q)) - 1), (1 / n + 1 / m) / 8
    affinity = max(float(np.sqrt(p * q).sum()), float(np.finfo(float).tiny))
    return -float(np.log(affinity)) - free * unit, float(np.sqrt(2 * free)) * unit
