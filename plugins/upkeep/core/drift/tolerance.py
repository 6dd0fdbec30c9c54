"""How much a column moves by itself: the tolerance learned from the reference's own past."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from upkeep.core.drift.compare import FLOOR
from upkeep.core.drift.distances import distances
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError


def tolerances(windows: Sequence[Profile], *, quantile: float = 0.9, floor: float = FLOOR) -> dict[str, float]:
    """Natural variation per column and distance, for `compare`.

    Parameters
    ----------
    windows : sequence of Profile
        Past windows of the reference itself, over one grid; fewer than three say nothing, and the floor is given.
    quantile : float
        Which of the windows' distances from the rest counts as still natural; 1 is the largest.
    floor : float
        Never less than this.

    Returns
    -------
    dict of str to float
        Keys ``column:distance``.

    Notes
    -----
    A window's distance from the other windows taken together contains what chance alone gives two samples of these
    sizes. That mean is taken off, or else small windows would excuse large drifts.

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
    excess: dict[str, list[float]] = {}
    for i, window in enumerate(windows):
        others = [*windows[:i], *windows[i + 1 :]]
        rest = reduce(Profile.merge, others) if others else window
        for column in window.columns:
            for d in distances(rest, window, column):
                excess.setdefault(f"{column}:{d.name}", []).append(d.statistic - d.chance)
    if len(windows) < 3:
        return dict.fromkeys(excess, floor)
    return {key: max(floor, float(np.quantile(values, quantile))) for key, values in excess.items()}
