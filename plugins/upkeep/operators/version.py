"""The operator that makes a dataset version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator

from upkeep.core.life import Life
from upkeep.links import RecordLink

if TYPE_CHECKING:
    from airflow.sdk import Context


class VersionDatasetOperator(BaseOperator):
    """Version the batches with DVC, push them, verify the upload, and announce the version.

    :param life: the model's life.
    :param batches: ids, as `IngestOperator` returns them. (templated)
    :param dataset: asset whose event carries tag, revision, digest and validation id.
    """

    template_fields: Sequence[str] = ("batches",)
    operator_extra_links = (RecordLink(),)

    def __init__(self, *, life: Life, batches: Any, dataset: Asset, **kwargs: Any) -> None:
        super().__init__(outlets=[dataset], **kwargs)
        self.life = life
        self.batches = batches
        self.dataset = dataset

    def execute(self, context: Context) -> dict[str, Any]:
        from upkeep.lifecycle import Lifecycle

        result = Lifecycle(self.life).version(self.batches)
        context["ti"].xcom_push("record", result["record"])
        context["outlet_events"][self.dataset].extra = result
        self.log.info("dataset version %s", result["tag"])
        return result
