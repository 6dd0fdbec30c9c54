"""The profile of a stored table by partitions: each batch counted on its own, wherever that is, and then added up."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from upkeep.core.columns import row_count, select
from upkeep.core.identity import row_ids
from upkeep.core.profile.bottom_rows import BottomRows
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError
from upkeep.ports import Datasets, Documents, Json
from upkeep.stages.profile import SAMPLE_ROWS, fitted, profile_from_record, profile_record


def list_partitions(datasets: Datasets, documents: Documents, *, table: str, columns: Sequence[str]) -> list[str]:
    """Ids of a table's batches, oldest first; the first time, cells are fitted to a uniform sample and frozen.

    Raises
    ------
    InputError
        If the table has no batch.
    """
    batches = [batch.batch for batch in datasets.batches(table)]
    if not batches:
        raise InputError(f"{table} must hold a batch to be profiled, but is empty. Run the stages before it.")
    if documents.get("grids", _grid_name(table, columns)) is None:
        grid = _fitted(datasets, table, batches, columns)
        documents.put("grids", _grid_name(table, columns), grid.to_json())
    return batches


def profile_partition(
    datasets: Datasets, documents: Documents, *, table: str, columns: Sequence[str], batch: str
) -> str:
    """Count one batch part by part; the name that its profile is stored under, where no other grid's can be."""
    grid = _grid(documents, table, columns)
    profile = Profile.empty(grid)
    for part in datasets.scan(table, batches=[batch], columns=list(grid.cells)):
        profile = profile.update(part)
    name = f"{table}/{grid.digest[:16]}/{batch}"
    documents.put("partition_profiles", name, profile.to_json())
    return name


def merge_partitions(
    documents: Documents, *, table: str, columns: Sequence[str], partitions: Sequence[str]
) -> tuple[str, Profile]:
    """Add up the profiles of partitions; the name that the sum is stored under, and the sum.

    Neither the order of the partitions nor a name that comes twice changes a bit of it.

    Raises
    ------
    InputError
        If a partition has no stored profile, or one of another grid.
    """
    grid, names = _grid(documents, table, columns), sorted(set(partitions))
    profile = Profile.empty(grid)
    for name in names:
        record = documents.get("partition_profiles", name)
        if record is None:
            raise InputError(f"partition {name} must have been profiled, but has no profile. Run its task again.")
        profile = profile.merge(Profile.from_json(record, grid))
    merged = f"{table}/{hashlib.sha256(' '.join(names).encode()).hexdigest()[:16]}"
    documents.put("table_profiles", merged, profile_record(profile))
    return merged, profile


def stored_profile(documents: Documents, name: str) -> Profile:
    """The profile of a whole table, by the name that `merge_partitions` gave."""
    record: Json = documents.get("table_profiles", name) or {}
    return profile_from_record(record, f"the profile of table {name}")


def _fitted(datasets: Datasets, table: str, batches: Sequence[str], columns: Sequence[str]) -> ReferenceGrid:
    sample = BottomRows(most=SAMPLE_ROWS)
    for batch in batches:
        number = int(row_ids({"batch": np.array([batch], dtype=object)}, ["batch"])[0])
        first = 0
        for part in datasets.scan(table, batches=[batch], columns=columns):
            at, keys = sample.candidates(number, first, row_count(part))
            sample = sample.add(select(part, at), keys)
            first += row_count(part)
    return fitted(sample.rows())


def _grid(documents: Documents, table: str, columns: Sequence[str]) -> ReferenceGrid:
    record = documents.get("grids", _grid_name(table, columns))
    if record is None:
        raise InputError(f"the partitions of {table} must be listed before one is profiled. Run that task first.")
    return ReferenceGrid.from_json(record)


def _grid_name(table: str, columns: Sequence[str]) -> str:
    return f"{table}/{hashlib.sha256(json.dumps(list(columns)).encode()).hexdigest()[:16]}"
