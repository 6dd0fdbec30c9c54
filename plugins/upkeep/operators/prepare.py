"""The operator that computes features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from upkeep.core.life import Life
from upkeep.operators.ingest import refuse

if TYPE_CHECKING:
    from airflow.sdk import Context


class PrepareFeaturesOperator(BaseOperator):
    """Compute the features of clean batches, and log the labels that came with them.

    :param life: the model's life.
    :param batches: ids, as `IngestOperator` returns them. (templated)
    """

    template_fields: Sequence[str] = ("batches",)

    def __init__(self, *, life: Life, batches: Any, **kwargs: Any) -> None:
        super().__init__(multiple_outputs=True, **kwargs)
        self.life = life
        self.batches = batches

    def execute(self, context: Context) -> dict[str, Any]:
        from upkeep.lifecycle import Lifecycle

        result = Lifecycle(self.life).prepare(self.batches)
        if not result["batches"]:
            refuse(result["refused"])
        return result
