"""PromoteModelOperator and RollbackModelOperator: the alias moves, and the model asset's event says why."""

import pytest
from tests.taxi_world import context

from upkeep.adapters.backends import Backends
from upkeep.adapters.workspace import Workspace
from upkeep.errors import GateClosed, InputError
from upkeep.operators.promote import PromoteBestOperator, PromoteModelOperator, RollbackModelOperator
from upkeep.operators.train import TrainModelOperator


def _backends(world):
    return Backends(Workspace(world.root))


def _promote(world, verdict):
    run = context()
    operator = PromoteModelOperator(task_id="promote", life=world.life, verdict=verdict, model=world.assets.model)
    return operator.execute(run), run


def _second_version(world, passed):
    run = context(world.returned["version"], run_id="second")
    made = TrainModelOperator(task_id="train", life=world.life).execute(run)
    verdict = {
        "version": made["version"],
        "champion": world.returned["train"]["version"],
        "passed": passed,
        "sentence": "So it was judged.",
        "evaluation_id": "second",
        "run_id": made["run_id"],
        "decision": "decisions/d",
    }
    _backends(world).documents.put("gates", "taxi_tip/second", verdict)
    return verdict


def test_the_champion_is_the_promoted_version_and_the_event_carries_its_proof(lived):
    verdict, result = lived.returned["gate"], lived.returned["promote"]
    assert _backends(lived).tracker.version("taxi_tip", "champion") == verdict["version"]
    assert lived.contexts["promote"]["outlet_events"][lived.assets.model].extra == result
    assert (result["run_id"], result["evaluation_id"]) == (verdict["run_id"], verdict["evaluation_id"])


def test_a_shut_gate_promotes_nothing_and_emits_nothing(world):
    verdict = _second_version(world, passed=False)
    run = context()
    operator = PromoteModelOperator(task_id="promote", life=world.life, verdict=verdict, model=world.assets.model)
    with pytest.raises(GateClosed):
        operator.execute(run)
    assert not run["outlet_events"]
    assert _backends(world).tracker.version("taxi_tip", "champion") == world.returned["train"]["version"]


def test_of_several_challengers_the_best_is_promoted_and_its_proof_announced(world):
    passed = _second_version(world, passed=True) | {"n": 0.8, "o": 0.6}
    worse = passed | {"version": "99", "n": 0.7, "evaluation_id": "third"}
    shut = passed | {"version": "98", "n": 0.9, "passed": False, "evaluation_id": "fourth"}
    run = context()
    operator = PromoteBestOperator(
        task_id="promote", life=world.life, verdict=iter([worse, passed, shut]), model=world.assets.model
    )
    result = operator.execute(run)
    assert (result["version"], result["decision"]) == (passed["version"], "decisions/d")
    assert run["outlet_events"][world.assets.model].extra == result


def test_a_version_that_was_never_judged_is_refused(world):
    with pytest.raises(InputError, match="Run the gate"):
        _promote(world, world.returned["gate"] | {"evaluation_id": "never"})


def test_a_rollback_brings_back_the_champion_before_and_a_late_retry_of_the_promotion_does_not_undo_it(world):
    first = world.returned["train"]["version"]
    verdict = _second_version(world, passed=True)
    result, run = _promote(world, verdict)
    assert (result["version"], result["previous"], result["decision"]) == (verdict["version"], first, "decisions/d")
    assert run["ti"].pushed["model_version"]["version"] == verdict["version"]
    back = RollbackModelOperator(task_id="rollback", life=world.life).execute(context())
    assert (back["version"], back["kind"]) == (first, "rollback")
    assert _promote(world, verdict)[0] == result
    assert _backends(world).tracker.version("taxi_tip", "champion") == first


def test_without_a_champion_before_there_is_nothing_to_go_back_to(world):
    with pytest.raises(InputError, match="had version 1 alone"):
        RollbackModelOperator(task_id="rollback", life=world.life).execute(context())
