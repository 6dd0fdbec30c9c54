"""Counting one column into its cells."""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Coded, missing, named
from upkeep.core.profile.cells import CategoryCells, Cells, HourCells, NumericCells, category_counts
from upkeep.core.profile.lattice import HUGE
from upkeep.core.profile.stored import are_numbers, damaged, fields, is_whole, stored_moments
from upkeep.errors import InputError

#: Rows dealt with at a time: few enough for what lies in between to stay in a core's own cache.
CHUNK = 1 << 16
#: Below this many rows a sort is cheaper than the look-ups of a lattice.
_FEW = 1 << 12
#: Moments take a number further from the pivot than this many units as this far: squares of a chunk then add up exactly.
REACH = float(1 << 18)
_NUMBERS = (NoneType, bool, int, float, np.bool_, np.integer, np.floating)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColumnProfile:
    """What is known about one column of a table.

    Attributes
    ----------
    counts : ndarray of int64, shape (cells,)
        Rows per cell.
    nulls, infinite : int
        Rows without a value, and rows with an infinite number.
    low, high : float or None
        Least and largest number; of a time column, microseconds since 1970.
    moments : tuple of int, or None
        Sum, and sum of squares, of ``round((x - pivot) / unit)``, limited to plus or minus 2^18; None for categories
        and times, and where it was not kept.
    """

    counts: NDArray[np.int64]
    nulls: int
    infinite: int = 0
    low: float | None = None
    high: float | None = None
    moments: tuple[int, int] | None = None

    @property
    def values(self) -> int:
        """Rows that have a value which is not infinite."""
        return int(self.counts.sum())

    @property
    def rows(self) -> int:
        """Rows that were counted, with a value or without."""
        return self.values + self.unusable

    @property
    def unusable(self) -> int:
        """Rows without a finite value."""
        return self.nulls + self.infinite

    @property
    def null_share(self) -> float:
        """Share of rows without a finite value; 0 for a table without rows."""
        return self.unusable / self.rows if self.rows else 0.0

    def merge(self, other: ColumnProfile) -> ColumnProfile:
        """Both tables' rows together."""
        lows = [low for low in (self.low, other.low) if low is not None]
        highs = [high for high in (self.high, other.high) if high is not None]
        both = (self.moments, other.moments)
        return ColumnProfile(
            counts=self.counts + other.counts,
            nulls=self.nulls + other.nulls,
            infinite=self.infinite + other.infinite,
            low=min(lows, default=None),
            high=max(highs, default=None),
            moments=(both[0][0] + both[1][0], both[0][1] + both[1][1]) if both[0] and both[1] else None,
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "counts": self.counts.tolist(),
            "nulls": self.nulls,
            "infinite": self.infinite,
            "low": self.low,
            "high": self.high,
            "moments": list(self.moments) if self.moments else None,
        }

    @classmethod
    def from_json(cls, name: str, cells: Cells, entry: object) -> ColumnProfile:
        """Inverse of `to_json`; entries of format 1 have neither infinite rows of their own nor moments.

        InputError that names the column if the entry cannot be a profile over these cells.
        """
        what = f"the profile of column {name!r}"
        held = fields(what, entry, ("counts", "nulls", "low", "high"))
        counts, others = held["counts"], (held["nulls"], held.get("infinite", 0))
        if not (isinstance(counts, list) and len(counts) == cells.size and all(map(is_whole, counts))):
            raise damaged(f"{what} must have {cells.size} counts, whole numbers of at least 0", counts)
        if not (all(map(is_whole, others)) and is_whole(sum(counts) + sum(others))):
            raise damaged(f"{what} must have nulls and infinite, whole numbers of at least 0 below 2^63 rows", others)
        low, high = ends = [held["low"], held["high"]]
        if ends != [None, None] and not (are_numbers(ends) and low <= high):
            raise damaged(f"{what} must have finite numbers low <= high, or neither", ends)
        return cls(
            counts=np.array(counts, dtype=np.int64),
            nulls=others[0],
            infinite=others[1],
            low=low,
            high=high,
            moments=stored_moments(what, sum(counts), held.get("moments")),
        )


def count(name: str, cells: Cells, values: NDArray[Any] | Coded) -> ColumnProfile:
    """Count a column into its cells; InputError that names it if it is of another sort than its cells."""
    with named(name):
        counted = _counted(cells, values)
    if counted is None:
        wanted = "numbers" if isinstance(cells, NumericCells) else "times"
        kind = "text" if isinstance(values, Coded) else values.dtype
        raise InputError(f"column {name!r} must hold {wanted} as in the reference, got {kind}.")
    return counted


