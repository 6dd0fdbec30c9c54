"""One column then and now, in few enough bars to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from upkeep.core.profile.cells import CategoryCells, HourCells, NumericCells
from upkeep.core.profile.counting import ColumnProfile
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError

__all__ = ["Histogram", "histogram"]

#: Share of the values, then and now taken alike, that each of the two outer bins may gather.
_TAIL = 0.005
#: And never further out than this many times the spread of the middle half, beyond it: Tukey's outer fences.
_FENCE = 3.0
#: On a logarithmic scale if the ends of the middle part are this many times apart, and its median is this near the lower.
_WIDE, _LOW_MEDIAN = 50.0, 0.1
#: A number column is shown value by value if it has few of them and they hold nearly all rows.
_VALUES, _NEARLY_ALL = 30, 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Shares of a column's rows with a value, then and now; each adds up to 1, or to 0 without such rows.

    Attributes
    ----------
    column : str
    kind : {"numeric", "values", "category"}
        Bins of numbers; single numbers, or hours of the day, in their order; categories by their share.
    scale : {"linear", "log"}
        On which numeric bins are of about equal width.
    edges : tuple of float, length k + 1
        Of numeric bins [edges[i], edges[i + 1]), the last one with its right end; else empty. The first and the last bin
        are the tails, as wide as the values go.
    levels : tuple of str, length k
        Of the other kinds; empty for numeric bins.
    before, after : tuple of float, length k
    missing : (float, float)
        Shares of all rows that have no finite value, then and now.
    """

    column: str
    kind: Literal["numeric", "values", "category"]
    scale: Literal["linear", "log"] = "linear"
    edges: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()
    before: tuple[float, ...]
    after: tuple[float, ...]
    missing: tuple[float, float]


def histogram(
    reference: Profile, current: Profile, column: str, *, bins: int = 30, levels: int = 8, other: str = "other"
) -> Histogram:
    """A column of two profiles over one grid, for people to look at.

    Parameters
    ----------
    reference, current : Profile
    column : str
    bins : int
        Most bins of a number column, at least 3.
    levels : int
        Categories with a bar of their own, those with the largest share on either side; the rest is `other`.
    other : str
        What the rest is called.

    Raises
    ------
    InputError
        If the column is not in both profiles, or bins < 3, or levels < 1.

    Notes
    -----
    Every bar is a whole number of the grid's cells, so its share is a count and nothing is smoothed. Edges are the
    cuts nearest to equally spaced ones: where the reference has few rows, cuts are far apart and so bins are wide.
    What lies beyond the outermost cuts is one bin, as no more is known of it than how far it goes.

    Examples
    --------
    >>> from upkeep.core.profile.grid import ReferenceGrid
    >>> table = {"x": np.arange(1000.0)}
    >>> grid = ReferenceGrid.fit(table)
    >>> then, now = Profile.build(grid, table), Profile.build(grid, {"x": table["x"] + 250})
    >>> shown = histogram(then, now, "x", bins=6)
    >>> [round(edge) for edge in shown.edges]
    [0, 9, 256, 504, 752, 999, 1249]
    >>> shown.before, shown.after
    ((0.01, 0.247, 0.247, 0.248, 0.248, 0.0), (0.0, 0.007, 0.247, 0.248, 0.248, 0.25))
    """
    if bins < 3 or levels < 1:
        raise InputError(f"a histogram must have at least 3 bins and 1 level, got bins={bins} and levels={levels}.")
    for profile in (reference, current):
        if column not in profile.columns:
            raise InputError(f"column {column!r} must be in both profiles, but one has {sorted(profile.columns)}.")
    cells = reference.grid.cells[column]
    a, b = reference.columns[column], current.columns[column]
    if len(a.counts) != len(b.counts):
        raise InputError(f"profiles must share the cells of {column!r} to be shown; build both with the same grid.")
    if isinstance(cells, CategoryCells):
        return _categories(column, cells, a, b, levels, other)
    if isinstance(cells, HourCells):
        return _bars(column, "values", [str(hour) for hour in range(24)], a, b, np.arange(24))
    return _values(column, cells, a, b, other) or _numbers(column, cells, a, b, bins)


def _categories(
    column: str, cells: CategoryCells, a: ColumnProfile, b: ColumnProfile, most: int, other: str
) -> Histogram:
    p, q = _shares(a.counts)[:-1], _shares(b.counts)[:-1]
    seen = np.flatnonzero((p > 0) | (q > 0))
    largest = seen[np.argsort(-np.maximum(p, q)[seen], kind="stable")[:most]]
    shown = largest[np.argsort(-p[largest], kind="stable")]
    place = np.full(cells.size, len(shown))
    place[shown] = np.arange(len(shown))
    return _bars(column, "category", [*(cells.levels[i] for i in shown), other], a, b, place)


