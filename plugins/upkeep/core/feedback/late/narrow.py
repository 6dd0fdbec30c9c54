"""Fewer cells per column, so that those of all columns can be counted in pairs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from upkeep.core.profile.cells import CategoryCells, Cells, HourCells, NumericCells

#: Codes that a column needs to say anything: two cells, and one for missing values.
_LEAST = 3


def narrowed(cells: Mapping[str, Cells], most: int) -> dict[str, Cells]:
    """Cells with at most `most` codes in all, one code per cell and one per column for missing values.

    Nothing changes if there is room. Else the same limit holds for every column, the largest that lets all of them in,
    and at least three codes: numbers keep evenly spaced ones of their cuts, text its most frequent levels. Hours stay as
    they are, as many columns as half of the codes suffice for. If that is still too much, columns are taken in the
    order in which they stand, each if there is room left for it.

    Examples
    --------
    >>> zone, fare = CategoryCells(levels=tuple("abcdef")), NumericCells(cuts=np.arange(1.0, 10.0))
    >>> held = narrowed({"zone": zone, "fare": fare}, 12)
    >>> held["zone"].levels, held["fare"].cuts.tolist()
    (('a', 'b', 'c', 'd'), [2.0, 4.0, 6.0, 8.0])
    >>> list(narrowed({"zone": zone, "at": HourCells(), "fare": fare}, 12))
    ['zone', 'fare']
    """
    if sum(one.size + 1 for one in cells.values()) <= most:
        return dict(cells)
    times = [name for name, one in cells.items() if isinstance(one, HourCells)]
    beyond = set(times[most // 2 // (HourCells().size + 1) :])
    held = {name: one for name, one in cells.items() if name not in beyond}
    limit = max((one.size + 1 for one in held.values()), default=_LEAST)
    while limit > _LEAST and sum(one.size + 1 for one in held.values()) > most:
        limit -= 1
        held = {name: _at_most(cells[name], limit) for name in held}
    room, kept = most, dict[str, Cells]()
    for name, one in held.items():
        if one.size < room:
            kept[name] = one
            room -= one.size + 1
    return kept


def _at_most(cells: Cells, limit: int) -> Cells:
    if isinstance(cells, HourCells) or cells.size + 1 <= limit:
        return cells
    if isinstance(cells, CategoryCells):
        return CategoryCells(levels=cells.levels[: limit - 2])
    fewer = limit - 2  # cuts between one cell less than the limit
    spaced = np.arange(1, fewer + 1) * (len(cells.cuts) + 1) // (fewer + 1) - 1
    return NumericCells(cuts=cells.cuts[spaced])
