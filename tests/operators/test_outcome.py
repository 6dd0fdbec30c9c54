"""RecordOutcomeOperator: the last task of a retrain writes back, whatever became of those before."""

import json
from contextlib import suppress
from dataclasses import replace

import pytest
from tests.taxi_world import context

from upkeep.adapters.backends import Backends
from upkeep.adapters.workspace import Workspace
from upkeep.errors import GateClosed, InputError
from upkeep.operators.challengers import PlanChallengersOperator
from upkeep.operators.gate import ModelGateOperator
from upkeep.operators.outcome import RecordOutcomeOperator
from upkeep.operators.promote import PromoteBestOperator
from upkeep.operators.train import TrainModelOperator

DECISION = "decisions/taxi_tip/2025-11-17"


@pytest.fixture
def asked(world):
    """A due decision, and the event that asks for its retrain."""
    recipes = [{"name": "full"}, {"name": "recent_window", "since": "2025-11-03"}]
    Backends(Workspace(world.root)).documents.put(
        "decisions", "taxi_tip/2025-11-17", {"id": DECISION, "recipes": recipes, "evidence": []}
    )
    return world.returned["version"] | {"decision": DECISION, "recipes": recipes}


def _outcome(world, event, planned, answer=None):
    run = context(event)
    run["ti"].pushed["return_value"] = answer
    operator = RecordOutcomeOperator(task_id="outcome", life=world.life, planned=planned, asked="task")
    return operator, run


def _stored(world):
    return Backends(Workspace(world.root)).documents.get("decisions", "taxi_tip/2025-11-17")["outcome"]


def _retrained(world, event):
    """Plan, train and judge as the mapped tasks do; whatever passed is promoted."""
    planned = PlanChallengersOperator(task_id="plan", life=world.life).execute(context(event))
    passed = []
    for one in planned:
        trained = TrainModelOperator(task_id="train", life=world.life, planned=one).execute(context(event))
        gate = ModelGateOperator(task_id="gate", life=world.life, trained=trained)
        with suppress(GateClosed):
            passed.append(gate.execute(context()))
    if passed:
        best = PromoteBestOperator(task_id="promote", life=world.life, verdict=passed, model=world.assets.model)
        best.execute(context())
    return planned


def test_a_retrain_that_no_challenger_confirms_fails_after_it_is_written_down(world, asked):
    planned = _retrained(world, asked)
    operator, run = _outcome(world, asked, planned, answer={"chosen_options": ["Approve"]})
    with pytest.raises(GateClosed, match="Not confirmed: no challenger passed the gate"):
        operator.execute(run)
    stored = _stored(world)
    assert [one["recipe"] for one in stored["challengers"]] == ["full", "recent_window"]
    assert not stored["confirmed"]
    page = world.root / "reports" / run["ti"].pushed["record"]
    assert json.loads(page.read_text())["outcome"] == stored


def test_a_promoted_challenger_is_written_down_and_handed_on(world, asked):
    gate = world.life.gate | {"condition": "n - o > -0.9 +/- 0.15", "steps": 3}  # the first model's is one of them
    world = replace(world, life=replace(world.life, gate=gate))
    planned = _retrained(world, asked)
    operator, run = _outcome(world, asked, planned)
    result = operator.execute(run)
    assert result["promoted"] == Backends(Workspace(world.root)).tracker.version("taxi_tip", "champion")
    assert all(one["verdict"] == "pass" for one in result["challengers"])
    assert result["promoted"] == max(result["challengers"], key=lambda one: one["gain"])["version"]
    assert Backends(Workspace(world.root)).tracker.version("taxi_tip", "challenger") == result["promoted"]
    assert _stored(world) == {key: value for key, value in result.items() if key != "record"}


def test_a_rejected_retrain_is_an_outcome_and_no_failure(world, asked):
    operator, run = _outcome(world, asked, None)
    assert operator.execute(run)["sentence"] == "Not approved: nothing was trained."
    assert _stored(world)["challengers"] == []


def test_an_approved_retrain_without_a_plan_is_not_taken_for_a_rejected_one(world, asked):
    operator, run = _outcome(world, asked, None, answer={"chosen_options": ["Approve"]})
    with pytest.raises(InputError, match="an approved retrain must have a plan"):
        operator.execute(run)


def test_a_second_retrain_without_a_promotion_fails_though_the_first_one_of_its_decision_had_one(world, asked):
    documents = Backends(Workspace(world.root)).documents
    before = {"recipe": "full", "training_id": "earlier", "version": "1", "verdict": "pass", "promoted": True}
    measured = {"accuracy": 0.8, "gain": 0.1, "estimate": 0.1, "low": 0.0, "high": 0.2}
    first = {"challengers": [before | measured], "promoted": "1", "confirmed": True}
    documents.put("outcomes", "taxi_tip/2025-11-17", first)
    planned = [{"recipe": {"name": "full"}, "training_id": "second", "holdout_since": "", "as_of": "2025-11-17"}]
    operator, run = _outcome(world, asked, planned)
    with pytest.raises(GateClosed, match="Confirmed: version 1 became champion"):
        operator.execute(run)
    assert [one["training_id"] for one in _stored(world)["challengers"]] == ["earlier", "second"]
