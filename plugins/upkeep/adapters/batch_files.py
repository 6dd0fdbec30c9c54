"""Batches as CSV or Parquet files in a folder or behind a URL."""

from __future__ import annotations

import codecs
import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from itertools import chain
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq

from upkeep.adapters.arrow_kinds import NULLS, Misfit, Seen, converted, scan, spelled_kind, stored_kind
from upkeep.adapters.remote_errors import file_system_errors
from upkeep.adapters.workspace import Workspace
from upkeep.core.columns import Columns
from upkeep.errors import BackendError, InputError

SUFFIXES = (".csv", ".parquet")
BLOCK_BYTES = 1 << 20  # of a CSV file; the reader holds about 32 of them
CHUNK_ROWS = 1 << 17  # at least, but for the last chunk of a file


class BatchFiles:
    """A `ports.BatchSource`: a path below the workspace's allowed roots, or any URL that fsspec knows."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def list(self, uri: str) -> list[str]:
        """A file itself, or every CSV and Parquet file below a folder; names that begin with . or _ are not batches.

        Raises
        ------
        InputError
            If there is no such file or folder, or it is outside the allowed roots.
        """
        files, path = self.locate(uri)
        with explained(uri):
            if files.isfile(path):
                return [uri]
            if not files.isdir(path):
                raise FileNotFoundError(path)
            found = [name for name in files.find(path) if name.endswith(SUFFIXES)]
        below = [(name, name.removeprefix(path.rstrip("/") + "/")) for name in found]
        remote = "://" in uri and not uri.startswith("file://")
        return sorted(
            files.unstrip_protocol(name) if remote else name
            for name, relative in below
            if not any(part.startswith((".", "_")) for part in relative.split("/"))
        )

    def open(self, uri: str) -> BatchFile:
        """Read the file once for its digest.

        Raises
        ------
        InputError
            If it is missing, empty, neither CSV nor Parquet, or a CSV file that is not UTF-8.
        """
        files, path = self.locate(uri)
        if not path.endswith(SUFFIXES):
            raise InputError(f"a batch must be a {' or '.join(SUFFIXES)} file, got {uri!r}. Convert it.")
        return (CsvFile if path.endswith(".csv") else ParquetFile)(files, path, uri)

    def locate(self, uri: str) -> tuple[Any, str]:
        """The fsspec file system of an address and the path there."""
        import fsspec

        try:
            files, path = fsspec.core.url_to_fs(self._workspace.source(uri))
        except ImportError as err:
            raise InputError(f"the file system of {uri!r} must be installed, but: {err}. Install it.") from err
        return files, str(path)


class BatchFile(ABC):
    """A `ports.SourceBatch` over one file, read part by part; `kinds` costs a first pass over it."""

    uri: str
    digest: str

    def __init__(self, files: Any, path: str, uri: str) -> None:
        self.uri = uri
        self._files = files
        self._path = path
        self._about = self._identity()
        self.digest = self._checked_digest()

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Column name as the file spells it to kind; ``null`` for a column without any value."""
        return {name: seen.kind for name, seen in self._seen.items()}

    def chunks(self, kinds: Mapping[str, str]) -> Iterator[Columns]:
        """Rows part by part, the columns in `kinds` alone; a value of another kind is an InputError with its row."""
        seen, start = self._seen, 0
        for part in self._parts(list(kinds)):
            yield {name: self._column(part, name, kind, seen[name], start) for name, kind in kinds.items()}
            start += part.num_rows
        if self._identity() != self._about:
            raise BackendError(f"a batch must not change while it is read; {self.uri} did. It is read again on retry.")

    def _column(self, part: pa.RecordBatch, name: str, kind: str, seen: Seen, start: int) -> Any:
        try:
            return converted(part.column(name), kind, seen.nullable)
        except Misfit as err:
            at, value = err.args
            raise InputError(
                f"column {name!r} must be {kind} in every row; {self.uri} has {short(value)} in row {start + at} "
                "(from 0). Repair the file; nothing of it was taken in."
            ) from err

    @cached_property
    @abstractmethod
    def _seen(self) -> dict[str, Seen]: ...

    @abstractmethod
    def _parts(self, names: list[str]) -> Iterator[pa.RecordBatch]: ...

    def _identity(self) -> str:
        with explained(self.uri):
            self._files.invalidate_cache(self._path)
            return str(self._files.ukey(self._path))

    def _checked_digest(self) -> str:
        digest, size = hashlib.sha256(), 0
        for block in self._blocks():
            digest.update(block)
            size += len(block)
        if not size:
            raise InputError(f"a batch must have a header and rows; {self.uri} is empty. Deliver it again.")
        return digest.hexdigest()

    def _blocks(self) -> Iterator[bytes]:
        with explained(self.uri), self._files.open(self._path, "rb") as file:
            while block := file.read(1 << 20):
                yield block