def _counted(cells: Cells, values: NDArray[Any] | Coded) -> ColumnProfile | None:
    """None if the column is of another sort than its cells."""
    if isinstance(cells, CategoryCells):
        return _categories(cells, values)
    if not isinstance(values, Coded):
        if isinstance(cells, NumericCells) and (values.dtype.kind in "iufb" or _numbers_with_gaps(values)):
            return _numbers(cells, values)
        if isinstance(cells, HourCells) and values.dtype.kind == "M":
            return _hours(values)
    if not _all_missing(values):
        return None
    return ColumnProfile(counts=np.zeros(cells.size, dtype=np.int64), nulls=len(values), moments=_none(cells))


def _numbers_with_gaps(values: NDArray[Any]) -> bool:
    """Objects that are all None, booleans or numbers, as columns of such come where some are missing."""
    return values.dtype.kind == "O" and all(issubclass(kind, _NUMBERS) for kind in set(map(type, values.tolist())))


def _all_missing(values: NDArray[Any] | Coded) -> bool:
    return bool((values.codes < 0).all() if isinstance(values, Coded) else missing(values).all())


def _none(cells: Cells) -> tuple[int, int] | None:
    return (0, 0) if isinstance(cells, NumericCells) else None


def _numbers(cells: NumericCells, values: NDArray[Any]) -> ColumnProfile:
    tally = _Tally(cells=cells, counts=np.zeros(cells.size, dtype=np.int64))
    for start in range(0, len(values), CHUNK):
        tally.add(np.ascontiguousarray(values[start : start + CHUNK], dtype=np.float64))
    some = tally.low <= tally.high
    return ColumnProfile(
        counts=tally.counts,
        nulls=tally.nulls,
        infinite=tally.infinite,
        low=tally.low if some else None,
        high=tally.high if some else None,
        moments=(tally.total, tally.squares),
    )


@dataclass(slots=True, kw_only=True)
class _Tally:
    """The running counts of a number column."""

    cells: NumericCells
    counts: NDArray[np.int64]
    nulls: int = 0
    infinite: int = 0
    low: float = np.inf
    high: float = -np.inf
    total: int = 0
    squares: int = 0

    def add(self, chunk: NDArray[np.float64]) -> None:
        low, high = chunk.min(), chunk.max()
        if not (np.isfinite(low) and np.isfinite(high)):  # a missing value makes both of them NaN
            usable = np.isfinite(chunk)
            nulls = int(np.count_nonzero(np.isnan(chunk)))
            self.nulls += nulls
            self.infinite += len(chunk) - nulls - int(np.count_nonzero(usable))
            chunk = chunk[usable]
            if not len(chunk):
                return
            low, high = chunk.min(), chunk.max()
        self.low, self.high = min(self.low, float(low) + 0.0), max(self.high, float(high) + 0.0)
        self.counts += self._cell_counts(chunk)
        self._add_moments(chunk)

    def _cell_counts(self, chunk: NDArray[np.float64]) -> NDArray[np.int64]:
        if len(chunk) >= _FEW and self.cells.lattice is not None:
            return np.bincount(self.cells.lattice.cells(chunk), minlength=self.cells.size)
        below = np.searchsorted(np.sort(chunk), self.cells.cuts, side="left")
        return np.diff(below, prepend=0, append=len(chunk))

    def _add_moments(self, chunk: NDArray[np.float64]) -> None:
        """Whole numbers below 2^53 throughout, so that floats add them exactly and in any order."""
        pivot, reach = self.cells.pivot, REACH * self.cells.unit
        units = np.clip(chunk, max(-HUGE, pivot - reach), min(HUGE, pivot + reach))
        units -= pivot
        units *= 1.0 / self.cells.unit
        np.rint(units, out=units)
        self.total += int(units.sum())
        units *= units
        self.squares += int(units.sum())


def _categories(cells: CategoryCells, values: NDArray[Any] | Coded) -> ColumnProfile:
    held = category_counts(values)
    counts = np.array([held.get(level, 0) for level in cells.levels] + [0], dtype=np.int64)
    known = sum(held.values())
    counts[-1] = known - counts.sum()
    return ColumnProfile(counts=counts, nulls=len(values) - known)


def _hours(values: NDArray[Any]) -> ColumnProfile:
    known = values[~np.isnat(values)]
    if not len(known):
        return ColumnProfile(counts=np.zeros(24, dtype=np.int64), nulls=len(values))
    low, high = (_microseconds(end) for end in (known.min(), known.max()))
    hours = known.astype("datetime64[h]").astype(np.int64) % 24
    return ColumnProfile(
        counts=np.bincount(hours, minlength=24), nulls=len(values) - len(known), low=float(low), high=float(high)
    )


def _microseconds(time: np.datetime64) -> int:
    """Since 1970; InputError where they do not fit into 64 bits, and numpy would wrap around."""
    micros = time.astype("datetime64[us]")
    if micros.astype("datetime64[s]") != time.astype("datetime64[s]"):
        raise InputError(
            f"its times must lie in the years -290307 to 294246, got {time.astype(np.int64)} in {time.dtype}. "
            "Make those that are out of range NaT."
        )
    return int(micros.astype(np.int64))
