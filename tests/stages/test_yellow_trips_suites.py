"""The suites of the running example on real trips, and on simulated ones with a broken meter.

Needs ../shared/data/taxi: two samples of 10,000 real trips, January and February 2019.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from upkeep import taxi
from upkeep.adapters.batch_files import BatchFiles
from upkeep.adapters.gx_validator import GxValidator
from upkeep.adapters.json_documents import JsonDocuments
from upkeep.adapters.parquet_datasets import ParquetDatasets
from upkeep.adapters.trip_files import write_week
from upkeep.adapters.workspace import Workspace
from upkeep.core.schema import TableSchema
from upkeep.core.simulation.incidents import Incidents
from upkeep.stages.ingest import ingest
from upkeep.stages.prepare import prepare
from upkeep.stages.validate import validate

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT.parent / "shared/data/taxi"
POINTS = {"raw": ("raw", "clean"), "clean": ("clean", None), "features": ("prepared", "features")}


class _Way:
    """From a file to validated features."""

    def __init__(self, root, uri):
        workspace = Workspace(root)
        self.datasets = ParquetDatasets(workspace.data)
        documents = JsonDocuments(workspace.records, workspace.reports)
        schema = TableSchema.from_json(yaml.safe_load((ROOT / "dags/config/taxi.yaml").read_text())["schema"])
        (batch,) = ingest(BatchFiles(workspace), self.datasets, uri=uri, dataset="yellow", schema=schema)
        self.results = {}
        for point, (table, accepted) in POINTS.items():
            if point == "features":
                prepare(
                    self.datasets,
                    dataset="yellow",
                    batch=batch.batch,
                    model="tip",
                    time=schema.time,
                    features=taxi.tip_features,
                    label=taxi.tipped,
                    label_time=taxi.LABEL_TIME,
                )
            self.results[point] = validate(
                GxValidator(),
                self.datasets,
                documents,
                dataset="yellow",
                batch=batch.batch,
                table=table,
                accepted=accepted,
                suite=json.loads((ROOT / f"expectations/yellow_trips.{point}.json").read_bytes()),
            )


@pytest.fixture(scope="module", params=["2019-01", "2019-02"])
def real(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UPKEEP_SOURCES", str(SAMPLES))
        yield _Way(tmp_path_factory.mktemp(request.param), str(SAMPLES / f"yellow_tripdata_sample_{request.param}.csv"))


def test_real_months_pass_every_point_and_lose_less_than_one_row_in_a_hundred(real):
    assert {point: result.verdict for point, result in real.results.items()} == {
        "raw": "pass_with_quarantine",
        "clean": "pass",
        "features": "pass_with_quarantine",
    }
    for result in real.results.values():
        assert not result.explanation
        assert 0 <= result.quarantined < 0.01 * result.rows


def test_every_real_row_is_accepted_or_in_quarantine(real):
    for table, accepted in (("raw", "clean"), ("prepared", "features")):
        kept = real.datasets.read(f"yellow/{accepted}", columns=["row_id"])["row_id"]
        batch = next(b.batch for b in real.datasets.batches("yellow/quarantine") if b.batch.endswith(f"-{table}"))
        refused = real.datasets.read("yellow/quarantine", batches=[batch])
        assert all(refused["reasons"])
        every = real.datasets.read(f"yellow/{table}", columns=["row_id"])["row_id"]
        np.testing.assert_array_equal(np.sort(np.concatenate([kept, refused["row_id"]])), np.sort(every))


def test_the_new_surcharge_is_recorded_and_refuses_no_row(real):
    checks = [c for result in real.results.values() for c in result.checks if c.column == "congestion_surcharge"]
    assert {c.severity for c in checks if not c.success} <= {"info"}


def test_what_is_refused_at_first_is_why_the_next_point_can_be_strict(real):
    severities = {c.severity for c in real.results["clean"].checks}
    assert severities == {"error", "warn"}
    assert all(c.success for c in real.results["clean"].checks)


def _week(root, **incidents):
    write_week(Workspace(root).inbox, 0, start="2024-01-01", rows=1000, seed=2, incidents=Incidents(**incidents))
    return _Way(root, "trips")


def test_a_simulated_week_passes_whole(tmp_path):
    way = _week(tmp_path)
    assert {result.verdict for result in way.results.values()} == {"pass"}


def test_a_broken_meter_loses_its_impossible_trips_and_not_the_week(tmp_path):
    way = _week(tmp_path, broken_meter_week=0)
    raw, features = way.results["raw"], way.results["features"]
    assert (raw.verdict, features.verdict) == ("pass_with_quarantine", "pass_with_quarantine")
    reasons = way.datasets.read("yellow/quarantine", batches=[raw.quarantine])["reasons"]
    assert "expect_column_values_to_be_between(trip_distance)" in reasons
