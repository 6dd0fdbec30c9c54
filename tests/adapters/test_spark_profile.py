"""Spark counts where its partitions are, with the bits of a local count, and so do mapped partitions."""

import json
import sys
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from upkeep.adapters.json_documents import JsonDocuments
from upkeep.adapters.parquet_datasets import ParquetDatasets, from_arrow
from upkeep.adapters.profile_columns import countable
from upkeep.adapters.profile_source import large_table
from upkeep.adapters.spark_profile import profile_spark
from upkeep.adapters.workspace import Workspace
from upkeep.core.profile.cells import CategoryCells, HourCells, NumericCells
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile
from upkeep.errors import BackendError, InputError
from upkeep.stages import profile_partitions as partitions


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    """A session of two threads on loopback, in a zone that is not UTC."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "America/New_York",
        "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse")),
        "spark.local.dir": str(tmp_path_factory.mktemp("local")),
    }
    builder = SparkSession.builder.master("local[2]").appName("profiles")
    for name, value in settings.items():
        builder = builder.config(name, value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        session = builder.getOrCreate()
        gateway = SparkContext._gateway
        yield session
        session.stop()
        gateway.shutdown()  # stopping a session leaves its Java process to the end of this one
        SparkContext._gateway = SparkContext._jvm = None
        gateway.proc.stdin.close()
        gateway.proc.wait(timeout=60)


def _rows(rows):
    """A column of each sort with all that is awkward: NaN and null, infinities, -0.0, decimals, words, times in a zone."""
    rng = np.random.default_rng(3)

    def gappy(values, kind=None):
        return pa.array(values, type=kind, mask=rng.random(rows) < 0.1)

    fare = rng.lognormal(size=rows)
    fare[:4] = (np.nan, np.inf, -np.inf, -0.0)
    micros = 1_767_571_200_000_000 + rng.integers(0, 10**12, rows)
    return pa.table(
        {
            "row_id": np.arange(rows),
            "fare": gappy(fare),
            "single": gappy(rng.random(rows, dtype=np.float32)),
            "count": gappy(rng.poisson(2, rows).astype(np.int16)),
            "tip": gappy([Decimal(int(cents)).scaleb(-2) for cents in rng.integers(0, 10_000, rows)]),
            "city.name": gappy(rng.choice(np.array(["Bronx", "Queens", "Ünï", ""]), rows)),
            "code": [f"c{i}" for i in rng.integers(0, 300, rows)],
            "paid": gappy(rng.random(rows) < 0.3),
            "at": gappy(micros, pa.timestamp("us", "UTC")),
            "plain": gappy(micros, pa.timestamp("us")),
            "day": gappy((micros // 86_400_000_000).astype(np.int32), pa.date32()),
            "nothing": pa.nulls(rows, pa.string()),
        }
    )


def _text(profile):
    return json.dumps(profile.to_json())


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    root = tmp_path_factory.mktemp("files")
    workspace = Workspace(root)
    workspace.inbox.mkdir()
    table = _rows(3_000)
    pq.write_table(table, workspace.inbox / "t.parquet", row_group_size=400)
    found = large_table(workspace, "t.parquet")
    return workspace.inbox / "t.parquet", table, found, ReferenceGrid.fit(found.sample(1_000), bins=32, top=20)


@pytest.mark.parametrize("pieces", [1, 3, 20])
def test_spark_and_local_files_give_the_same_bits_however_the_rows_are_spread(spark, files, pieces):
    path, table, found, grid = files
    local = found.profile(grid)
    assert _text(local) == _text(Profile.build(grid, countable(table.combine_chunks().to_batches()[0], grid)))
    frame = spark.read.parquet(str(path)).repartition(pieces)
    assert _text(profile_spark(frame, grid)) == _text(local)


def test_local_spark_and_mapped_partitions_give_the_same_bits(spark, files, tmp_path):
    path, table, found, _ = files
    rows = from_arrow(table.select(["row_id", "fare", "count", "code", "plain"]))
    rows["plain"] = np.where(np.isnat(rows["plain"]), np.datetime64("2026-01-05", "us"), rows["plain"])
    datasets, documents = ParquetDatasets(tmp_path / "data"), JsonDocuments(tmp_path / "records", tmp_path)
    for number in range(3):
        batch = {name: values[number::3] for name, values in rows.items()}
        datasets.write("trips/features", f"b{number}", [batch], time="plain")
    about = {"table": "trips/features", "columns": ("fare", "count", "code")}
    counted = [
        partitions.profile_partition(datasets, documents, **about, batch=batch)
        for batch in partitions.list_partitions(datasets, documents, **about)
    ]
    _, mapped = partitions.merge_partitions(documents, **about, partitions=counted)
    local = found.profile(mapped.grid)
    assert _text(mapped) == _text(local) == _text(profile_spark(spark.read.parquet(str(path)), mapped.grid))


def test_times_are_counted_in_utc_in_a_session_of_another_zone(spark):
    grid = ReferenceGrid(cells={"at": HourCells(), "plain": HourCells(), "day": HourCells()})
    moment = datetime(2026, 1, 5, 23, 30, tzinfo=UTC)
    frame = spark.createDataFrame(
        [(moment, moment.replace(tzinfo=None), date(2026, 1, 5))], "at timestamp, plain timestamp_ntz, day date"
    )
    found = profile_spark(frame, grid)
    assert [int(np.flatnonzero(column.counts)[0]) for column in found.columns.values()] == [23, 23, 0]
    assert found.columns["at"].low == moment.timestamp() * 1e6


def test_empty_partitions_and_an_empty_frame_count_nothing(spark, files):
    path, _, _, grid = files
    frame = spark.read.parquet(str(path))
    assert _text(profile_spark(frame.limit(0), grid)) == _text(Profile.empty(grid))
    assert profile_spark(frame.limit(5).repartition(9), grid).rows == 5


def test_a_frame_that_does_not_fit_the_grid_is_refused_with_the_reason(spark):
    frame = spark.createDataFrame([("a", [1])], "city string, tags array<int>")
    grid = ReferenceGrid(cells={"city": NumericCells(cuts=np.array([0.0]))})
    with pytest.raises(InputError, match="column 'city' must hold numbers as in the reference, got text"):
        profile_spark(frame, grid)
    words = CategoryCells(levels=("a",))
    with pytest.raises(InputError, match=r"but lacks \['miles'\]"):
        profile_spark(frame, ReferenceGrid(cells={"miles": words}))
    with pytest.raises(InputError, match=r"'tags' is array<int>\. Flatten it"):
        profile_spark(frame, ReferenceGrid(cells={"tags": words}))


def test_a_failure_of_spark_is_a_backend_error(spark):
    from pyspark.sql.functions import lit, raise_error

    frame = spark.range(3).select(raise_error(lit("the disk is gone")).cast("string").alias("city"))
    with pytest.raises(BackendError, match=r"Spark must finish the profile, but: .*the disk is gone"):
        profile_spark(frame, ReferenceGrid(cells={"city": CategoryCells(levels=("a",))}))
