"""When predictions are there: estimate at once, wait for labels, look again, and decide whether a retrain is due."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import DAG, TriggerRule, chain

from upkeep.adapters.life_file import lives
from upkeep.assets import LifeAssets
from upkeep.operators.ingest import ReportRefusedOperator
from upkeep.operators.labels import LoadFeedbackOperator
from upkeep.operators.monitor import MonitorModelOperator
from upkeep.operators.retries import DEFAULT_ARGS
from upkeep.operators.suggest import SuggestRetrainOperator
from upkeep.sensors.feedback import FeedbackSensor

for life in lives(Path(__file__).parent / "config"):
    assets = LifeAssets(life)
    with DAG(
        f"{life.name}_monitor",
        schedule=[assets.predictions],
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
        doc_md=__doc__,
        tags=["upkeep", life.name],
    ):
        estimate = MonitorModelOperator(task_id="estimate", life=life, early=True)
        labels = LoadFeedbackOperator(task_id="labels", life=life)
        enough = FeedbackSensor(
            task_id="wait_for_labels",
            life=life,
            precision=life.feedback_precision,
            timeout=life.feedback_wait_h * 3600,
            poke_interval=life.poll_s,
            deferrable=True,
            soft_fail=True,
        )
        # Labels that cannot be read, or never come, must not hide what can be seen without them.
        monitor = MonitorModelOperator(task_id="monitor", life=life, trigger_rule=TriggerRule.ALL_DONE)
        suggest = SuggestRetrainOperator(
            task_id="suggest",
            life=life,
            monitored=monitor.output,
            model=assets.model,
            retrain=assets.retrain,
            alias=assets.retrain_alias,
        )
        report = ReportRefusedOperator(
            task_id="report_refused", refused=[labels.output["refused"]], trigger_rule=TriggerRule.ALL_DONE
        )
        chain(estimate, labels, enough, monitor, suggest, report)
