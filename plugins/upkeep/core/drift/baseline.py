"""What a table looked like when a model was accepted, and how much it moved by itself until then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, select
from upkeep.core.drift.tolerance import tolerances
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile

#: Lengths of windows whose natural variation is learned, in hours: an hour, a day, a week, four weeks.
LENGTHS_H = (1, 24, 168, 672)
#: At most so many windows of a length, the newest: enough of them, and a bound on the cost of a long past.
MOST_WINDOWS = 400
#: Seed of the halves: rows in turn, as two for each game or sensor, must not be split one to either side.
_SPLIT = 20_240_101


def measure(table: Columns, when: NDArray[np.datetime64], days: float) -> tuple[Profile, dict[str, float], int]:
    """A table's profile, its natural variation without a floor, and from how many windows that was learned.

    Parameters
    ----------
    table : mapping of str to ndarray, each shape (n,), n > 0
    when : ndarray of datetime64, shape (n,)
    days : float
        Length of a window, whole hours; an incomplete first one gives no variation.

    Notes
    -----
    Levels of text and boolean columns are chosen on one half of the rows, drawn by chance, and counted on the other. The
    top levels of the very rows that are counted hold more of them than of any later rows, by luck alone: in a column of
    many rare values the others' share would seem to rise in a world that stands still. Cuts of number columns have no
    such luck, as the distance read at them is bounded over all cuts at once.

    Levels that come and go all the time, as ids and dates in text do, are not learned as natural: the levels are those of
    the whole past, so no window of it has new ones. Such a column is better left out.

    Examples
    --------
    >>> day = np.datetime64("2024-01-01") + np.arange(3_000) // 150
    >>> profile, natural, windows = measure({"x": np.arange(3_000.0) % 150}, day, 5)
    >>> profile.rows, natural, windows
    (3000, {'x:ks': 0.0, 'x:null_rate': 0.0}, 4)
    """
    texts = {name: values for name, values in table.items() if values.dtype.kind in "OUb"}
    numbers = {name: values for name, values in table.items() if name not in texts}
    parts, counted = windows_of(when, days), np.random.default_rng(_SPLIT).random(len(when)) < 0.5
    profile, natural = _counted(ReferenceGrid.fit(numbers), numbers, np.arange(len(when)), parts)
    levels = ReferenceGrid.fit(select(texts, ~counted))
    by_level, natural_levels = _counted(levels, texts, np.flatnonzero(counted), [part[counted[part]] for part in parts])
    whole = replace(profile.beside(by_level), rows=len(when))
    return whole, natural | natural_levels, len(parts)


def _counted(
    grid: ReferenceGrid, table: Columns, rows: NDArray[np.int64], parts: Sequence[NDArray[np.int64]]
) -> tuple[Profile, dict[str, float]]:
    windows = [Profile.build(grid, select(table, part)) for part in parts]
    return Profile.build(grid, select(table, rows)), tolerances(windows, floor=0.0)


def windows_of(when: NDArray[np.datetime64], days: float) -> list[NDArray[np.int64]]:
    """Row positions per window of `days` days, the newest first; rows without a time are in none.

    They are counted back from the midnight after the last row, or from the next whole hour if they are shorter than a day.
    The oldest is left out if it is not a whole one, and either end if it has less than half the rows that are usual: a
    table that stops at noon, or a stray time, says nothing about a day.
    """
    known = np.flatnonzero(~np.isnat(when))
    if not len(known):
        return []
    hours, times = round(days * 24), when[known]
    unit = "datetime64[D]" if hours % 24 == 0 else "datetime64[h]"
    end = (times.max().astype(unit) + 1).astype("datetime64[h]")
    place = ((end - times.astype("datetime64[h]")).astype(np.int64) - 1) // hours
    whole = (end - times.min().astype(unit).astype("datetime64[h]")).astype(np.int64) // hours
    held, starts = np.unique(np.sort(place), return_index=True)
    order = known[np.argsort(place, kind="stable")]
    parts = [order[a:b] for a, b in pairwise([*starts, len(order)])][: int(np.searchsorted(held, whole))]
    usual = float(np.median([len(part) for part in parts])) if parts else 0.0
    if len(parts) > 2:
        ends = {i for i in (0, len(parts) - 1) if len(parts[i]) < usual / 2}
        parts = [part for i, part in enumerate(parts) if i not in ends]
    return parts[:MOST_WINDOWS]