class ParquetFile(BatchFile):
    @cached_property
    def _seen(self) -> dict[str, Seen]:
        with explained(self.uri), self._files.open(self._path, "rb") as file:
            names = pq.ParquetFile(file).schema_arrow.names
            return scan(distinct(names, self.uri), self._parts(names), stored_kind)

    def _parts(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        with explained(self.uri), self._files.open(self._path, "rb") as file:
            yield from pq.ParquetFile(file).iter_batches(batch_size=CHUNK_ROWS, columns=names)


class CsvFile(BatchFile):
    """Comma-separated UTF-8 with a header; a kind is what all words of a column can be read as."""

    @cached_property
    def _seen(self) -> dict[str, Seen]:
        names = csv_header(self._files, self._path, self.uri)
        return scan(names, self._parts(names), spelled_kind)

    def _parts(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        with explained(self.uri), self._files.open(self._path, "rb") as file:
            held: list[pa.RecordBatch] = []
            for block in csv_reader(file, names):
                held.append(block)
                if sum(part.num_rows for part in held) >= CHUNK_ROWS:
                    yield pa.concat_batches(held)
                    held = []
            if held:
                yield pa.concat_batches(held)

    def _blocks(self) -> Iterator[bytes]:
        """The file's bytes, refused where they stop being UTF-8: a reader would name the column at best."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        offset, lines = 0, 1
        for block in chain(super()._blocks(), [b""]):
            held = len(decoder.getstate()[0])  # bytes of a character that the last block began
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as err:
                lines += err.object[: err.start].count(b"\n")
                raise InputError(
                    f"a CSV file must be UTF-8; {self.uri} has byte 0x{err.object[err.start]:02x} at offset "
                    f"{offset - held + err.start}, line {lines}. Write it with encoding UTF-8."
                ) from err
            offset += len(block)
            lines += block.count(b"\n")
            yield block


def csv_header(files: Any, path: str, uri: str) -> list[str]:
    """Column names as a CSV file spells them; InputError if it has another delimiter, or one of them twice."""
    with explained(uri), files.open(path, "rb") as file:
        names = csv_reader(file, []).schema.names
    if len(names) == 1 and re.search(r"[;\t|]", names[0]):
        raise InputError(
            f"columns must be separated by commas; {uri} has the one column {short(names[0])}. "
            "It has another delimiter: write it with commas, or as Parquet."
        )
    return distinct(names, uri)


def csv_reader(file: BinaryIO, names: list[str]) -> Any:
    """Every column as text: types guessed from the first block break on the second."""
    return pv.open_csv(
        file,
        read_options=pv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),  # threads lose the row in messages
        parse_options=pv.ParseOptions(newlines_in_values=True),
        convert_options=pv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            include_columns=names,
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=NULLS,
        ),
    )


def distinct(names: list[str], uri: str) -> list[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"a column's name must be there once; {uri} has {twice} more than once. Rename them.")
    return names


def short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


@contextmanager
def explained(uri: str) -> Iterator[None]:
    """Readers' errors as ours: what lies in the file is an answer, a file system that fails is worth a retry."""
    try:
        yield
    except FileNotFoundError as err:
        raise InputError(f"a source must exist; there is no {uri!r}. Check the name, or deliver it first.") from err
    except (pa.ArrowException, *file_system_errors()) as err:
        # A damaged page is an Arrow error or an OSError without a number; those of file systems have one.
        if isinstance(err, pa.ArrowException) or getattr(err, "errno", 0) is None:
            raise InputError(
                f"a batch must be readable to its end; {uri} is not: {str(err).rstrip('.')}. Deliver it again."
            ) from err
        raise BackendError(f"{uri} must be readable, but: {err}. Check the file system and its permissions.") from err
