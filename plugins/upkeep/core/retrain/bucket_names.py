"""What a leaf of a tree over cells asks of its rows, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from upkeep.core.profile.cells import CategoryCells, Cells, NumericCells
from upkeep.core.profile.grid import ReferenceGrid

#: So many levels of a column are named one by one.
NAMED = 4
_REST = ("other", "missing")
#: Characters of a level that are told: levels come with the data, and names are read in sentences.
TOLD = 40


def bucket_names(
    grid: ReferenceGrid,
    ranks: Sequence[NDArray[np.float64]],
    column: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    cut: NDArray[np.float64],
) -> tuple[str, ...]:
    """One name per leaf, in the order of their numbers; see `LossBuckets` for the arrays."""
    columns = list(grid.cells)
    names: dict[int, str] = {}
    waiting: list[tuple[int, dict[int, tuple[float, float]]]] = [(0, {})]
    while waiting:
        node, path = waiting.pop()
        j = int(column[node])
        if j < 0:
            told = (_told(columns[i], grid.cells[columns[i]], ranks[i], *span) for i, span in sorted(path.items()))
            names[int(left[node])] = " and ".join(told) or "any row"
            continue
        low, high = path.get(j, (-math.inf, math.inf))
        waiting.append((int(left[node]), path | {j: (low, float(cut[node]))}))
        waiting.append((int(right[node]), path | {j: (float(cut[node]), high)}))
    return tuple(names[number] for number in range(len(names)))


def _told(column: str, cells: Cells, ranks: NDArray[np.float64], low: float, high: float) -> str:
    """Ranks in (low, high] of one column."""
    inside = (ranks > low) & (ranks <= high)
    if isinstance(cells, CategoryCells):
        return _levels(column, [*cells.levels, "other", "missing"], inside)
    if isinstance(cells, NumericCells):
        return _span(column, cells, inside)
    return _levels(column, [*(f"{hour}h" for hour in range(24)), "missing"], inside)


def _levels(column: str, levels: list[str], inside: NDArray[np.bool_]) -> str:
    """What is not a level of its own is told only where nothing else is meant."""
    chosen = [level for level, kept in zip(levels, inside, strict=True) if kept]
    left_out = [level for level, kept in zip(levels, inside, strict=True) if not kept]
    chosen = [level for level in chosen if level not in _REST] or chosen
    left_out = [level for level in left_out if level not in _REST] or left_out
    if len(chosen) <= NAMED or len(chosen) < len(left_out):
        return f"{column} is {_list(chosen)}"
    return f"{column} is not {_list(left_out)}"


def _list(levels: list[str]) -> str:
    more = f" and {len(levels) - NAMED} more" if len(levels) > NAMED else ""
    return ", ".join(_clipped(level) for level in levels[:NAMED]) + more


def _clipped(level: str) -> str:
    """One line of a level's begin, without control characters and what else does not print.

    >>> _clipped("port\\nof call"), _clipped("A" * 5000) == "A" * 39 + "…"
    ('port of call', True)
    """
    begin = level if len(level) <= TOLD else level[: TOLD - 1] + "…"
    return "".join(letter if letter.isprintable() else " " for letter in begin)


def _span(column: str, cells: NumericCells, inside: NDArray[np.bool_]) -> str:
    at = np.flatnonzero(inside[:-1])
    if not len(at):
        return f"{column} is missing"
    first, last = int(at[0]), int(at[-1])
    low = f"{cells.cuts[first - 1]:.4g} <= " if first else ""
    high = f" < {cells.cuts[last]:.4g}" if last < len(cells.cuts) else ""
    if not low and not high:
        return f"{column} is known"
    return f"{low}{column}{high}" + (" or missing" if inside[-1] and not high and low == "" else "")
