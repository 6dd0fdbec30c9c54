"""Generated weeks as files in an inbox."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from upkeep.adapters.atomic_files import move_into_place, sync
from upkeep.adapters.parquet_datasets import to_arrow
from upkeep.core.columns import Columns, concatenate, row_count, select
from upkeep.core.identity import row_ids
from upkeep.core.simulation.incidents import Incidents
from upkeep.core.simulation.tipping import generous
from upkeep.core.simulation.trips import KEY, WEEK, generate_week

#: When the tips of a week are there whose trips came without; no hour of it has fewer than another.
TIPS_AFTER = np.timedelta64(2, "D")


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
    """Write the labels that a source has two days after a week whose trips were written without tips.

    The week's own are dated as those that trips come with, by the dropoff; so that those of its last hours are there too.
    """
    same: dict[str, Any] = {"start": start, "rows": rows, "seed": seed, "incidents": incidents}
    made, later = generate_week(week, **same), generate_week(week + 1, **same).feedback
    ids, tips = row_ids(made.trips, KEY), made.trips["tip_amount"]
    label = generous(tips, made.trips["fare_amount"])
    soon = select(later, later["observed_at"] < np.datetime64(start, "us") + WEEK * (week + 1) + TIPS_AFTER)
    known = dict(zip(soon["prediction_id"].tolist(), soon["label"].tolist(), strict=True))
    label = np.where(np.isnan(label), [known.get(trip, np.nan) for trip in ids.tolist()], label)
    own = {"prediction_id": ids, "observed_at": made.trips["dropoff_datetime"], "label": label}
    own = select(own, ~np.isnan(label))
    whole: Columns = own | {"label": own["label"].astype(np.int64)}
    _write(inbox / "feedback" / f"feedback_{week:03}.parquet", concatenate([made.feedback, whole]))


def _write(path: Path, columns: Columns) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    table: pa.Table = to_arrow(columns)
    pq.write_table(table, temporary, compression="zstd")
    sync(temporary)
    move_into_place(temporary, path)
