"""Bad input gives one clear error, and changes nothing on disk."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq
import pytest

from upkeep.adapters.batch_files import BatchFiles
from upkeep.adapters.gx_validator import GxValidator
from upkeep.adapters.json_documents import JsonDocuments
from upkeep.adapters.parquet_datasets import ParquetDatasets, from_arrow, to_arrow
from upkeep.adapters.workspace import Workspace
from upkeep.core.columns import concatenate, select
from upkeep.core.schema import TableSchema
from upkeep.core.simulation.trips import generate_week
from upkeep.errors import InputError
from upkeep.stages.ingest import ingest
from upkeep.stages.validate import validate

ROOT = Path(__file__).parents[2]
NAMES = {
    "vendor_id": "integer",
    "pickup_datetime": "datetime",
    "dropoff_datetime": "datetime",
    "passenger_count": "number",
    "trip_distance": "number",
    "rate_code_id": "number",
    "store_and_fwd_flag": "text",
    "pickup_location_id": "integer",
    "dropoff_location_id": "integer",
    "payment_type": "integer",
    "congestion_surcharge": "number",
}
DOLLARS = ("fare_amount", "extra", "mta_tax", "tip_amount", "tolls_amount", "improvement_surcharge", "total_amount")
KEY = [
    "vendor_id",
    "pickup_datetime",
    "dropoff_datetime",
    "pickup_location_id",
    "dropoff_location_id",
    "trip_distance",
    "fare_amount",
]
SCHEMA = TableSchema(time="pickup_datetime", key=tuple(KEY), columns=NAMES | dict.fromkeys(DOLLARS, "number"))


class _World:
    def __init__(self, root: Path):
        self.workspace = Workspace(root)
        self.workspace.inbox.mkdir()
        self.datasets = ParquetDatasets(self.workspace.data)
        self.documents = JsonDocuments(self.workspace.records, self.workspace.reports)
        self.trips = generate_week(0, start="2024-01-01", rows=200, seed=1).trips
        self.put("good.csv", self.trips)
        self.ingest("good.csv")

    def put(self, name, content):
        path = self.workspace.inbox / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif name.endswith(".csv"):
            pv.write_csv(to_arrow(content), path)
        else:
            pq.write_table(to_arrow(content), path)
        return path.read_bytes()

    def ingest(self, uri):
        (batch,) = ingest(BatchFiles(self.workspace), self.datasets, uri=uri, dataset="trips", schema=SCHEMA)
        return batch.batch

    def validate(self, batch, suite=None):
        return validate(
            GxValidator(),
            self.datasets,
            self.documents,
            dataset="trips",
            batch=batch,
            table="raw",
            accepted="clean",
            suite=suite or json.loads((ROOT / "expectations/yellow_trips.raw.json").read_bytes()),
        )

    def tree(self):
        """Everything on disk, lock files and empty folders too."""
        return {
            str(path.relative_to(self.workspace.root)): hashlib.sha256(path.read_bytes()).hexdigest()
            if path.is_file()
            else ""
            for path in sorted(self.workspace.root.rglob("*"))
        }


@pytest.fixture
def world(tmp_path):
    return _World(tmp_path)


def _csv(world):
    return world.put("copy.csv", world.trips)


def _wrong_types(world):
    lines = _csv(world).decode().splitlines()
    at = lines[0].split(",").index('"fare_amount"')
    cells = lines[121].split(",")
    cells[at] = "twelve"
    return "\n".join([*lines[:121], ",".join(cells), *lines[122:], ""]).encode()


def _parquet(world):
    return world.put("copy.parquet", world.trips)


def _without(world, column):
    return {name: values for name, values in world.trips.items() if name != column}


def _no_times(world):
    return world.trips | {"pickup_datetime": np.full(200, "NaT", dtype="M8[us]")}


BAD = {
    "empty file": (
        "bad.csv",
        lambda _: b"",
        "a batch must have a header and rows; bad.csv is empty. Deliver it again.",
    ),
    "header without rows": (
        "bad.csv",
        lambda w: _csv(w).split(b"\n")[0] + b"\n",
        "a batch must have rows; bad.csv has a header and nothing below it. Deliver it again.",
    ),
    "truncated Parquet": (
        "bad.parquet",
        lambda w: _parquet(w)[:-100],
        "a batch must be readable to its end; bad.parquet is not: Parquet magic bytes not found in footer.",
    ),
    "wrong delimiter": (
        "bad.csv",
        lambda w: _csv(w).replace(b",", b";"),
        'columns must be separated by commas; bad.csv has the one column \'vendor_id;"pickup_datetime";"dropoff_',
    ),
    "missing column": (
        "bad.csv",
        lambda w: _without(w, "fare_amount"),
        "a batch must have the columns of the schema; in bad.csv column 'fare_amount' was removed. "
        "Correct the batch, or declare the change under schema.declared.",
    ),
    "unknown column": (
        "bad.csv",
        lambda w: w.trips | {"cbd_congestion_fee": np.ones(200)},
        "in bad.csv column 'cbd_congestion_fee' was added. Correct the batch, or declare the change",
    ),
    "a column twice": (
        "bad.csv",
        lambda w: _csv(w).replace(b'"extra"', b'"mta_tax"'),
        "a column's name must be there once; bad.csv has ['mta_tax'] more than once. Rename them.",
    ),
    "all-null time": (
        "bad.parquet",
        _no_times,
        "column 'pickup_datetime' must have a time in every row; bad.parquet has none in 200 of 200 rows, "
        "first in row 0 (from 0). Repair the file; nothing of it was taken in.",
    ),
    "wrong types": (
        "bad.csv",
        _wrong_types,
        "in bad.csv column 'fare_amount' is text where number is declared. column 'fare_amount' must be number in every "
        "row; bad.csv has 'twelve' in row 120 (from 0). Repair the file; nothing of it was taken in.",
    ),
    "non-UTF-8": (
        "bad.csv",
        lambda w: _csv(w).replace(b'"N"', b'"N\xe9"', 1),
        "a CSV file must be UTF-8; bad.csv has byte 0xe9 at offset ",
    ),
    "another format": (
        "bad.xlsx",
        lambda _: b"PK",
        "a batch must be a .csv or .parquet file, got 'bad.xlsx'. Convert it.",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_with_one_clear_error_and_nothing_changes(world, case):
    name, make, message = BAD[case]
    world.put(name, make(world))
    before = world.tree()
    with pytest.raises(InputError) as caught:
        world.ingest(name)
    assert message in str(caught.value)
    assert world.tree() == before


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("gone.csv", "a source must exist; there is no 'gone.csv'. Check the name, or deliver it first."),
        ("../../etc/passwd", "got '../../etc/passwd'. Move the file there, or add its folder to UPKEEP_SOURCES."),
        ("local:///etc/passwd", "a source must be a path, or a URL of s3, "),
    ],
)
def test_sources_that_are_not_there_or_not_allowed_are_refused(world, uri, message):
    before = world.tree()
    with pytest.raises(InputError) as caught:
        world.ingest(uri)
    assert message in str(caught.value)
    assert world.tree() == before


def test_the_suite_of_the_good_batch_passes(world):
    result = world.validate(world.ingest("good.csv"))
    assert (result.verdict, result.accepted) == ("pass", 200)


@pytest.mark.parametrize(
    ("expectations", "message"),
    [
        (
            [{"type": "expect_column_values_to_be_betwen", "kwargs": {"column": "fare_amount", "min_value": 0}}],
            "an expectation must be one that Great Expectations knows, got 'expect_column_values_to_be_betwen'. "
            "Did you mean 'expect_column_values_to_be_between'?",
        ),
        ([], "a suite must have a name and at least one expectation, got name 'bad' and 0 expectations."),
        (
            [{"type": "expect_column_values_to_be_unique", "kwargs": {"colum": "row_id"}}],
            "expectation 'expect_column_values_to_be_unique' must have the arguments of its kind, got {'colum': 'row_id'}",
        ),
    ],
)
def test_a_suite_that_checks_less_than_it_says_is_refused_and_nothing_changes(world, expectations, message):
    batch = world.ingest("good.csv")
    before = world.tree()
    with pytest.raises(InputError) as caught:
        world.validate(batch, {"name": "bad", "expectations": expectations})
    assert message in str(caught.value)
    assert world.tree() == before


def test_duplicate_ids_are_quarantined_with_their_reason(world):
    twice = concatenate([world.trips, select(world.trips, np.array([3, 5]))])
    world.put("bad.parquet", twice)
    result = world.validate(world.ingest("bad.parquet"))
    assert (result.verdict, result.rows, result.accepted, result.quarantined) == ("pass_with_quarantine", 202, 198, 4)
    reasons = world.datasets.read("trips/quarantine")["reasons"]
    assert set(reasons) == {"expect_column_values_to_be_unique(row_id)"}


def test_a_required_column_without_any_value_fails_the_validation(world):
    world.put("bad.parquet", world.trips | {"dropoff_location_id": np.full(200, np.nan)})
    result = world.validate(world.ingest("bad.parquet"))
    assert (result.verdict, result.accepted) == ("fail", 0)
    assert (
        "200 of 200 rows are refused, where at most 20.0% and never all may be; most of them, 200, by "
        in result.sentence
    )
    assert "expect_column_values_to_not_be_null(dropoff_location_id) failed" in result.warnings[0]


def test_whole_numbers_that_had_to_become_float_are_taken_as_they_are_meant(world):
    gaps = np.where(np.arange(200) % 7, world.trips["payment_type"], np.nan)
    world.put("ok.parquet", world.trips | {"payment_type": gaps})
    rows = world.datasets.read("trips/raw", batches=[world.ingest("ok.parquet")])
    assert int(np.isnan(rows["payment_type"]).sum()) == 29
    assert from_arrow(pa.table({"n": pa.array([1, None])}))["n"].dtype == rows["payment_type"].dtype
