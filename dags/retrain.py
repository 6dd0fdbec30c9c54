"""When a retrain is due: a person approves, a challenger per recipe is trained, the gate decides, the best is promoted.

What was tried and what came of it is written to the decision that asked for it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, TriggerRule, chain

from upkeep.adapters.life_file import lives
from upkeep.assets import LifeAssets
from upkeep.operators.approval import FILTERS, WHY
from upkeep.operators.challengers import PlanChallengersOperator
from upkeep.operators.gate import ModelGateOperator
from upkeep.operators.outcome import RecordOutcomeOperator
from upkeep.operators.promote import PromoteBestOperator
from upkeep.operators.retries import DEFAULT_ARGS
from upkeep.operators.train import TrainModelOperator
from upkeep.sensors.gate import GateLabelsSensor

for life in lives(Path(__file__).parent / "config"):
    assets = LifeAssets(life)
    with DAG(
        f"{life.name}_retrain",
        schedule=[assets.retrain],
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
        user_defined_filters=FILTERS,
        doc_md=__doc__,
        tags=["upkeep", life.name],
    ):
        approve = ApprovalOperator(
            task_id="approve",
            subject=f"Retrain {life.model}?",
            body=WHY,
            defaults="Reject",
            response_timeout=timedelta(hours=life.approval_timeout_h),
        )
        plan = PlanChallengersOperator(task_id="plan", life=life)
        planned = "{{ task.planned['recipe'].get('name', 'planned') }}"
        training = TrainModelOperator.partial(task_id="train", life=life, map_index_template=planned)
        train = training.expand(planned=plan.output)
        # One that fails must not take the others with it, and each verdict counts on the test rows' account in turn.
        some, recipe = TriggerRule.ALL_DONE_MIN_ONE_SUCCESS, "{{ task.trained['recipe'] }}"
        judged = {"life": life, "trigger_rule": some, "map_index_template": recipe}
        labels = GateLabelsSensor.partial(task_id="labels", **judged).expand(trained=train.output)
        gate = ModelGateOperator.partial(task_id="gate", max_active_tis_per_dagrun=1, **judged)
        gated = gate.expand(trained=train.output)
        champion = {"model": assets.model, "trigger_rule": some}
        best = PromoteBestOperator(task_id="promote", life=life, verdict=gated.output, **champion)
        write = RecordOutcomeOperator(
            task_id="outcome", life=life, planned=plan.output, asked="approve", trigger_rule=TriggerRule.ALL_DONE
        )
        chain(approve, plan, train, labels, gated, best, write)
