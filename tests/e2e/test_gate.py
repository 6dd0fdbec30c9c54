"""The gate on a real Airflow: who passes, who does not, which labels it asks for, and how a test set ends."""

import csv
from functools import cache

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from upkeep.adapters.trip_files import write_tips, write_week
from upkeep.cli.airflow_api import FINISHED
from upkeep.core.identity import row_ids
from upkeep.core.simulation.incidents import Incidents
from upkeep.core.simulation.tipping import generous
from upkeep.core.simulation.trips import KEY, generate_week
from upkeep.lifecycle import Lifecycle

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]
SIMULATED = {"start": "2025-11-03", "rows": 12_000, "seed": 3, "incidents": Incidents(concept_week=0)}


@pytest.fixture(scope="module")
def gated(airflow, story, tmp_path_factory):
    """Two weeks, an eighth of the second one's labels known; the first model is the weak one, and is champion."""
    life, elsewhere = story("gated"), tmp_path_factory.mktemp("weeks")
    write_week(elsewhere, 0, **SIMULATED)
    write_week(elsewhere, 1, **SIMULATED, tips=False)
    (truth := tmp_path_factory.mktemp("truth")).mkdir(exist_ok=True)
    write_tips(truth, 1, **SIMULATED)
    known = pq.read_table(truth / "feedback" / "feedback_001.parquet")
    inbox = airflow.home.parent / "inbox"
    _drop(inbox / "gated_feedback" / "some.parquet", known.filter(pa.array(_hash(known) % 8 == 0)))
    Lifecycle(life.life, life.backends).labels()
    for week in (0, 1):
        file = f"yellow_tripdata_week_{week:03}.parquet"
        _drop(inbox / "gated" / file, pq.read_table(elsewhere / "trips" / file))
    return {"life": life, "first": life.until_first_model(), "known": known, "inbox": inbox}


def _hash(labels):
    return np.asarray(labels["prediction_id"]).astype(np.uint64) >> np.uint64(20)


def _drop(path, table):
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    pq.write_table(table, temporary)
    temporary.rename(path)


@cache
def _truth():
    """Label by prediction, whenever it is there; some never come, of which a person says 0."""
    known = {}
    for week in range(8):
        made = generate_week(week, **SIMULATED)
        label = generous(made.trips["tip_amount"], made.trips["fare_amount"])
        own = zip(row_ids(made.trips, KEY).tolist(), label.tolist(), strict=True)
        known |= {row: int(value) for row, value in own if value in (0.0, 1.0)}
        later = made.feedback
        known |= dict(zip(later["prediction_id"].tolist(), later["label"].tolist(), strict=True))
    return known


def _start(life, name):
    return life.api.trigger(f"gated_{name}", {"until": "2025-11-17"})


def _finish(life, name, run):
    dag = f"gated_{name}"

    def state():
        return next(one["state"] for one in life.api.runs(dag) if one["dag_run_id"] == run)

    life.wait(f"the end of {dag}", lambda: state() in FINISHED)
    return {
        task: life.api.get(f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}")
        for task in ("train", "labels", "gate", "promote")
    }


def _pushed(life, name, run, task, key):
    return life.api.get(f"/dags/gated_{name}/dagRuns/{run}/taskInstances/{task}/xcomEntries/{key}")["value"]


@pytest.fixture(scope="module")
def noise(gated):
    """A challenger that differs from the champion by a trifle more shrinkage."""
    run = _start(gated["life"], "noise")
    return run, _finish(gated["life"], "noise", run)


@pytest.fixture(scope="module")
def better(gated, noise):
    """The better challenger, which waits for labels of rows on which it disagrees with the champion; a person gives them."""
    life = gated["life"]
    run = _start(life, "better")

    def asked():
        state = life.api.task_state("gated_better", run, "labels")
        assert state not in ("success", "failed", "upstream_failed"), "the labels must not suffice yet"
        return state == "deferred"

    life.wait("the request for labels", asked)
    request = _pushed(life, "better", run, "labels", "label_request")
    rows = csv.DictReader((life.backends.workspace.reports / request).read_text().splitlines())
    wanted = [int(row["prediction_id"]) for row in rows]
    given = {"prediction_id": wanted, "label": [_truth().get(row, 0) for row in wanted]}
    given["observed_at"] = np.full(len(wanted), np.datetime64("2025-11-18", "us"))
    _drop(gated["inbox"] / "gated_feedback" / "asked.parquet", pa.table(given))
    return run, _finish(life, "better", run), wanted


def test_a_challenger_that_is_better_by_noise_does_not_pass_and_is_not_tried_again(gated, noise):
    life, (run, tasks) = gated["life"], noise
    assert (tasks["gate"]["state"], tasks["gate"]["try_number"]) == ("failed", 1)
    assert tasks["promote"]["state"] == "upstream_failed"
    verdict = _pushed(life, "noise", run, "gate", "verdict")
    assert (verdict["passed"], verdict["step"], verdict["steps"]) == (False, 2, 3)
    assert verdict["n"] is None  # builders see answers alone while the test set is in use
    assert "hold out newer rows for the challenger after the next" in verdict["sentence"]


def test_the_shut_gate_keeps_its_links(gated, noise, airflow):
    life, (run, _) = gated["life"], noise
    links = life.api.get(f"/dags/gated_noise/dagRuns/{run}/taskInstances/gate/links")["extra_links"]
    assert "/#/models/gated_tip/versions/2" in links["MLflow model version"]
    token = httpx.post(f"{airflow.url}/auth/token", json={"username": "admin", "password": airflow.password}).json()
    record = httpx.get(links["Record"], headers={"Authorization": f"Bearer {token['access_token']}"})
    assert record.json()["verdict"] == "unknown"


def test_only_disagreements_are_asked_to_be_labelled(gated, better):
    _, _, wanted = better
    rows = 24_000 * 0.5
    assert 100 < len(wanted) < 0.1 * rows


def test_a_challenger_that_is_better_by_three_points_passes_and_is_promoted(gated, better):
    life, (run, tasks, _) = gated["life"], better
    assert {task: one["state"] for task, one in tasks.items()} == dict.fromkeys(tasks, "success")
    verdict = _pushed(life, "better", run, "gate", "verdict")
    assert verdict["passed"]
    assert life.champion() == verdict["version"]
    assert 0.02 < verdict["gain"] < 0.05  # told, as the last step has been used


def test_a_used_up_test_set_is_told_with_what_to_do_next(gated, better):
    life = gated["life"]
    run = _start(life, "noise")
    tasks = _finish(life, "noise", run)
    assert tasks["gate"]["state"] == "failed"
    verdict = _pushed(life, "noise", run, "gate", "verdict")
    assert not verdict["measured"]
    assert "have judged 3 of 3 challengers" in verdict["sentence"]
    assert verdict["sentence"].endswith("hold out newer rows.")
    assert verdict["sentence"] in life.api.log("gated_noise", run, "gate", 1)


def test_a_retired_test_set_tells_what_it_has_measured(gated, noise, better):
    life, (run, _) = gated["life"], noise
    name = _pushed(life, "noise", run, "gate", "verdict")["evaluation_id"]
    told = next(one for one in life.records("gates") if one["evaluation_id"] == name)
    assert abs(told["gain"]) < 0.01
    assert "is false" in told["sentence"] or "is unknown" in told["sentence"]
    tags = life.backends.tracker._client.get_model_version("gated_tip", told["version"]).tags
    assert float(tags["upkeep.gate.estimate"]) == pytest.approx(told["gain"], abs=1e-6)
    assert tags["upkeep.gate.delta"] == "0.05"
