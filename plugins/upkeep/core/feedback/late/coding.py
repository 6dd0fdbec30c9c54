"""Columns as small whole numbers: every clause that a rule may have is one cell of one column."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Table, named, row_count
from upkeep.core.feedback.late.codes import codes_of
from upkeep.core.feedback.late.narrow import narrowed
from upkeep.core.profile.cells import CategoryCells, Cells, HourCells, NumericCells, cells_from_json
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile
from upkeep.core.profile.stored import fields
from upkeep.errors import InputError

FORMAT = 1
#: A code is one byte, and tables of all pairs of items have to fit into memory: 200 MB each, three of them in a search.
_MOST, _MOST_ITEMS = 255, 5_000
#: Rows that cells are fitted on; quantiles need not be exact here.
_ENOUGH = 100_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Coding:
    """Cells per column, and one more for missing values.

    Attributes
    ----------
    cells : mapping of str to NumericCells, CategoryCells or HourCells
        A value's code is the number of its cell; a missing value has the code after the last cell.
    left_out : tuple of str
        Columns that there was no room for, or that hold what no cells can count.
    """

    cells: Mapping[str, Cells]
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        wide = {name: cells.size + 1 for name, cells in self.cells.items() if cells.size >= _MOST}
        if wide:
            raise InputError(
                f"a column must have at most {_MOST - 1} cells, got {wide}. Ask for fewer cells or levels."
            )

        if (items := int(self.sizes.sum())) > _MOST_ITEMS:
            raise InputError(
                f"all columns together must have at most {_MOST_ITEMS} cells, got {items} in {len(self.cells)} columns. "
                "Leave columns out, or ask for fewer cells or levels."
            )

    @classmethod
    def fit(cls, table: Table, *, cells: int = 10, levels: int = 30) -> Coding:
        """Quantile cells of numbers, most frequent levels of text, hours of times; dates are left out.

        Parameters
        ----------
        table : mapping of str to ndarray or Coded, each shape (n,)
            Of more than 100,000 rows, as many evenly spaced ones are looked at.
        cells : int
            Cells of equal mass per number column; a value held by more than 1/cells of the rows has one of its own.
        levels : int
            Levels per text column; all others share one cell, however many they are.

        Notes
        -----
        All columns together have at most 5,000 codes: 454 number columns of ten cells, or 156 text columns of 30 levels.
        Of more columns the widest get fewer cells, as described in `narrowed`; from 1,667 columns on some are left out.
        So are dates, and columns of a type that no cells can count. Which these are does not depend on what is late.

        Examples
        --------
        >>> coding = Coding.fit({"zone": np.array(["a", "b", "a", None], object), "fare": np.array([1.0, 2, 3, 4])}, cells=2)
        >>> coding.encode({"zone": np.array(["b", "c", None], object), "fare": np.array([1.0, 3.0, np.nan])}).tolist()
        [[1, 2, 3], [0, 1, 2]]
        >>> [coding.clause(column, code) for column, code in ((0, 1), (0, 2), (0, 3), (1, 1))]
        ['zone = b', 'zone is none of its 2 levels', 'zone is missing', 'fare ≥ 3']
        """
        step = max(1, row_count(table) // _ENOUGH)
        found = dict(ReferenceGrid.fit({}, bins=cells, top=levels).cells)
        for name, values in table.items():
            with suppress(InputError):  # a column of another type is left out
                found |= ReferenceGrid.fit({name: values[::step]}, bins=cells, top=levels).cells
        return cls._narrowed(found, list(table))

    @classmethod
    def of(cls, profile: Profile, *, cells: int = 10, levels: int = 30) -> Coding:
        """The same from a reference's profile, so that a window can be coded while it is read, part by part.

        Numbers get those of the profile's cuts that are nearest to equal mass.

        Examples
        --------
        >>> table = {"fare": np.arange(1000.0), "zone": np.array(["a", "b"] * 500, dtype=object)}
        >>> coding = Coding.of(Profile.build(ReferenceGrid.fit(table, bins=100), table), cells=4, levels=1)
        >>> coding.cells["fare"].cuts.tolist(), coding.cells["zone"].levels
        ([250.0, 500.0, 750.0], ('a',))
        """
        found = {
            name: _fewer(held, profile.columns[name].counts, cells, levels) for name, held in profile.grid.cells.items()
        }
        return cls._narrowed(found, list(found))

    @classmethod
    def _narrowed(cls, found: Mapping[str, Cells], every: list[str]) -> Coding:
        held = narrowed(found, _MOST_ITEMS)
        return cls(cells=held, left_out=tuple(name for name in every if name not in held))

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(self.cells)

    @cached_property
    def sizes(self) -> NDArray[np.intp]:
        """Codes per column, shape (columns,)."""
        return np.array([cells.size + 1 for cells in self.cells.values()], dtype=np.intp)

    @cached_property
    def first(self) -> NDArray[np.intp]:
        """Number of each column's first item when items of all columns are counted through, shape (columns,)."""
        return np.asarray(np.cumsum(self.sizes) - self.sizes, dtype=np.intp)

    def encode(self, table: Table) -> NDArray[np.uint8]:
        """Codes of the rows, shape (columns, n); InputError if a column is not there or of another sort."""
        codes = self._room(table)
        for row, (name, cells) in zip(codes, self.cells.items(), strict=True):
            with named(name):
                row[:] = codes_of(cells, table[name])
        return codes

    def read(self, table: Table) -> tuple[Coding, NDArray[np.uint8]]:
        """The coding of those columns that are of the same sort as when it was fitted, and their codes as of `encode`.

        Examples
        --------
        >>> coding = Coding.fit({"fare": np.array([1.0, 2, 3, 4]), "tip": np.array([1.0, 1, 1, 1])}, cells=2)
        >>> kept, codes = coding.read({"fare": np.array(["a", "b"], object), "tip": np.array([1.0, 2.0])})
        >>> kept.names, kept.left_out, codes.tolist()
        (('tip',), ('fare',), [[1, 2]])
        """
        codes = self._room(table)
        kept: dict[str, Cells] = {}
        for name, cells in self.cells.items():
            with suppress(InputError):
                codes[len(kept)] = codes_of(cells, table[name])
                kept[name] = cells
        if len(kept) == len(codes):
            return self, codes
        unread = (name for name in self.cells if name not in kept)
        return Coding(cells=kept, left_out=(*self.left_out, *unread)), codes[: len(kept)]

    def _room(self, table: Table) -> NDArray[np.uint8]:
        absent = [name for name in self.cells if name not in table]
        if absent:
            raise InputError(f"the table must have every column that is coded, but {absent} are not in it.")
        return np.empty((len(self.cells), row_count(table)), dtype=np.uint8)

    def clause(self, column: int, code: int) -> str:
        """What a code says, in words."""
        name, cells = self.names[column], self.cells[self.names[column]]
        if code == cells.size:
            return f"{name} is missing"
        if isinstance(cells, HourCells):
            return f"hour of {name} = {code}"
        if isinstance(cells, CategoryCells):
            if code == len(cells.levels):
                return f"{name} is none of its {len(cells.levels)} levels"
            return f"{name} = {cells.levels[code]}"
        return _span(name, cells, code)

    def to_json(self) -> dict[str, Any]:
        columns = [[name, cells.to_json()] for name, cells in self.cells.items()]
        return {"format": FORMAT, "columns": columns, "left_out": list(self.left_out)}

    @classmethod
    def from_json(cls, record: object) -> Coding:
        """Inverse of `to_json`; InputError for another format."""
        held = fields("a stored coding", record, ["format", "columns"])
        if held["format"] != FORMAT:
            raise InputError(f"a stored coding must have format {FORMAT}, got {held['format']!r}. Start anew.")
        cells = {name: cells_from_json(name, entry) for name, entry in held["columns"]}
        return cls(cells=cells, left_out=tuple(held.get("left_out", ())))  # earlier ones do not say what they left out


