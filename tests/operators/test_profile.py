"""Profiles by mapped tasks: on a real Airflow they have the bits of one pass over the table, and may run twice."""

import json
import os
import subprocess
import sys

import pytest
from tests.taxi_world import REPO, TaskInstance, context

from upkeep.adapters.backends import Backends
from upkeep.adapters.workspace import Workspace
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError
from upkeep.links import RecordLink
from upkeep.operators.profile import ListPartitionsOperator, MergeProfilesOperator, ProfilePartitionOperator
from upkeep.stages.profile_partitions import stored_profile

_RUN = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.utils.db import initdb
initdb()
bag = DagBag(sys.argv[1])
assert not bag.import_errors, bag.import_errors
run = bag.dags["taxi_profile"].test()
tasks = sorted([ti.task_id, ti.map_index, str(ti.state)] for ti in run.get_task_instances())
print(json.dumps({"state": str(run.state), "tasks": tasks}))
"""


def _airflow(root, tmp_path):
    environment = os.environ | {
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPO / "dags"),
        "UPKEEP_HOME": str(root),
    }
    command = [sys.executable, "-c", _RUN, str(REPO / "dags" / "profiles.py")]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def _operators(world):
    """What the three operators return, one after the other."""
    listed = ListPartitionsOperator(task_id="list", life=world.life).execute(context())
    counted = [
        ProfilePartitionOperator(task_id="count", life=world.life, batch=batch).execute(context()) for batch in listed
    ]
    run = context()
    merged = MergeProfilesOperator(task_id="merge", life=world.life, partitions=counted).execute(run)
    return listed, counted, merged, run["ti"]


def _text(profile):
    return json.dumps(profile.to_json())


def test_the_dag_runs_on_a_real_airflow_and_gives_the_bits_of_one_pass(world, tmp_path):
    ran = _airflow(world.root, tmp_path)
    batches = world.returned["ingest"]["batches"]
    assert ran["state"] == "success"
    assert ran["tasks"] == [
        *(["count", number, "success"] for number in range(len(batches))),
        ["list", -1, "success"],
        ["merge", -1, "success"],
    ]
    known = Backends(Workspace(world.root))
    [name] = known.documents.names("table_profiles")
    mapped = stored_profile(known.documents, name)
    local = Profile.build(mapped.grid, known.datasets.read("yellow_trips/features"))
    assert _text(mapped) == _text(local)
    assert mapped.rows == world.returned["prepare"]["rows"]
    assert set(mapped.columns) == set(world.life.training["features"])


def test_what_goes_between_tasks_is_small_and_running_them_again_changes_nothing(world):
    listed, counted, merged, ti = _operators(world)
    assert listed == world.returned["ingest"]["batches"]
    assert len(json.dumps([listed, counted, merged])) < 2000
    before = {path: path.read_bytes() for path in (world.root / "records").rglob("*.json")}
    assert _operators(world)[:3] == (listed, counted, merged)
    assert {path: path.read_bytes() for path in (world.root / "records").rglob("*.json")} == before
    assert (world.root / "reports" / merged["record"]).exists()
    assert RecordLink().get_link(None, ti_key=ti).endswith(merged["record"])


def test_a_task_that_ran_twice_or_late_is_counted_once_and_in_any_order(world):
    _, counted, merged, _ = _operators(world)
    again = MergeProfilesOperator(task_id="merge", life=world.life, partitions=[*reversed(counted), counted[0]])
    assert again.execute(context()) == merged


def test_a_partition_without_a_profile_is_named(world):
    with pytest.raises(InputError, match="must be listed before one is profiled"):
        ProfilePartitionOperator(task_id="count", life=world.life, batch="b").execute(context())
    _, counted, _, _ = _operators(world)
    broken = MergeProfilesOperator(task_id="merge", life=world.life, partitions=[*counted, "yellow_trips/gone"])
    with pytest.raises(InputError, match="yellow_trips/gone must have been profiled"):
        broken.execute(context())


def test_a_table_without_batches_is_named(tmp_path, monkeypatch, life):
    monkeypatch.setenv("UPKEEP_HOME", str(tmp_path))
    with pytest.raises(InputError, match="yellow_trips/features must hold a batch"):
        ListPartitionsOperator(task_id="list", life=life).execute({"ti": TaskInstance()})
