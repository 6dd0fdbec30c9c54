"""Generated weeks as files in an inbox."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from upkeep.adapters.atomic_files import move_into_place, sync
from upkeep.adapters.parquet_datasets import to_arrow
from upkeep.core.columns import Columns, row_count
from upkeep.core.simulation.incidents import Incidents
from upkeep.core.simulation.trips import generate_week


def write_week(inbox: Path, week: int, *, start: str, rows: int, seed: int, incidents: Incidents) -> None:
    """Write ``trips/`` and ``feedback/`` files of one week; labels first, so that they are there when the trips are seen."""
    made = generate_week(week, start=start, rows=rows, seed=seed, incidents=incidents)
    if row_count(made.feedback):
        _write(inbox / "feedback" / f"feedback_{week:03}.parquet", made.feedback)
    _write(inbox / "trips" / f"yellow_tripdata_week_{week:03}.parquet", made.trips)


def _write(path: Path, columns: Columns) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    table: pa.Table = to_arrow(columns)
    pq.write_table(table, temporary, compression="zstd")
    sync(temporary)
    move_into_place(temporary, path)
