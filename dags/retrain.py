"""When a retrain is due: a person approves, a challenger is trained as the recipe says, and the gate decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG

from upkeep.adapters.life_file import lives
from upkeep.assets import LifeAssets
from upkeep.operators.gate import ModelGateOperator
from upkeep.operators.promote import PromoteModelOperator
from upkeep.operators.retries import DEFAULT_ARGS
from upkeep.operators.train import TrainModelOperator

WHY = """{% for events in triggering_asset_events.values() %}{% for event in events %}
{{ event.extra["sentence"] }} Decision `{{ event.extra["decision"] }}`.
{% endfor %}{% endfor %}"""

for life in lives(Path(__file__).parent / "config"):
    assets = LifeAssets(life)
    with DAG(
        f"{life.name}_retrain",
        schedule=[assets.retrain],
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
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
        train = TrainModelOperator(task_id="train", life=life)
        gate = ModelGateOperator(task_id="gate", life=life, trained=train.output)
        promote = PromoteModelOperator(task_id="promote", life=life, verdict=gate.output, model=assets.model)
        approve >> train
