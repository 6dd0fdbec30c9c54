"""Operators that move the champion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator

from upkeep.core.life import Life
from upkeep.links import ModelVersionLink

if TYPE_CHECKING:
    from airflow.sdk import Context


class PromoteModelOperator(BaseOperator):
    """Move the alias `champion` to the version whose gate is open, and announce it.

    :param life: the model's life.
    :param verdict: what `ModelGateOperator` returned. (templated)
    :param model: asset whose event carries version, run, gate and decision.
    """

    template_fields: Sequence[str] = ("verdict",)
    operator_extra_links = (ModelVersionLink(),)

    def __init__(self, *, life: Life, verdict: Any, model: Asset, **kwargs: Any) -> None:
        super().__init__(outlets=[model], **kwargs)
        self.life = life
        self.verdict = verdict
        self.model = model

    def execute(self, context: Context) -> dict[str, Any]:
        from upkeep.lifecycle import Lifecycle

        verdict = self.verdict
        result = Lifecycle(self.life).promote(version=verdict["version"], evaluation_id=verdict["evaluation_id"])
        context["ti"].xcom_push("model_version", {"model": self.life.model, "version": verdict["version"]})
        result |= {"run_id": verdict["run_id"], "decision": verdict["decision"]}
        context["outlet_events"][self.model].extra = result
        return result


class PromoteBestOperator(PromoteModelOperator):
    """Promote the most accurate version of those whose gate is open.

    :param verdict: what the mapped `ModelGateOperator` returned, a sequence. (templated)
    """

    def execute(self, context: Context) -> dict[str, Any]:
        from upkeep.stages.outcome import best_passed

        self.verdict = best_passed(list(self.verdict))
        return super().execute(context)


class RollbackModelOperator(BaseOperator):
    """Move the alias `champion` back to the version before.

    :param life: the model's life.
    """

    def __init__(self, *, life: Life, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.life = life

    def execute(self, context: Context) -> dict[str, Any]:
        from upkeep.lifecycle import Lifecycle

        return Lifecycle(self.life).rollback()
