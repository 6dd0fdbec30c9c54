"""When new files arrive: take them in, validate them at three points, and version what passed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import DAG, chain

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
        batches = ingest.output["batches"]
        raw, clean, features = (
            ValidateOperator(task_id=f"validate_{point}", life=life, point=point, batches=batches)
            for point in ("raw", "clean", "features")
        )
        prepare = PrepareFeaturesOperator(task_id="prepare", life=life, batches=batches)
        version = VersionDatasetOperator(task_id="version", life=life, batches=batches, dataset=assets.dataset)
        ReportRefusedOperator(task_id="refused_files", refused=ingest.output["refused"])
        chain(ingest, raw, clean, prepare, features, version)
