"""When a dataset version is there: the champion scores its new rows into the prediction log."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import DAG

from upkeep.adapters.life_file import lives
from upkeep.assets import LifeAssets
from upkeep.operators.retries import DEFAULT_ARGS
from upkeep.operators.score import ScoreBatchOperator

for life in lives(Path(__file__).parent / "config"):
    assets = LifeAssets(life)
    with DAG(
        f"{life.name}_score",
        schedule=[assets.dataset],
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
        doc_md=__doc__,
        tags=["upkeep", life.name],
    ):
        ScoreBatchOperator(task_id="score", life=life, predictions=assets.predictions, skip_without_champion=True)
