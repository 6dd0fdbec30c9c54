"""Datasets as date-partitioned Parquet files; a manifest, written last, makes a batch exist."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from upkeep.adapters.atomic_files import exclusive, inside, move_into_place, sha256, sync, write_atomically
from upkeep.core.columns import Columns, concatenate, row_count, select
from upkeep.errors import BackendError, InputError
from upkeep.ports import Batch, Json

FORMAT = 1
SCAN_ROWS = 1 << 17  # of a part; bounds what a reader that goes part by part holds


class ParquetDatasets:
    """A `ports.Datasets` over one folder: ``<name>/date=<day>/<batch>.parquet`` and ``<name>/_batches/<batch>.json``.

    Readers look at manifests alone, so files of a killed write are never seen; the next write of that dataset clears them.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(
        self,
        name: str,
        batch: str,
        chunks: Iterator[Columns] | Sequence[Columns],
        *,
        time: str,
        meta: Json | None = None,
    ) -> Batch:
        folder = inside(self._root, name)
        with exclusive(folder):
            existing = self.find(name, batch)
            if existing:
                return existing
            scratch = inside(folder, batch).with_name(f".{batch}.{os.getpid()}.tmp")
            parts = _Parts(scratch, time)
            for chunk in chunks:
                parts.append(chunk)
            files = parts.finish()
            for day in files:
                move_into_place(scratch / f"{day}.parquet", folder / f"date={day}" / f"{batch}.parquet")
            scratch.rmdir()
            record = Batch(
                dataset=name,
                batch=batch,
                rows=parts.rows,
                since=parts.since,
                until=parts.until,
                digest=hashlib.sha256("".join(files[day] for day in sorted(files)).encode()).hexdigest(),
                files=tuple(f"date={day}/{batch}.parquet" for day in sorted(files)),
                meta=(meta or {}) | {"time": time},
            )
            content = json.dumps({"format": FORMAT} | asdict(record), indent=1, allow_nan=False)
            write_atomically(inside(folder, f"_batches/{batch}.json"), content.encode())
            return record

    def find(self, name: str, batch: str) -> Batch | None:
        path = inside(self._root, f"{name}/_batches/{batch}.json")
        return _manifest(path) if path.exists() else None

    def batches(self, name: str) -> list[Batch]:
        found = [_manifest(path) for path in inside(self._root, name).glob("_batches/*.json") if path.name[0] != "."]
        return sorted(found, key=lambda b: (b.since, b.batch))

    def export(self, name: str, batch: str, path: str) -> None:
        folder = inside(self._root, name)
        manifest = self.find(name, batch)
        if manifest is None:
            raise InputError(f"dataset {name} must hold batch {batch!r}, but does not. Ingest it first.")
        pq.write_table(pa.concat_tables(pq.ParquetFile(folder / file).read() for file in manifest.files), path)

    def read(
        self,
        name: str,
        *,
        batches: Sequence[str] | None = None,
        since: str | None = None,
        until: str | None = None,
        columns: Sequence[str] | None = None,
    ) -> Columns:
        return concatenate(self.scan(name, batches=batches, since=since, until=until, columns=columns))

    def scan(
        self,
        name: str,
        *,
        batches: Sequence[str] | None = None,
        since: str | None = None,
        until: str | None = None,
        columns: Sequence[str] | None = None,
    ) -> Iterator[Columns]:
        known = {b.batch: b for b in self.batches(name)}
        unknown = sorted(set(batches or ()) - set(known))
        if unknown:
            raise InputError(
                f"dataset {name} must hold the batches asked for, but has no {unknown}. Ingest them first."
            )
        chosen = [b for b in known.values() if batches is None or b.batch in batches]
        chosen = [b for b in chosen if (not since or b.until >= since) and (not until or b.since < until)]
        folder = inside(self._root, name)
        return (part for batch in chosen for part in _scan_batch(folder, batch, since, until, columns))


def _scan_batch(
    folder: Path, batch: Batch, since: str | None, until: str | None, columns: Sequence[str] | None
) -> Iterator[Columns]:
    time = batch.meta["time"]
    wanted = None if columns is None else list(dict.fromkeys([*columns, time]))
    days = [file for file in batch.files if _overlaps(np.datetime64(file[5:15]), since, until)]
    for file in days or batch.files[:1]:  # one file at least, so that columns of no rows are columns still
        for table in _tables(folder / file, batch, wanted, whole=bool(days)):
            rows = from_arrow(table)
            if since or until:
                when = rows[time]
                keep = np.ones(len(when), dtype=bool)
                keep &= when >= np.datetime64(since) if since else keep
                keep &= when < np.datetime64(until) if until else keep
                rows = rows if keep.all() else select(rows, keep)
            yield rows if columns is None else {name: rows[name] for name in columns}


