"""The first model: trained once enough data are in, held against an absolute bar, and promoted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import DAG, TriggerRule, chain

from upkeep.adapters.life_file import lives
from upkeep.assets import LifeAssets
from upkeep.operators.gate import ModelGateOperator
from upkeep.operators.promote import PromoteModelOperator
from upkeep.operators.retries import DEFAULT_ARGS
from upkeep.operators.train import TrainModelOperator
from upkeep.sensors.gate import GateLabelsSensor

for life in lives(Path(__file__).parent / "config"):
    assets = LifeAssets(life)
    with DAG(
        f"{life.name}_train",
        schedule=[assets.dataset],
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
        doc_md=__doc__,
        tags=["upkeep", life.name],
    ):
        train = TrainModelOperator(task_id="train", life=life, first_only=True)
        labels = GateLabelsSensor(task_id="labels", life=life, trained=train.output)
        # Labels that never come skip the wait, and the gate says what is missing.
        some = TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS
        gate = ModelGateOperator(task_id="gate", life=life, trained=train.output, trigger_rule=some)
        promote = PromoteModelOperator(task_id="promote", life=life, verdict=gate.output, model=assets.model)
        chain(train, labels, gate, promote)
