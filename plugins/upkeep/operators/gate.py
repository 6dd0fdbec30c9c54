"""The operator that lets a challenger in, or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from upkeep.core.life import Life
from upkeep.errors import GateClosed
from upkeep.links import LabelRequestLink, ModelVersionLink, RecordLink

if TYPE_CHECKING:
    from airflow.sdk import Context


class ModelGateOperator(BaseOperator):
    """Hold a challenger against the champion on rows neither was trained on; fail when the gate stays shut.

    A run evaluates once: its retries get the stored verdict. Where labels are missing, a link leads to the rows to label, and
    clearing the task asks again; `GateLabelsSensor` before it waits for them.

    :param life: the model's life.
    :param trained: what `TrainModelOperator` returned. (templated)
    """

    template_fields: Sequence[str] = ("trained",)
    operator_extra_links = (ModelVersionLink(), RecordLink(), LabelRequestLink())

    def __init__(self, *, life: Life, trained: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.life = life
        self.trained = trained

    def execute(self, context: Context) -> dict[str, Any]:
        from upkeep.lifecycle import Lifecycle

        trained, ti = self.trained, context["ti"]
        ti.xcom_push("model_version", {"model": trained["model"], "version": trained["version"]})
        verdict = Lifecycle(self.life).gate(
            challenger=trained["version"], evaluation_id=trained["training_id"], as_of=trained["as_of"]
        )
        ti.xcom_push("verdict", verdict)
        ti.xcom_push("record", verdict["record"])
        ti.xcom_push("label_request", verdict["request"])
        self.log.info("%s", verdict["sentence"])
        if not verdict["passed"]:
            raise GateClosed(verdict["sentence"])
        return verdict | {"decision": trained["decision"], "run_id": trained["run_id"]}
