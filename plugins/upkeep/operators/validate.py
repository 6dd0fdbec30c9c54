"""The operator that holds data against an expectation suite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from upkeep.core.life import Life
from upkeep.errors import GateClosed
from upkeep.links import ValidationPageLink

if TYPE_CHECKING:
    from airflow.sdk import Context


class ValidateOperator(BaseOperator):
    """Run the suite of a named point; refused rows go to quarantine with their reasons.

    Batches that the suite's severities refuse do not go on, and are named in `refused`. The task fails, and is not
    retried, when none may go on.

    :param life: the model's life.
    :param point: ``raw``, ``clean`` or ``features``.
    :param batches: ids, as `IngestOperator` returns them. (templated)
    """

    template_fields: Sequence[str] = ("batches",)
    operator_extra_links = (ValidationPageLink(),)

    def __init__(self, *, life: Life, point: str, batches: Any, **kwargs: Any) -> None:
        super().__init__(multiple_outputs=True, **kwargs)
        self.life = life
        self.point = point
        self.batches = batches

    def execute(self, context: Context) -> dict[str, Any]:
        from upkeep.lifecycle import Lifecycle

        result = Lifecycle(self.life).validate(self.point, self.batches)
        context["ti"].xcom_push("page", result["page"])
        if not result["batches"]:
            raise GateClosed(result["sentence"])
        self.log.info("%s", result["sentence"])
        return result
