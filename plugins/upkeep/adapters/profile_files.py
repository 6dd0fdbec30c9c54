"""Tables larger than memory: CSV or Parquet files that are gone through part by part and counted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import pyarrow as pa

from upkeep.core.columns import Columns, Table
from upkeep.core.profile.bottom_rows import BottomRows
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError
from upkeep.ports import Advance

PART_ROWS = 1 << 17

Seen = TypeVar("Seen")
See: TypeAlias = Callable[[Iterator[pa.RecordBatch]], Seen]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of a table: its number among them, where it is, and the columns that its folders' names stand for."""

    number: int
    uri: str
    system: Any
    path: str
    partition: Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some rows of a file that follow each other, the first of them number `first` of the file."""

    file: File
    first: int
    data: pa.RecordBatch


class LargeFiles(ABC):
    """A `ports.LargeTable` over files of one format; columns named by folders, as in ``city=Bronx/a.parquet``, included.

    One thread reads, with Arrow decoding columns side by side, and `workers` threads count. A few parts are in memory at
    any time, each of at most `PART_ROWS` rows. Counts are whole numbers, so that neither parts nor threads show in them.
    """

    rows: int | None = None
    left_out: dict[str, str]

    def __init__(self, files: Sequence[File]) -> None:
        self.files = tuple(files)
        self.left_out = {}

    @abstractmethod
    def sample(self, most: int, *, columns: Sequence[str] | None = None, advance: Advance | None = None) -> Columns:
        """Rows for cells to be fitted to, one numpy type per column."""

    @abstractmethod
    def batches(self, file: File, names: list[str]) -> Iterator[pa.RecordBatch]:
        """Columns of one file, without those that its folders stand for."""

    @abstractmethod
    def constant(self, name: str, value: str | None, rows: int) -> pa.Array:
        """A column that a folder's name stands for."""

    @abstractmethod
    def table(self, part: Part, grid: ReferenceGrid) -> Table:
        """A part as it is counted."""

    def profile(self, grid: ReferenceGrid, *, workers: int = 2, advance: Advance | None = None) -> Profile:
        def counted(part: Part) -> Profile:
            return Profile.build(grid, self.table(part, grid))

        profile = Profile.empty(grid)
        waiting: deque[Future[Profile]] = deque()
        with ThreadPoolExecutor(workers) as pool:
            for part in self.parts(list(grid.cells)):
                waiting.append(pool.submit(counted, part))
                if advance:
                    advance(part.data.num_rows)
                if len(waiting) > workers + 1:  # bounds the parts in memory
                    profile = profile.merge(waiting.popleft().result())
            for future in waiting:
                profile = profile.merge(future.result())
        return profile

    def parts(self, names: list[str]) -> Iterator[Part]:
        """All rows, file by file."""
        for file in self.files:
            stored, first = [name for name in names if name not in file.partition], 0
            for batch in self.batches(file, stored):
                columns = {name: batch.column(name) for name in stored}
                for name in set(names) - set(stored):
                    columns[name] = self.constant(name, file.partition[name], batch.num_rows)
                yield Part(file=file, first=first, data=pa.record_batch({name: columns[name] for name in names}))
                first += batch.num_rows

    def drawn(
        self,
        most: int,
        names: list[str],
        plain: Callable[[pa.RecordBatch], Columns],
        see: See[Seen],
        advance: Advance | None,
    ) -> tuple[Columns, Seen]:
        """Sampled rows, made `plain`, and what was to be seen on the way through the whole table."""
        sample = BottomRows(most=most)

        def offered() -> Iterator[pa.RecordBatch]:
            nonlocal sample
            for part in self.parts(names):
                at, keys = sample.candidates(part.file.number, part.first, part.data.num_rows)
                sample = sample.add(plain(part.data.take(pa.array(at))), keys)
                if advance:
                    advance(part.data.num_rows)
                yield part.data

        seen = see(offered())
        return sample.rows(), seen


def lacking(file: File, wanted: Sequence[str], there: Sequence[str]) -> None:
    """InputError if a file does not have every column wanted."""
    absent = sorted(set(wanted) - set(there))
    if absent:
        raise InputError(
            f"every file of a table must have the columns that are profiled; {file.uri} lacks {absent}. "
            "Name other columns, or leave the file out."
        )