def _overlaps(day: np.datetime64, since: str | None, until: str | None) -> bool:
    return bool((not since or day + 1 > np.datetime64(since)) and (not until or day < np.datetime64(until)))


def _tables(path: Path, batch: Batch, columns: list[str] | None, *, whole: bool) -> Iterator[pa.Table]:
    """The parts of a file; or, if it is not wanted whole, a table without rows, from its footer alone."""
    try:
        with pq.ParquetFile(path) as file:
            if not whole:
                yield file.schema_arrow.empty_table()
            for part in file.iter_batches(batch_size=SCAN_ROWS, columns=columns) if whole else ():
                yield pa.Table.from_batches([part])
    except (OSError, pa.ArrowException) as err:
        raise BackendError(
            f"batch {batch.batch} of {batch.dataset} must be readable: {err}. Restore its files."
        ) from err


class _Parts:
    """One Parquet file per day of a batch, open while its chunks arrive."""

    def __init__(self, folder: Path, time: str) -> None:
        self._folder = folder
        self._time = time
        self._writers: dict[str, pq.ParquetWriter] = {}
        self.rows = 0
        self.since = ""
        self.until = ""
        folder.mkdir(parents=True)

    def append(self, chunk: Columns) -> None:
        when = self._checked_time(chunk)
        if not len(when):
            return
        first, last = str(when.min()), str(when.max())
        self.since = min(self.since, first) if self.since else first
        self.until = max(self.until, last)
        self.rows += len(when)
        table = to_arrow(chunk)
        days = when.astype("datetime64[D]")
        for day in np.unique(days):
            self._writer(str(day), table.schema).write_table(table.filter(pa.array(days == day)))

    def _checked_time(self, chunk: Columns) -> NDArray[np.datetime64]:
        if self._time not in chunk:
            raise InputError(f"the table must have the time column {self._time!r}, got {sorted(chunk)}.")
        row_count(chunk)
        when = chunk[self._time].astype("datetime64[us]")
        if np.isnat(when).any():
            raise InputError(
                f"column {self._time!r} decides the partition and must not be missing; "
                f"first missing at row {self.rows + int(np.flatnonzero(np.isnat(when))[0])}."
            )
        return when

    def _writer(self, day: str, schema: pa.Schema) -> pq.ParquetWriter:
        if day not in self._writers:
            self._writers[day] = pq.ParquetWriter(self._folder / f"{day}.parquet", schema, compression="zstd")
        return self._writers[day]

    def finish(self) -> dict[str, str]:
        """Close and sync the files; SHA-256 by day."""
        digests = {}
        for day, writer in self._writers.items():
            writer.close()
            sync(self._folder / f"{day}.parquet")
            digests[day] = sha256(self._folder / f"{day}.parquet")
        return digests


def to_arrow(columns: Columns) -> pa.Table:
    """Arrow table; NaN, NaT and None become null."""
    return pa.table({name: _arrow(values) for name, values in columns.items()})


def _arrow(values: NDArray[Any]) -> pa.Array:
    if values.dtype.kind == "O":
        kind = pa.bool_() if any(isinstance(v, (bool, np.bool_)) for v in values) else pa.string()
        return pa.array(values, type=kind, from_pandas=True)
    if values.dtype.kind == "M":
        return pa.array(values.astype("datetime64[us]"))
    return pa.array(values, from_pandas=True)


def from_arrow(table: pa.Table) -> Columns:
    """Numpy columns; integers with nulls become float, text and booleans with nulls become objects."""
    return {name: _numpy(table.column(name)) for name in table.column_names}


def _numpy(column: pa.ChunkedArray) -> NDArray[Any]:
    return np.asarray(_unified(column).to_numpy())


def _unified(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us"))
    if pa.types.is_dictionary(kind) or pa.types.is_large_string(kind):
        return column.cast(pa.string())
    if pa.types.is_integer(kind) and column.null_count:
        return column.cast(pa.float64())
    if pa.types.is_floating(kind):
        return pc.fill_null(column, float("nan"))
    return column


def _manifest(path: Path) -> Batch:
    record = json.loads(path.read_bytes())
    if record.pop("format", None) != FORMAT:
        raise BackendError(
            f"{path} must have format {FORMAT}: it was written by another Upkeep. Upgrade, or migrate it."
        )
    return Batch(**record | {"files": tuple(record["files"])})
