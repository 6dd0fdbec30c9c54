"""The cells that a column's values are counted in: of numbers, of categories, of times."""

from __future__ import annotations

import math
import reprlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import NoneType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Coded
from upkeep.core.profile.lattice import HUGE, Lattice
from upkeep.core.profile.stored import are_numbers, damaged
from upkeep.errors import InputError

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
        after = np.nextafter(atoms[atoms < np.finfo(float).max], np.inf)
        cuts = np.unique(np.concatenate([ordered[depth], atoms, after]))
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


def cells_from_json(name: str, entry: object) -> Cells:
    """Inverse of `to_json` of any cells; InputError that names the column if the entry is none."""
    match entry:
        case {"cuts": list(stored)} if are_numbers(stored):
            cuts = np.array(stored, dtype=np.float64)
            if (cuts[1:] > cuts[:-1]).all():
                return NumericCells(cuts=cuts)  # as stored, -0.0 included: the digest depends on it
        case {"levels": list(levels)} if set(map(type, levels)) <= {str} and len(set(levels)) == len(levels):
            return CategoryCells(levels=tuple(levels))
        case {"hours": 24}:
            return HourCells()
    raise damaged(
        f"column {name!r} of a stored grid must have finite cuts in ascending order, levels that are different texts, "
        "or 24 hours",
        entry,
    )


def category_counts(values: NDArray[Any] | Coded) -> dict[str, int]:
    """Rows per category as text; missing values left out; InputError for what is no text, boolean or number."""
    if isinstance(values, Coded):
        known = values.codes[values.codes >= 0].astype(np.intp, copy=False)
        held = np.bincount(known, minlength=len(values.levels))
        counted = zip(values.levels, held.tolist(), strict=True)
    elif values.dtype.kind == "b":
        yes = int(np.count_nonzero(values))
        counted = zip(("True", "False"), (yes, len(values) - yes), strict=True)
    else:
        return _tally(values)
    counts: Counter[str] = Counter()
    for level, rows in counted:
        if rows:
            counts[level] += rows
    return counts


def spelled(value: object) -> str | None:
    """A category as text, None for a missing value; whole numbers alike whether they came as integers or floats.

    Examples
    --------
    >>> [spelled(value) for value in ("a", True, 1, 1.0, 1.5, None, float("nan"))]
    ['a', 'True', '1', '1', '1.5', None, None]
    """
    match value:
        case None:
            return None
        case str():
            return str.__str__(value)
        case bool() | np.bool_():
            return str(bool(value))
        case int() | np.integer():
            return str(int(value))
        case float() | np.floating() if value == value:
            return str(int(value)) if value.is_integer() else str(value)
    absent = value != value
    if isinstance(absent, bool | np.bool_) and absent:
        return None
    raise InputError(
        f"a category must be text, a boolean or a number, and None where it is missing, got {reprlib.repr(value)} of type "
        f"{type(value).__name__}. Convert the values to text, or leave the column out."
    )


def _tally(values: NDArray[Any]) -> dict[str, int]:
    if values.dtype.kind not in "OUTiuf":
        raise InputError(f"categories must be text, booleans or numbers, got {values.dtype}. Convert them to text.")
    every: list[object] = values.tolist()
    try:
        held: Counter[Any] = Counter(every)
    except TypeError as err:
        raise InputError(
            f"a category must be text, a boolean or a number, but {err}. Convert the values to text, or leave the column out."
        ) from err
    if not set(map(type, held)) <= {str, NoneType}:
        if values.dtype.kind == "O" and len(set(map(type, every)) - {NoneType}) > 1:
            held = Counter(map(spelled, every))  # equal values of several types, as 1 and True, are one key above
        levels: Counter[Any] = Counter()
        for value, rows in held.items():
            levels[spelled(value)] += rows
        held = levels
    held.pop(None, None)
    return held
