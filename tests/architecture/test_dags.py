"""DAG files parse fast, load no heavy library, use no deprecated import, and are wired by assets alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
FILES = sorted(path.name for path in (REPO / "dags").glob("*.py"))
HEAVY = {"great_expectations", "mlflow", "dvc", "sklearn", "scipy", "pandas", "pyarrow", "matplotlib"}
_PARSE = """
import importlib.util, json, sys, time, warnings
import airflow.sdk, airflow.providers.standard.operators.hitl, airflow.triggers.base
from airflow.utils.deprecation_tools import DeprecatedImportWarning
warnings.simplefilter("error", DeprecatedImportWarning)
spec = importlib.util.spec_from_file_location("parsed", sys.argv[1])
module = importlib.util.module_from_spec(spec)
started = time.process_time()
spec.loader.exec_module(module)
took = time.process_time() - started
print(json.dumps({"cpu_s": took, "modules": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


def _parse(file, tmp_path):
    environment = os.environ | {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    done = subprocess.run(
        [sys.executable, "-c", _PARSE, REPO / "dags" / file],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("file", FILES)
def test_a_dag_file_costs_less_than_a_second_beyond_airflow_and_loads_nothing_heavy(file, tmp_path):
    parsed = _parse(file, tmp_path)
    assert parsed["cpu_s"] < 1.0
    assert not HEAVY & set(parsed["modules"])


@pytest.mark.parametrize("file", FILES)
def test_a_dag_file_has_at_most_sixty_lines(file):
    assert len((REPO / "dags" / file).read_text().splitlines()) <= 60


@pytest.fixture(scope="module")
def dags(tmp_path_factory):
    """The DAGs of the demo's life and of a second one that was made by copying a file."""
    lives = tmp_path_factory.mktemp("lives")
    text = (REPO / "dags" / "config" / "taxi.yaml").read_text()
    (lives / "taxi.yaml").write_text(text)
    (lives / "bikes.yaml").write_text(
        text.replace("taxi\n", "bikes\n").replace("yellow_trips\n", "bikes\n").replace("taxi_tip\n", "bikes\n")
    )
    code = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
assert not bag.import_errors, bag.import_errors
def about(dag):
    waits_for = getattr(dag.timetable, "asset_condition", None)
    return {"tasks": dag.task_ids, "schedule": [asset.name for asset in waits_for.objects] if waits_for else []}
print(json.dumps({dag.dag_id: about(dag) for dag in bag.dags.values()}))
"""
    home = tmp_path_factory.mktemp("home")
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "UPKEEP_LIVES": str(lives),
    }
    done = subprocess.run(
        [sys.executable, "-c", code, REPO / "dags"], env=environment, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_each_life_has_its_dags_on_its_own_assets_and_one_on_demand(dags):
    wired = {
        "ingest": ["inbox"],
        "train": ["dataset"],
        "score": ["dataset"],
        "monitor": ["predictions"],
        "retrain": ["retrain"],
        "profile": [],
    }
    for life in ("taxi", "bikes"):
        for stage, assets in wired.items():
            assert dags[f"{life}_{stage}"]["schedule"] == [f"{life}_{asset}" for asset in assets]
    assert len(dags) == 12


def test_nothing_is_trained_in_the_retrain_dag_before_a_person_has_approved(dags):
    assert dags["taxi_retrain"]["tasks"][0] == "approve"
