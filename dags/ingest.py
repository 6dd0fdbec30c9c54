"""When new files arrive: take them in, validate them at three points, and version what passed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import DAG, TriggerRule

from upkeep.adapters.life_file import lives
from upkeep.assets import LifeAssets
from upkeep.operators.ingest import IngestOperator, ReportRefusedOperator
from upkeep.operators.prepare import PrepareFeaturesOperator
from upkeep.operators.retries import DEFAULT_ARGS
from upkeep.operators.validate import ValidateOperator
from upkeep.operators.version import VersionDatasetOperator

for life in lives(Path(__file__).parent / "config"):
    assets = LifeAssets(life)
    with DAG(
        f"{life.name}_ingest",
        schedule=[assets.inbox],
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
        params={"source": ""},
        doc_md=__doc__,
        tags=["upkeep", life.name],
    ):
        ingest = IngestOperator(task_id="ingest", life=life, source="{{ params.source }}")
        raw = ValidateOperator(task_id="validate_raw", life=life, point="raw", batches=ingest.output["batches"])
        clean = ValidateOperator(task_id="validate_clean", life=life, point="clean", batches=raw.output["batches"])
        prepare = PrepareFeaturesOperator(task_id="prepare", life=life, batches=clean.output["batches"])
        features = ValidateOperator(
            task_id="validate_features", life=life, point="features", batches=prepare.output["batches"]
        )
        VersionDatasetOperator(task_id="version", life=life, batches=features.output["batches"], dataset=assets.dataset)
        ReportRefusedOperator(
            task_id="report_refused",
            refused=[task.output["refused"] for task in (ingest, raw, clean, prepare, features)],
            trigger_rule=TriggerRule.ALL_DONE,
        )
