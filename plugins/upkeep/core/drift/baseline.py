"""What a table looked like when a model was accepted, and how much it moved by itself until then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, select
from upkeep.core.drift.tolerance import tolerances
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile


def measure(table: Columns, when: NDArray[np.datetime64], days: int) -> tuple[Profile, dict[str, float], int]:
    """A table's profile, its natural variation without a floor, and from how many windows that was learned.

    Parameters
    ----------
    table : mapping of str to ndarray, each shape (n,), n > 0
        Rows in any fixed order; date and time columns are left out.
    when : ndarray of datetime64, shape (n,)
    days : int
        Length of a window; an incomplete first one gives no variation.

    Notes
    -----
    Levels of text and boolean columns are chosen on every second row and counted on the others. The top levels of the
    very rows that are counted hold more of them than of any later rows, by luck alone: in a column of many rare values
    the others' share would seem to rise in a world that stands still. Cuts of number columns have no such
    luck, as the distance read at them is bounded over all cuts at once.

    Examples
    --------
    >>> zone = np.array(["a", "c", "b", "a", "a", "a"], dtype=object)
    >>> profile, natural, windows = measure({"zone": zone}, np.arange(6).astype("datetime64[D]"), 2)
    >>> profile.grid.cells["zone"].levels, profile.columns["zone"].counts.tolist(), windows
    (('a', 'b'), [2, 0, 1], 3)
    """
    texts = {name: values for name, values in table.items() if values.dtype.kind in "OUb"}
    numbers = {name: values for name, values in table.items() if name not in texts}
    parts, counted = windows_of(when, days), np.arange(1, len(when), 2)
    profile, natural = _counted(ReferenceGrid.fit(numbers), numbers, np.arange(len(when)), parts)
    levels = ReferenceGrid.fit(select(texts, np.arange(0, len(when), 2)))
    by_level, natural_levels = _counted(levels, texts, counted, [part[part % 2 == 1] for part in parts])
    whole = replace(profile.beside(by_level), rows=len(when))
    return whole, natural | natural_levels, len(parts)


def _counted(
    grid: ReferenceGrid, table: Columns, rows: NDArray[np.int64], parts: Sequence[NDArray[np.int64]]
) -> tuple[Profile, dict[str, float]]:
    windows = [Profile.build(grid, select(table, part)) for part in parts]
    return Profile.build(grid, select(table, rows)), tolerances(windows, floor=0.0)


def windows_of(when: NDArray[np.datetime64], days: int) -> list[NDArray[np.int64]]:
    """Row positions per window of `days` days, counted back from the last day; an incomplete first one is left out."""
    age_days = (when.max().astype("datetime64[D]") - when.astype("datetime64[D]")).astype(np.int64)
    whole = (int(age_days.max()) + 1) // days
    parts = [np.flatnonzero(age_days // days == i) for i in range(whole)]
    return [part for part in parts if len(part)]
