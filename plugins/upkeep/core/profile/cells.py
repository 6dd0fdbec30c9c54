"""The cells that a column's values are counted in: of numbers, of categories, of times."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Coded
from upkeep.core.profile.lattice import HUGE, Lattice

#: Units per spread of the column; a thousandth of it is finer than anything a mean is read for.
_RESOLUTION = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class NumericCells:
    """Cells of a number column: below the first cut, [cut, next cut), ..., at or above the last cut."""

    cuts: NDArray[np.float64]

    @classmethod
    def fit(cls, values: NDArray[Any], bins: int) -> NumericCells:
        """Equi-depth cuts; a value held by more than 1/bins of the rows gets a cell of its own.

        Such an atom v is the cell [v, next larger float), so one sorted array of cuts says it all.
        """
        number = values.astype(np.float64)
        ordered = np.sort(number[np.isfinite(number)])
        if not len(ordered):
            return cls(cuts=np.empty(0))
        depth = np.arange(1, bins) * len(ordered) // bins
        first = np.concatenate([[0], np.flatnonzero(ordered[1:] != ordered[:-1]) + 1])
        held = np.diff(first, append=len(ordered))
        atoms = ordered[first[held * bins > len(ordered)]]
        after = np.nextafter(atoms, np.inf)
        cuts = np.unique(np.concatenate([ordered[depth], atoms, after[np.isfinite(after)]]))
        return cls(cuts=cuts + 0.0)  # -0.0 and 0.0 are one number, and are to be stored as one

    @property
    def size(self) -> int:
        return len(self.cuts) + 1

    @property
    def single(self) -> NDArray[np.bool_]:
        """True for the cells that hold one value only, shape (size,)."""
        single = np.zeros(self.size, dtype=bool)
        single[1:-1] = self.cuts[1:] == np.nextafter(self.cuts[:-1], np.inf)
        return single

    @cached_property
    def lattice(self) -> Lattice | None:
        """What finds the cell of many numbers fast, if there is such a thing for these cuts."""
        return Lattice.across(self.cuts)

    @cached_property
    def pivot(self) -> float:
        """The middle cut: moments are kept about it."""
        return float(np.clip(self.cuts[len(self.cuts) // 2], -HUGE, HUGE)) if len(self.cuts) else 0.0

    @cached_property
    def unit(self) -> float:
        """What moments are counted in, in the column's own unit: a power of two near a thousandth of its spread.

        The spread is that of the middle half of the cuts, else of all, else the pivot itself, else one.
        """
        if not len(self.cuts):
            return 1.0
        quarter, last = len(self.cuts) // 4, len(self.cuts) - 1
        spreads = (
            self.cuts[last - quarter] / 2 - self.cuts[quarter] / 2,  # halves, as the difference may overflow
            self.cuts[last] / 2 - self.cuts[0] / 2,
            abs(self.pivot) / 2,
            0.5,
        )
        spread = next(float(spread) for spread in spreads if spread >= np.finfo(float).tiny)
        return math.ldexp(1.0, max(math.frexp(spread)[1] - _RESOLUTION, -1021))

    def to_json(self) -> dict[str, list[float]]:
        return {"cuts": self.cuts.tolist()}


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryCells:
    """Cells of a text or boolean column: its most frequent values, then all others."""

    levels: tuple[str, ...]

    @classmethod
    def fit(cls, values: NDArray[Any] | Coded, top: int) -> CategoryCells:
        """The `top` most frequent values; among equally frequent ones the alphabet decides."""
        return cls.most_frequent(category_counts(values), top)

    @classmethod
    def most_frequent(cls, held: Mapping[str, int], top: int) -> CategoryCells:
        """The `top` values of most rows, from rows per value."""
        return cls(levels=tuple(sorted(held, key=lambda level: (-held[level], level))[:top]))

    @property
    def size(self) -> int:
        return len(self.levels) + 1

    def to_json(self) -> dict[str, list[str]]:
        return {"levels": list(self.levels)}


@dataclass(frozen=True, slots=True, kw_only=True)
class HourCells:
    """Cells of a time column: the hour of the day, UTC. Time itself always moves on; the hours of a source do not."""

    @property
    def size(self) -> int:
        return 24

    def to_json(self) -> dict[str, int]:
        return {"hours": 24}


Cells: TypeAlias = NumericCells | CategoryCells | HourCells


def cells_from_json(entry: Mapping[str, Any]) -> Cells:
    """Inverse of `to_json` of any cells."""
    if "cuts" in entry:
        return NumericCells(cuts=np.asarray(entry["cuts"], dtype=np.float64))
    return HourCells() if "hours" in entry else CategoryCells(levels=tuple(entry["levels"]))


def category_counts(values: NDArray[Any] | Coded) -> dict[str, int]:
    """Rows per category as text; missing values left out."""
    if isinstance(values, Coded):
        held = np.bincount(values.codes[values.codes >= 0], minlength=len(values.levels))
        counted = zip(values.levels, held.tolist(), strict=True)
    elif values.dtype.kind == "b":
        yes = int(np.count_nonzero(values))
        counted = zip(("True", "False"), (yes, len(values) - yes), strict=True)
    else:
        counted = zip(*_tally(values), strict=True)
    counts: Counter[str] = Counter()
    for level, rows in counted:
        if rows:
            counts[level] += rows
    return counts


def _tally(values: NDArray[Any]) -> tuple[list[str], list[int]]:
    held = [
        (str(value), rows) for value, rows in Counter(values.tolist()).items() if value is not None and value == value
    ]
    return [level for level, _ in held], [rows for _, rows in held]
