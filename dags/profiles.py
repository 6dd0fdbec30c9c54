"""On demand: profile the features, one mapped task per batch, and add the profiles up."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import DAG

from upkeep.adapters.life_file import lives
from upkeep.operators.profile import ListPartitionsOperator, MergeProfilesOperator, ProfilePartitionOperator
from upkeep.operators.retries import DEFAULT_ARGS

for life in lives(Path(__file__).parent / "config"):
    with DAG(
        f"{life.name}_profile",
        schedule=None,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
        doc_md=__doc__,
        tags=["upkeep", life.name],
    ):
        listed = ListPartitionsOperator(task_id="list", life=life)
        counted = ProfilePartitionOperator.partial(task_id="count", life=life).expand(batch=listed.output)
        MergeProfilesOperator(task_id="merge", life=life, partitions=counted.output)
