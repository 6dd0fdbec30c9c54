"""The operator that makes a dataset version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator

from upkeep.core.life import Life

if TYPE_CHECKING:
    from airflow.sdk import Context


class VersionDatasetOperator(BaseOperator):
    """Version the batches with DVC, push them, verify the upload, and announce the version.

    :param life: the model's life.
    :param batches: ids, as `IngestOperator` returns them. (templated)
    :param dataset: asset whose event carries tag, revision, digest and validation id.
    :param validation: id of the validation that let the batches pass. (templated)
    """

    template_fields: Sequence[str] = ("batches", "validation")

    def __init__(self, *, life: Life, batches: Any, dataset: Asset, validation: Any = "", **kwargs: Any) -> None:
        super().__init__(outlets=[dataset], **kwargs)
        self.life = life
        self.batches = batches
        self.dataset = dataset
        self.validation = validation

    def execute(self, context: Context) -> dict[str, Any]:
        from upkeep.lifecycle import Lifecycle

        result = Lifecycle(self.life).version(self.batches, self.validation)
        context["outlet_events"][self.dataset].extra = result
        self.log.info("dataset version %s", result["tag"])
        return result
