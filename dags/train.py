"""The first model: trained once enough data are in, held against an absolute bar, and promoted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import DAG

from upkeep.adapters.life_file import lives
from upkeep.assets import LifeAssets
from upkeep.operators.gate import ModelGateOperator
from upkeep.operators.promote import PromoteModelOperator
from upkeep.operators.retries import DEFAULT_ARGS
from upkeep.operators.train import TrainModelOperator

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
        gate = ModelGateOperator(task_id="gate", life=life, trained=train.output)
        PromoteModelOperator(task_id="promote", life=life, verdict=gate.output, model=assets.model)
