"""The same profile from a Spark data frame: counted where its partitions are, on a session that is there already."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa

from upkeep.adapters.profile_columns import countable
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile
from upkeep.errors import BackendError, InputError

_MERGERS = 8  # tasks that add up partitions' profiles, so that the driver sees no more than these
_COLUMNS = "profile string, refused string"

Batches = Iterator[pa.RecordBatch]


def profile_spark(frame: Any, grid: ReferenceGrid) -> Profile:
    """Count a data frame into the cells of a grid.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        Read once, the grid's columns alone.
    grid : ReferenceGrid
        From a local sample, or stored with an earlier profile.

    Returns
    -------
    Profile
        The bits that counting the same rows locally gives, however they are partitioned.

    Raises
    ------
    InputError
        If a column of the grid is absent, or of another sort than in the grid.
    BackendError
        If Spark fails.

    Notes
    -----
    Each partition becomes one row of JSON (``DataFrame.mapInArrow``), and those are added up by 8 tasks and the driver.
    Executors must have Upkeep, numpy and pyarrow installed. A time with a zone reaches them as a moment in UTC, whatever the
    session's time zone is; a TIMESTAMP_NTZ is taken as UTC. NaN counts as a missing value, like null.
    """
    from pyspark.errors import PySparkException
    from pyspark.sql.functions import col

    _check(frame, grid)
    counting, adding = _counting(json.dumps(grid.to_json())), _adding(json.dumps(grid.to_json()))
    try:
        numbered = [col(_quoted(name)).alias(f"c{i}") for i, name in enumerate(grid.cells)]  # mapInArrow knows no dots
        partial = frame.select(*numbered).mapInArrow(counting, _COLUMNS)
        found = partial.repartition(_MERGERS).mapInArrow(adding, _COLUMNS).collect()
    except PySparkException as err:
        reason = next(iter(str(err).strip().splitlines()), type(err).__name__)
        raise BackendError(f"Spark must finish the profile, but: {reason}. See the driver's log.") from err
    return _added(grid, ((row.profile, row.refused) for row in found))


def _check(frame: Any, grid: ReferenceGrid) -> None:
    from pyspark.sql import types

    times = (types.DateType, types.TimestampType, types.TimestampNTZType)
    kinds = (types.NumericType, types.StringType, types.BooleanType, types.NullType, *times)
    stored = {field.name: field.dataType for field in frame.schema.fields}
    absent = sorted(set(grid.cells) - set(stored))
    if absent:
        raise InputError(f"the table must have every column of the reference, but lacks {absent}.")
    for name in grid.cells:
        if not isinstance(stored[name], kinds):
            raise InputError(
                f"columns must hold numbers, times, booleans or text to be counted; {name!r} is {stored[name].simpleString()}. "
                "Flatten it, or leave it out of the grid."
            )


def _quoted(name: str) -> str:
    """A column's name with dots in it is one name, not a path into a structure."""
    return "`" + name.replace("`", "``") + "`"


def _counting(cells: str) -> Callable[[Batches], Batches]:
    """What runs in each partition; it holds nothing but text, so that every executor can be sent it."""

    def run(batches: Batches) -> Batches:
        grid = ReferenceGrid.from_json(json.loads(cells))
        profile = Profile.empty(grid)
        try:
            for batch in batches:
                named = pa.RecordBatch.from_arrays(batch.columns, names=list(grid.cells))
                profile = profile.update(countable(named, grid))
        except InputError as err:  # as an answer: Spark would try the partition again
            yield _row(None, str(err))
        else:
            yield _row(profile, None)

    return run


def _adding(cells: str) -> Callable[[Batches], Batches]:
    def run(batches: Batches) -> Batches:
        grid = ReferenceGrid.from_json(json.loads(cells))
        rows = ((row["profile"], row["refused"]) for batch in batches for row in batch.to_pylist())
        try:
            yield _row(_added(grid, rows), None)
        except InputError as err:
            yield _row(None, str(err))

    return run


def _row(profile: Profile | None, refused: str | None) -> pa.RecordBatch:
    text = None if profile is None else json.dumps(profile.to_json())
    return pa.record_batch({"profile": pa.array([text], pa.string()), "refused": pa.array([refused], pa.string())})


def _added(grid: ReferenceGrid, rows: Iterable[tuple[str | None, str | None]]) -> Profile:
    """The profile of all rows; InputError with the first reason, by the alphabet, if a partition was refused."""
    profile, refused = Profile.empty(grid), []
    for text, reason in rows:
        if text is None:
            refused.append(str(reason))
        else:
            profile = profile.merge(Profile.from_json(json.loads(text), grid))
    if refused:
        raise InputError(min(refused))
    return profile
