"""ModelGateOperator: says no only after the verdict and the model's link are there."""

from dataclasses import replace

import pytest
from tests.taxi_world import context

from upkeep.adapters.backends import Backends
from upkeep.adapters.workspace import Workspace
from upkeep.errors import GateClosed
from upkeep.operators.gate import ModelGateOperator


def _gate(world, trained, **policy):
    life = replace(world.life, gate=world.life.gate | policy)
    run = context()
    return ModelGateOperator(task_id="gate", life=life, trained=trained), run


def test_an_open_gate_hands_on_what_the_promotion_needs(lived):
    verdict, trained = lived.returned["gate"], lived.returned["train"]
    assert verdict["passed"]
    assert (verdict["version"], verdict["run_id"]) == (trained["version"], trained["run_id"])
    assert lived.contexts["gate"]["ti"].pushed["verdict"]["sentence"] == verdict["sentence"]


def test_a_shut_gate_fails_after_version_and_verdict_were_pushed(world):
    trained = world.returned["train"] | {"training_id": "again"}
    operator, run = _gate(world, trained)  # held against itself, it is no better
    with pytest.raises(GateClosed) as closed:
        operator.execute(run)
    pushed = run["ti"].pushed
    assert pushed["model_version"] == {"model": "taxi_tip", "version": trained["version"]}
    assert not pushed["verdict"]["passed"]
    assert pushed["verdict"]["sentence"] == str(closed.value)
    assert Backends(Workspace(world.root)).documents.get("gates", "taxi_tip/again")["passed"] is False


def test_a_retry_gets_the_stored_verdict_even_under_another_policy(world):
    operator, run = _gate(world, world.returned["train"], first_condition="n > 0.99 +/- 0.2")
    assert operator.execute(run) == world.returned["gate"]
