"""How much a column moves by itself: the tolerance learned from the reference's own past."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from upkeep.core.drift.distances import Distance, distances
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError

#: A move of two rows in a hundred is too small to matter, unless the user says otherwise.
FLOOR = 0.02
#: Windows of fewer rows of a column say more about chance than about its nature.
LEAST_ROWS = 30
#: Windows without which nothing is said about a distance.
ENOUGH = 3


def tolerances(
    windows: Sequence[Profile], *, quantile: float = 0.9, floor: float = FLOOR, alpha: float = 0.05
) -> dict[str, float]:
    """Natural variation per column and distance, for `compare`.

    Parameters
    ----------
    windows : sequence of Profile
        Past windows of the reference itself, over one grid; fewer than three say nothing. They
        should be as long as the windows that are to be tolerated: shorter ones vary more.
    quantile : float
        Which of the windows' distances from the rest counts as natural in any case; 1 is the largest.
    floor : float
        Never less than this.
    alpha : float
        Chance that a past window counts as moved without being so, over all windows, columns and distances.

    Returns
    -------
    dict of str to float
        Keys ``column:distance``; those about which fewer than three windows say anything are left out.

    Notes
    -----
    A window's distance from the other windows taken together contains what chance alone gives two samples of these
    sizes. That mean is taken off, and windows of fewer than 30 rows are left out, or else small windows would excuse
    large drifts. The quantile alone would miss
    a rare season, as one week of fifty-two is; so the largest distance of the windows that were moved beyond
    chance is tolerated as well. A season that returns as strong as it was is then no drift: a window is no
    further from the whole reference, of which its like is a part, than from the rest of it.

    Examples
    --------
    >>> from upkeep.core.profile.grid import ReferenceGrid
    >>> grid = ReferenceGrid.fit({"x": np.arange(900.0)})
    >>> parts = [Profile.build(grid, {"x": np.arange(float(i), 900, 3)}) for i in range(3)]
    >>> tolerances(parts)
    {'x:ks': 0.02, 'x:null_rate': 0.02}
    """
    if not 0 <= quantile <= 1 or not 0 <= floor < 1:
        raise InputError(f"quantile must lie in [0, 1] and floor in [0, 1), got {quantile} and {floor}.")
    found: dict[str, list[Distance]] = {}
    for window, rest in zip(windows, _rests(windows), strict=True):
        for column in window.columns:
            for distance in distances(rest, window, column):
                seen = found.setdefault(f"{column}:{distance.name}", [])
                if min(rest.columns[column].rows, window.columns[column].rows) >= LEAST_ROWS:
                    seen.append(distance)
    each = alpha / max(1, len(found) * len(windows))
    return {key: max(floor, _natural(seen, quantile, each)) for key, seen in found.items() if len(seen) >= ENOUGH}


def _natural(seen: Sequence[Distance], quantile: float, alpha: float) -> float:
    excess = np.array([distance.statistic - distance.chance for distance in seen])
    moved = np.array([distance.statistic > distance.radius(alpha) for distance in seen])
    return max(float(np.quantile(excess, quantile)), float(excess[moved].max(initial=0.0)))


def _rests(windows: Sequence[Profile]) -> list[Profile]:
    """For each window all the others together; for a lone one itself."""
    if len(windows) < 2:
        return list(windows)
    before = list(accumulate(windows[:-1], Profile.merge))
    after = list(accumulate(windows[:0:-1], Profile.merge))[::-1]
    between = [early.merge(late) for early, late in zip(before, after[1:], strict=False)]
    return [after[0], *between, before[-1]]