def _fewer(held: Cells, counts: NDArray[np.int64], cells: int, levels: int) -> Cells:
    if isinstance(held, CategoryCells):
        return CategoryCells(levels=held.levels[:levels])
    if isinstance(held, HourCells) or not len(held.cuts):
        return held
    total, below = int(counts.sum()), np.cumsum(counts)[:-1]
    wanted = np.searchsorted(below, np.arange(1, cells) * total / cells)
    atoms = np.flatnonzero(held.single & (counts * cells > total))  # cell i lies between cuts i - 1 and i
    chosen = np.unique(np.concatenate([wanted, atoms - 1, atoms]))
    return NumericCells(cuts=held.cuts[chosen[chosen < len(held.cuts)]])


def _span(name: str, cells: NumericCells, code: int) -> str:
    """A value of its own is [v, next larger float): the cell after it begins above v."""
    cuts = cells.cuts
    if not len(cuts):
        return f"{name} is known"
    if cells.single[code]:
        return f"{name} = {cuts[code - 1]:.6g}"
    after = code >= 2 and cuts[code - 1] == np.nextafter(cuts[code - 2], np.inf)
    low, sign = (cuts[code - 2], "<") if after else (cuts[code - 1] if code else None, "≤")
    if code == len(cuts):
        return f"{name} {'>' if after else '≥'} {low:.6g}"
    return f"{name} < {cuts[code]:.6g}" if low is None else f"{low:.6g} {sign} {name} < {cuts[code]:.6g}"
