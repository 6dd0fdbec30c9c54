"""TrainModelOperator and @task.upkeep_train: one training per run, with the parameters chosen."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from mlflow import MlflowClient
from tests.mlflow_stores import new_tracker
from tests.taxi_world import REPO, WEEKS, context

from upkeep.adapters.backends import Backends
from upkeep.adapters.workspace import Workspace
from upkeep.errors import InputError
from upkeep.lifecycle import Lifecycle
from upkeep.operators.challengers import PlanChallengersOperator
from upkeep.operators.train import TrainModelOperator

_DECORATED = """
import json, sys
from airflow.sdk import DAG, task
from tests.taxi_world import context, taxi_life

with DAG("by_hand"):
    @task.upkeep_train(life=taxi_life())
    def choose(leaves):
        return {"max_leaf_nodes": leaves, "max_iter": 5}
    operator = choose(7).operator
result = operator.execute(context(json.loads(sys.argv[1]), dag_id="by_hand"))
print(json.dumps([operator.custom_operator_name, result]))
"""


def _train(world, event, **kwargs):
    run = context(event)
    return TrainModelOperator(task_id="train", life=world.life, **kwargs).execute(run), run


def _run_of(world, run_id):
    return MlflowClient(tracking_uri=f"sqlite:///{world.root / 'mlflow.db'}").get_run(run_id).data


def test_the_challenger_comes_from_the_events_version_and_names_the_airflow_run(lived):
    result, ti = lived.returned["train"], lived.contexts["train"]["ti"]
    assert result["tag"] == lived.returned["version"]["tag"]
    assert ti.pushed["model_version"] == {"model": "taxi_tip", "version": result["version"]}
    assert _run_of(lived, result["run_id"]).tags["airflow.run_id"] == f"{ti.dag_id}/{ti.run_id}"
    assert result["training_id"] == "taxi_train-manual__2026-01-01T00-00-00-00-00"


def test_a_retry_of_the_run_gives_the_same_version(world):
    again, _ = _train(world, world.returned["version"])
    assert again == world.returned["train"]


def test_the_first_training_is_skipped_when_there_is_a_champion(world):
    with pytest.raises(AirflowSkipException, match="there is a champion"):
        _train(world, world.returned["version"], first_only=True)


def test_the_first_training_waits_for_enough_batches(world):
    new_tracker(world.root)
    world = replace(world, life=replace(world.life, training=world.life.training | {"first_batches": WEEKS + 1}))
    with pytest.raises(AirflowSkipException, match=f"waits for {WEEKS + 1} batches"):
        _train(world, world.returned["version"], first_only=True)


def test_a_retrain_takes_the_batches_of_its_recipe_and_keeps_the_decision(world):
    newest = Backends(Workspace(world.root)).datasets.batches("yellow_trips/features")[-1]
    event = world.returned["version"] | {
        "recipe": {"name": "recent_window", "since": newest.since[:10]},
        "decision": "decisions/d",
    }
    run = context(event, run_id="retrain")
    result = TrainModelOperator(task_id="train", life=world.life).execute(run)
    assert (result["recipe"], result["batches"], result["decision"]) == ("recent_window", [newest.batch], "decisions/d")
    assert _run_of(world, result["run_id"]).tags["upkeep.decision"] == "decisions/d"


def test_mapped_over_a_plan_each_recipe_has_its_own_training_on_the_same_held_out_rows(world):
    event = world.returned["version"] | {"decision": "decisions/taxi_tip/d"}
    since = Backends(Workspace(world.root)).datasets.batches("yellow_trips/features")[-1].since[:10]
    event["recipes"] = [{"name": "recent_window", "since": since}, {"name": "full"}]
    life = replace(world.life, gate=world.life.gate | {"steps": 2})
    planned = PlanChallengersOperator(task_id="plan", life=life).execute(context(event))
    assert len(planned) == 2
    made = [TrainModelOperator(task_id="train", life=life, planned=one).execute(context(event)) for one in planned]
    assert [one["recipe"] for one in made] == ["recent_window", "full"]
    assert [one["training_id"] for one in made] == [one["training_id"] for one in planned]
    assert len({one["version"] for one in made}) == 2
    assert len({one["holdout_rows"] for one in made}) == 1
    assert made[0]["train_rows"] < made[1]["train_rows"]


def test_a_run_by_hand_plans_the_lifes_own_training(world):
    event = {key: world.returned["version"][key] for key in ("tag", "until")}
    (planned,) = PlanChallengersOperator(task_id="plan", life=world.life).execute(context(event))
    assert planned == {
        "recipe": {},
        "training_id": "taxi_train-manual__2026-01-01T00-00-00-00-00",
        "holdout_since": "",
        "as_of": Lifecycle(world.life).known_until(event["until"]),
    }


def test_a_run_without_an_event_or_conf_says_what_it_must_be_told(world):
    with pytest.raises(InputError, match="must be told until"):
        _train(world, None)


def test_the_decorator_is_airflows_own_and_trains_with_what_the_function_returns(world, tmp_path):
    environment = os.environ | {"AIRFLOW_HOME": str(tmp_path / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    environment["PYTHONPATH"] = os.pathsep.join([str(REPO / "plugins"), str(REPO)])
    done = subprocess.run(
        [sys.executable, "-c", _DECORATED, json.dumps(world.returned["version"])],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    name, result = json.loads(done.stdout.splitlines()[-1])
    assert name == "@task.upkeep_train"
    assert result["version"] != world.returned["train"]["version"]
    params = _run_of(world, result["run_id"]).params
    assert (params["model.max_leaf_nodes"], params["model.max_iter"]) == ("7", "5")
