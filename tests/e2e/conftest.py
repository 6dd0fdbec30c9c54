"""A real Airflow and a real MLflow for each file of end-to-end tests; three lives can run on them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import yaml

from upkeep.adapters.backends import Backends
from upkeep.adapters.life_file import read_life
from upkeep.adapters.workspace import Workspace
from upkeep.cli.airflow_api import AirflowApi
from upkeep.cli.servers import LocalAirflow, LocalMlflow
from upkeep.cli.story import Story

REPO = Path(__file__).parents[2]
#: DAG files for Airflow, which need the environment that a test gives them.
collect_ignore = ["challengers"]
SHARED = REPO.parent / "shared" / "data" / "taxi"


def _write_lives(folder: Path) -> None:
    """The demo's life, shortened, and the same model over the real trips."""
    text = (REPO / "dags" / "config" / "taxi.yaml").read_text()
    taxi = yaml.safe_load(text.replace("${UPKEEP_TAXI_FIRST_BATCHES:-4}", "2").replace("${UPKEEP_POLL_S:-15}", "1"))
    taxi |= {"source": "trips", "feedback": "feedback"}
    nyc = taxi | {
        "name": "nyc",
        "dataset": "nyc_trips",
        "model": "nyc_tip",
        "source": "nyc",
        "feedback": "nyc_feedback",
    }
    nyc["training"] = taxi["training"] | {"first_batches": 1}
    gated = taxi | {"name": "gated", "dataset": "gated_trips", "model": "gated_tip"}
    gated |= {"source": "gated", "feedback": "gated_feedback"}
    gated["training"] = taxi["training"] | {"factory": "fare_line:fare_line"}
    gated["gate"] = taxi["gate"] | {"condition": "n - o > 0 +/- 0.015", "adaptivity": "full", "steps": 3}
    folder.mkdir()
    for life in (taxi, nyc, gated):
        (folder / f"{life['name']}.yaml").write_text(yaml.safe_dump(life))


def _copy_dags(folder: Path) -> Path:
    """The DAGs of the repository, and those of the tests beside them."""
    shutil.copytree(REPO / "dags", folder)
    for file in (REPO / "tests" / "e2e" / "challengers").glob("*.py"):
        shutil.copy(file, folder)
    return folder


@pytest.fixture(scope="module")
def airflow(tmp_path_factory):
    home = tmp_path_factory.mktemp("e2e")
    _write_lives(home / "lives")
    saved = dict(os.environ)
    os.environ |= {
        "UPKEEP_HOME": str(home),
        "UPKEEP_LIVES": str(home / "lives"),
        "UPKEEP_EXPECTATIONS": str(REPO / "expectations"),
        "UPKEEP_SOURCES": str(SHARED.resolve()),
    }
    running = []
    try:
        mlflow = LocalMlflow(home)
        running.append(mlflow)
        mlflow.wait()
        os.environ |= {"MLFLOW_TRACKING_URI": mlflow.url, "UPKEEP_MLFLOW_URL": mlflow.url}
        dags = _copy_dags(home / "dags")
        server = LocalAirflow(home / "airflow", dags, {"PYTHONPATH": str(dags)})
        running.append(server)
        server.wait()
        yield server
    finally:
        for started in reversed(running):
            started.stop()
        os.environ.clear()
        os.environ.update(saved)


@pytest.fixture(scope="module")
def api(airflow):
    return AirflowApi(airflow.url, "admin", airflow.password)


@pytest.fixture(scope="module")
def story(airflow, api):
    """A factory of stories: ``story("taxi")``."""

    def of(name: str) -> Story:
        root = airflow.home.parent
        life = read_life(root / "lives" / f"{name}.yaml")
        made = Story(life=life, api=api, backends=Backends(Workspace(root)), tell=print)
        made.until_dags_are_there()
        return made

    return of


@pytest.fixture(scope="module")
def shared_taxi():
    """The real trips; where the shared folder is, they must be there."""
    assert SHARED.is_dir(), f"the real trips must lie in {SHARED}"
    return SHARED.resolve()
