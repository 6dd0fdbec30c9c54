"""CSV files as one large table: every word is text until its column has been read to the end, or a grid says what it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from upkeep.adapters.arrow_kinds import Misfit, converted
from upkeep.adapters.batch_files import csv_header, csv_reader, explained, short
from upkeep.adapters.profile_columns import BOOLEANS, plain_columns, read_as
from upkeep.adapters.profile_files import File, LargeFiles, Part, lacking
from upkeep.core.columns import Coded, Columns, Table
from upkeep.core.profile.cells import Cells
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.errors import InputError
from upkeep.ports import Advance

_ZONE = r"(Z|[+-]\d\d:?\d\d)$"  # at the end of a time


class LargeCsv(LargeFiles):
    """Comma-separated UTF-8 with headers; a kind is what all words of a column, in all files, can be read as."""

    def __init__(self, files: Sequence[File]) -> None:
        super().__init__(files)
        self._names = [*csv_header(files[0].system, files[0].path, files[0].uri), *files[0].partition]

    def sample(self, most: int, *, columns: Sequence[str] | None = None, advance: Advance | None = None) -> Columns:
        names = list(dict.fromkeys(columns or self._names))
        words = partial(plain_columns, kinds=dict.fromkeys(names, "text"))
        rows, kinds = self.drawn(most, names, words, partial(_kinds, names), advance)
        return {name: _typed(values, kinds[name]) for name, values in rows.items()}

    def batches(self, file: File, names: list[str]) -> Iterator[pa.RecordBatch]:
        header = csv_header(file.system, file.path, file.uri)
        lacking(file, names, header)
        with explained(file.uri), file.system.open(file.path, "rb") as opened:
            yield from csv_reader(opened, names or header[:1])  # rows are counted even if no column is wanted

    def constant(self, name: str, value: str | None, rows: int) -> pa.Array:  # noqa: ARG002 - words need no name
        return pa.repeat(pa.scalar(value, pa.string()), rows)

    def table(self, part: Part, grid: ReferenceGrid) -> Table:
        return {name: _read(part, name, cells) for name, cells in grid.cells.items()}


def _kinds(names: Sequence[str], parts: Iterator[pa.RecordBatch]) -> dict[str, str]:
    """The first kind that every word of a column can be read as, wherever the parts begin and end."""
    possible = {name: ["number", "boolean", "datetime", "zoned datetime", "text"] for name in names}
    empty = set(names)
    for part in parts:
        for name, kinds in possible.items():
            words = part.column(name).drop_null()
            if len(words):
                empty.discard(name)
                possible[name] = [kind for kind in kinds if _fits(words, kind)]
    return {name: "null" if name in empty else kinds[0] for name, kinds in possible.items()}


def _fits(words: pa.Array, kind: str) -> bool:
    """Whether every word alone is of the kind; times with a zone and without are two kinds, as one column is not both."""
    if kind == "text":
        return True
    if kind.endswith("datetime") and any(zoned != (kind != "datetime") for zoned in _zoned(words)):
        return False
    try:
        converted(words, kind.removeprefix("zoned "), nullable=True)
    except Misfit:
        return False
    return True


def _zoned(words: pa.Array) -> list[bool]:
    """Which of "with a zone" and "without" there is among the words."""
    found: list[bool] = pc.unique(pc.match_substring_regex(words, _ZONE)).to_pylist()
    return found


def _read(part: Part, name: str, cells: Cells) -> NDArray[Any] | Coded:
    words = part.data.column(name)
    try:
        return read_as(words, cells)
    except Misfit as err:
        at, word = err.args
        raise InputError(
            f"column {name!r} must hold numbers or times as in the grid; {part.file.uri} has {short(word)} in row "
            f"{part.first + at} (from 0). Repair the file, or make a grid of the new table."
        ) from err


def _typed(words: NDArray[Any], kind: str) -> NDArray[Any]:
    """The sampled words of a column as its kind."""
    if kind == "text":
        return words
    if kind == "boolean":
        return np.array([BOOLEANS.get(str(word).strip().lower()) for word in words.tolist()], dtype=object)
    return converted(pa.array(words, pa.string()), "datetime" if kind.endswith("datetime") else "number", nullable=True)
