"""Parquet files as one large table."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from upkeep.adapters.arrow_kinds import spelled_kind
from upkeep.adapters.batch_files import distinct, explained
from upkeep.adapters.profile_columns import KINDS, countable, kind_of, plain_columns
from upkeep.adapters.profile_files import PART_ROWS, File, LargeFiles, Part, lacking
from upkeep.core.columns import Columns, Table
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError
from upkeep.ports import Advance

_STREAM_BYTES = 1 << 20  # of a column's pages at a time: row groups may be of any size
_SMALL_DICTIONARY = 1 << 17  # bytes on disk; a larger one may have been given up on half-way
_TYPES = {"integer": pa.int64(), "number": pa.float64(), "datetime": pa.timestamp("us"), "null": pa.null()}


class LargeParquet(LargeFiles):
    """Opening it reads the footers alone."""

    def __init__(self, files: Sequence[File]) -> None:
        super().__init__(files)
        self.rows = 0
        self._kinds: dict[str, dict[str, str]] = {}  # column -> kind, or type that has none -> a file that has it so
        for file in self.files:
            with explained(file.uri), file.system.open(file.path, "rb") as opened:
                stored = pq.ParquetFile(opened)
                self.rows += stored.metadata.num_rows
                distinct(stored.schema_arrow.names, file.uri)
                for column in stored.schema_arrow:
                    kind = kind_of(column.type) or str(column.type)
                    self._kinds.setdefault(column.name, {}).setdefault(kind, file.uri)
        self._folders = {
            name: _folder_type([file.partition.get(name) for file in files]) for name in files[0].partition
        }
        self._kinds |= {name: {kind_of(stored): files[0].uri} for name, stored in self._folders.items()}
        for name, kinds in self._kinds.items():
            for kind in set(kinds) - set(KINDS):
                self.left_out[name] = kind

    def sample(self, most: int, *, columns: Sequence[str] | None = None, advance: Advance | None = None) -> Columns:
        kinds = {name: self._one_kind(name) for name in columns or [n for n in self._kinds if n not in self.left_out]}
        plain = partial(plain_columns, kinds=kinds)
        rows, _ = self.drawn(most, list(kinds), plain, lambda parts: deque(parts, maxlen=0), advance)
        return rows

    def profile(self, grid: ReferenceGrid, *, workers: int = 2, advance: Advance | None = None) -> Profile:
        for name in grid.cells:
            self._one_kind(name)
        return super().profile(grid, workers=workers, advance=advance)

    def _one_kind(self, name: str) -> str:
        if name in self.left_out:
            raise InputError(
                f"columns must hold numbers, times, booleans or text to be counted; {name!r} is {self.left_out[name]}. "
                "Flatten it, or leave it out."
            )
        kinds = self._kinds.get(name, {})
        known = [kind for kind in kinds if kind != "null"] or list(kinds)
        if len(known) > 1:
            places = " and ".join(f"{kind} in {kinds[kind]}" for kind in known[:2])
            raise InputError(f"a column must be of one kind in all files; {name!r} is {places}. Write them alike.")
        if not known:
            raise InputError(f"columns must be in the table, but {name!r} is not; it has {sorted(self._kinds)}.")
        return known[0]

    def batches(self, file: File, names: list[str]) -> Iterator[pa.RecordBatch]:
        with explained(file.uri), file.system.open(file.path, "rb") as opened:
            about = pq.ParquetFile(opened)
            lacking(file, names, about.schema_arrow.names)
            coded = _coded(about, names)
            streamed = pq.ParquetFile(
                opened,
                metadata=about.metadata,
                read_dictionary=coded,
                buffer_size=_STREAM_BYTES,
                pre_buffer=False,
                page_checksum_verification=True,  # of pages that have one
            )
            yield from streamed.iter_batches(batch_size=PART_ROWS, columns=names)

    def constant(self, name: str, value: str | None, rows: int) -> pa.Array:
        return pa.repeat(pa.scalar(value, pa.string()).cast(self._folders[name]), rows)

    def table(self, part: Part, grid: ReferenceGrid) -> Table:
        return countable(part.data, grid)


def _folder_type(values: list[str | None]) -> pa.DataType:
    """What all folder names of a column can be read as; booleans stay words."""
    known = [value for value in values if value is not None]
    return _TYPES.get(spelled_kind(pa.array(known, pa.string())), pa.string()) if known else pa.null()


def _coded(file: pq.ParquetFile, names: list[str]) -> list[str]:
    """Text columns whose dictionaries are small: those are read as codes, others as words."""
    about = file.metadata
    if not about.num_row_groups:
        return []
    chunks = [about.row_group(0).column(i) for i in range(about.num_columns)]
    return [
        chunk.path_in_schema
        for chunk in chunks
        if chunk.path_in_schema in names
        and kind_of(file.schema_arrow.field(chunk.path_in_schema).type) == "text"
        and chunk.dictionary_page_offset is not None
        and chunk.data_page_offset - chunk.dictionary_page_offset < _SMALL_DICTIONARY
    ]