def _values(column: str, cells: NumericCells, a: ColumnProfile, b: ColumnProfile, other: str) -> Histogram | None:
    """Value by value if the reference has few, else None."""
    if not len(cells.cuts):
        return _bars(column, "values", ["any value"], a, b, np.zeros(1, dtype=np.int64))
    shown = np.flatnonzero(cells.single & (a.counts + b.counts > 0))
    if len(shown) > _VALUES or a.counts[shown].sum() < _NEARLY_ALL * a.values:
        return None
    place = np.full(cells.size, len(shown))
    place[shown] = np.arange(len(shown))
    return _bars(column, "values", [*(f"{cells.cuts[i - 1]:g}" for i in shown), other], a, b, place)


def _bars(
    column: str,
    kind: Literal["values", "category"],
    names: list[str],
    a: ColumnProfile,
    b: ColumnProfile,
    place: NDArray[np.int64],
) -> Histogram:
    """Cells added up where they are placed; a last bar that nobody is in is left out."""
    counts = [np.bincount(place, weights=side.counts, minlength=len(names)) for side in (a, b)]
    kept = len(names) - (len(names) > 1 and not counts[0][-1] and not counts[1][-1])
    before, after = (tuple(_shares(count)[:kept].tolist()) for count in counts)
    missing = (a.null_share, b.null_share)
    return Histogram(column=column, kind=kind, levels=tuple(names[:kept]), before=before, after=after, missing=missing)


def _numbers(column: str, cells: NumericCells, a: ColumnProfile, b: ColumnProfile, bins: int) -> Histogram:
    pooled = (_shares(a.counts) + _shares(b.counts)) / (bool(a.values) + bool(b.values) or 1)
    below = np.cumsum(pooled)[:-1]  # of each cut
    first, last = _middle(below, _TAIL)
    scale = _scale(cells.cuts[first : last + 1].tolist(), below[first : last + 1])
    if scale == "linear":
        first, last = _fenced(cells.cuts, below, first, last)
    middle = cells.cuts[first : last + 1]
    inner = first + _spread(np.log(middle) if scale == "log" else middle, bins - 2)
    starts = np.concatenate([[0], inner + 1])
    ends = [value for side in (a, b) for value in (side.low, side.high) if value is not None]
    outer = (min([*ends, float(middle[0])]), max([*ends, float(middle[-1])]))
    before, after = (tuple(_shares(np.add.reduceat(side.counts, starts)).tolist()) for side in (a, b))
    return Histogram(
        column=column,
        kind="numeric",
        scale=scale,
        edges=(outer[0], *cells.cuts[inner].tolist(), outer[1]),
        before=before,
        after=after,
        missing=(a.null_share, b.null_share),
    )


def _middle(below: NDArray[np.float64], tail: float) -> tuple[int, int]:
    """Positions of the first and the last cut that leave at least this share beyond them."""
    first = min(int(np.searchsorted(below, tail)), len(below) - 1)
    return first, max(first, int(np.searchsorted(below, 1 - tail, side="right")) - 1)


def _fenced(cuts: NDArray[np.float64], below: NDArray[np.float64], first: int, last: int) -> tuple[int, int]:
    """Without the far ends of heavy tails, which would leave no room for the rest."""
    low, high = (float(cuts[i]) for i in _middle(below, 0.25))
    if not low < high:
        return first, last
    reach = _FENCE * (high - low)
    inside = np.searchsorted(cuts, [low - reach, high + reach])
    return max(first, int(inside[0])), min(last, int(inside[1]) - 1)


def _scale(middle: list[float], below: NDArray[np.float64]) -> Literal["linear", "log"]:
    least, most = middle[0], middle[-1]
    median = middle[min(int(np.searchsorted(below, 0.5)), len(middle) - 1)]
    wide = least > 0 and most >= _WIDE * least and median - least < _LOW_MEDIAN * (most - least)
    return "log" if wide else "linear"


def _spread(cuts: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Positions of cuts about equally far apart, the first and the last among them; `bins` gaps at most."""
    at = cuts / (np.abs(cuts).max() or 1.0)  # whose differences do not overflow
    wanted = np.linspace(at[0], at[-1], bins + 1)[1:-1]
    after = np.searchsorted(at, wanted).clip(max=len(at) - 1)
    ahead = np.maximum(after - 1, 0)
    nearest = np.where(wanted - at[ahead] < at[after] - wanted, ahead, after)
    least = 0.5 * (at[-1] - at[0]) / bins  # else the cell of a single value could be a bin, without a width to be seen
    kept = [0]
    for position in np.unique(nearest).tolist():
        if at[position] - at[kept[-1]] > least and at[-1] - at[position] > least:
            kept.append(position)
    return np.unique([*kept, len(at) - 1])


def _shares(counts: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.float64]:
    return counts / max(float(counts.sum()), 1.0)
