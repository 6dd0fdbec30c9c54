"""Generated weeks as files in an inbox."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from upkeep.adapters.atomic_files import move_into_place, sync
from upkeep.adapters.parquet_datasets import to_arrow
from upkeep.core.columns import Columns, concatenate, row_count, select
from upkeep.core.identity import row_ids
from upkeep.core.simulation.incidents import Incidents
from upkeep.core.simulation.tipping import generous
from upkeep.core.simulation.trips import KEY, generate_week


def write_week(
    inbox: Path, week: int, *, start: str, rows: int, seed: int, incidents: Incidents, tips: bool = True
) -> None:
    """Write ``trips/`` and ``feedback/`` files of one week; labels first, so that they are there when the trips are seen.

    Without `tips`, the trips come before any tip of theirs and any label of the week; see `write_tips`.
    """
    made = generate_week(week, start=start, rows=rows, seed=seed, incidents=incidents)
    trips = made.trips
    if not tips:
        given = np.nan_to_num(trips["tip_amount"])
        total = (trips["total_amount"] - given).round(2)
        trips = trips | {"tip_amount": np.full(rows, np.nan), "total_amount": total}
    elif row_count(made.feedback):
        _write(inbox / "feedback" / f"feedback_{week:03}.parquet", made.feedback)
    _write(inbox / "trips" / f"yellow_tripdata_week_{week:03}.parquet", trips)


def write_tips(inbox: Path, week: int, *, start: str, rows: int, seed: int, incidents: Incidents) -> None:
    """Write the labels that became known in a week whose trips were written without tips, its own and earlier ones'."""
    made = generate_week(week, start=start, rows=rows, seed=seed, incidents=incidents)
    trips = select(made.trips, ~np.isnan(made.trips["tip_amount"]))
    own: Columns = {
        "prediction_id": row_ids(trips, KEY),
        "observed_at": trips["dropoff_datetime"],
        "label": generous(trips["tip_amount"], trips["fare_amount"]).astype(np.int64),
    }
    _write(inbox / "feedback" / f"feedback_{week:03}.parquet", concatenate([made.feedback, own]))


def _write(path: Path, columns: Columns) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    table: pa.Table = to_arrow(columns)
    pq.write_table(table, temporary, compression="zstd")
    sync(temporary)
    move_into_place(temporary, path)
