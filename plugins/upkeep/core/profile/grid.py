"""The frozen cells that every later table is counted into."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, row_count
from upkeep.errors import InputError

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NumericCells:
    """Cells of a number column: below the first cut, [cut, next cut), ..., at or above the last cut."""

    cuts: NDArray[np.float64]

    @classmethod
    def fit(cls, values: NDArray[Any], bins: int) -> NumericCells:
        """Equi-depth cuts; a value held by more than 1/bins of the rows gets a cell of its own.

        Such an atom v is the cell [v, next larger float), so one sorted array of cuts says it all.
        """
        ordered = finite(values)
        if not len(ordered):
            return cls(cuts=np.empty(0))
        depth = np.arange(1, bins) * len(ordered) // bins
        distinct, held = np.unique(ordered, return_counts=True)
        atoms = distinct[held * bins > len(ordered)]
        return cls(cuts=np.unique(np.concatenate([ordered[depth], atoms, np.nextafter(atoms, np.inf)])))

    @property
    def size(self) -> int:
        return len(self.cuts) + 1

    @property
    def single(self) -> NDArray[np.bool_]:
        """True for the cells that hold one value only, shape (size,)."""
        single = np.zeros(self.size, dtype=bool)
        single[1:-1] = self.cuts[1:] == np.nextafter(self.cuts[:-1], np.inf)
        return single

    def to_json(self) -> dict[str, list[float]]:
        return {"cuts": self.cuts.tolist()}


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryCells:
    """Cells of a text or boolean column: its most frequent values, then all others."""

    levels: tuple[str, ...]

    @classmethod
    def fit(cls, values: NDArray[Any], top: int) -> CategoryCells:
        """The `top` most frequent values; among equally frequent ones the alphabet decides."""
        held = category_counts(values)
        return cls(levels=tuple(sorted(held, key=lambda level: (-held[level], level))[:top]))

    @property
    def size(self) -> int:
        return len(self.levels) + 1

    def to_json(self) -> dict[str, list[str]]:
        return {"levels": list(self.levels)}


Cells: TypeAlias = NumericCells | CategoryCells


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReferenceGrid:
    """Cells per column, frozen once from the reference table.

    Notes
    -----
    Date and time columns are left out: time always moves on. A missing or infinite number has no place on the
    line and is counted as null. A column with reference values of one sort only, or with none, has its cells too.
    """

    cells: Mapping[str, Cells]

    @classmethod
    def fit(cls, table: Columns, *, bins: int = 1024, top: int = 100) -> ReferenceGrid:
        """Freeze the cells.

        Parameters
        ----------
        table : mapping of str to ndarray, each shape (n,)
        bins : int
            Cells of equal mass per number column; the Kolmogorov-Smirnov distance is read to within 2/bins.
        top : int
            Categories with a cell of their own per text or boolean column.

        Examples
        --------
        >>> grid = ReferenceGrid.fit({"x": np.array([1.0, 2.0, 2.0, np.nan]), "c": np.array(["a", None, "a", "b"], object)})
        >>> grid.cells["c"].levels
        ('a', 'b')
        """
        if bins < 2 or top < 1:
            raise InputError(f"a grid must have at least 2 bins and 1 category, got bins={bins} and top={top}.")
        row_count(table)
        cells: dict[str, Cells] = {}
        for name, values in table.items():
            if values.dtype.kind in "iuf":
                cells[name] = NumericCells.fit(values, bins)
            elif values.dtype.kind in "OUb":
                cells[name] = CategoryCells.fit(values, top)
        return cls(cells=cells)

    @property
    def digest(self) -> str:
        """SHA-256 of the cells, hex: counts of two profiles add up only if it is the same."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()

    def only(self, names: Iterable[str]) -> ReferenceGrid:
        """The grid of some of the columns."""
        wanted = list(names)
        unknown = sorted(set(wanted) - set(self.cells))
        if unknown:
            raise InputError(f"columns must be in the reference, but {unknown} are not; it has {sorted(self.cells)}.")
        return ReferenceGrid(cells={name: self.cells[name] for name in wanted})

    def to_json(self) -> dict[str, Any]:
        return {"format": FORMAT, "columns": {name: cells.to_json() for name, cells in self.cells.items()}}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> ReferenceGrid:
        """Inverse of `to_json`; InputError for a record of another format."""
        if record.get("format") != FORMAT:
            raise InputError(f"a stored grid must have format {FORMAT}, got {record.get('format')!r}. Train again.")
        return cls(cells={name: _cells(entry) for name, entry in record["columns"].items()})


def finite(values: NDArray[Any]) -> NDArray[np.float64]:
    """The finite values as float64, sorted: numpy's vectorised sort is what makes counting fast."""
    number = values.astype(np.float64)
    return np.sort(number[np.isfinite(number)])


def category_counts(values: NDArray[Any]) -> dict[str, int]:
    """Rows per category as text; missing values left out."""
    counts: Counter[str] = Counter()
    for value, rows in Counter(values.tolist()).items():
        if value is not None and value == value:
            counts[str(value)] += rows
    return counts


def _cells(entry: Mapping[str, Any]) -> Cells:
    if "cuts" in entry:
        return NumericCells(cuts=np.asarray(entry["cuts"], dtype=np.float64))
    return CategoryCells(levels=tuple(entry["levels"]))
