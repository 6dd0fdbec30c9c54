"""Links from a task to what it made. They are computed in the worker, also for a task that has failed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperatorLink, conf

from upkeep.core.addresses import without_credentials

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator


class _ReportLink(BaseOperatorLink):
    """A page of the workspace's reports, served by the plugin behind Airflow's login."""

    pushed: ClassVar[str] = ""

    @property
    def name(self) -> str:
        raise NotImplementedError

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        page = ti_key.xcom_pull(task_ids=ti_key.task_id, key=self.pushed)
        base = conf.get("api", "base_url", fallback="/").rstrip("/")
        return f"{base}/upkeep/reports/{page}" if page else ""


class ValidationPageLink(_ReportLink):
    """The page of a validation."""

    pushed: ClassVar[str] = "page"

    @property
    def name(self) -> str:
        return "Validation page"


class HealthPictureLink(_ReportLink):
    """The picture of a window's health."""

    pushed: ClassVar[str] = "picture"

    @property
    def name(self) -> str:
        return "Model health"


class RecordLink(_ReportLink):
    """What a task made, as a record: files taken in, dataset version, gate verdict, scores, decision."""

    pushed: ClassVar[str] = "record"

    @property
    def name(self) -> str:
        return "Record"


class LabelRequestLink(_ReportLink):
    """The rows that a gate wants labelled, as a table."""

    pushed: ClassVar[str] = "label_request"

    @property
    def name(self) -> str:
        return "Rows to label"


class ModelVersionLink(BaseOperatorLink):
    """A model version in MLflow's pages, whose address is `UPKEEP_MLFLOW_URL` or the tracking server's."""

    @property
    def name(self) -> str:
        return "MLflow model version"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        made = ti_key.xcom_pull(task_ids=ti_key.task_id, key="model_version")
        address = os.environ.get("UPKEEP_MLFLOW_URL") or os.environ.get("MLFLOW_TRACKING_URI", "")
        if not made or not address.startswith("http"):
            return ""
        address = without_credentials(address).rstrip("/")
        return f"{address}/#/models/{made['model']}/versions/{made['version']}"
