"""The operator that writes back what became of a decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from upkeep.assets import triggering_facts
from upkeep.core.life import Life
from upkeep.errors import GateClosed, InputError
from upkeep.links import RecordLink

if TYPE_CHECKING:
    from airflow.sdk import Context


class RecordOutcomeOperator(BaseOperator):
    """Write to the decision which recipes were tried and what came of them; fail when no challenger was promoted.

    To be the last task of a DAG, with trigger rule `all_done`: it looks at what is stored, whatever became of the tasks
    before. A retrain that nobody approved is an outcome too, and no failure.

    :param life: the model's life.
    :param planned: what `PlanChallengersOperator` returned; None if it returned nothing. (templated)
    :param asked: id of the approval task, which returns something only if somebody said yes.
    """

    template_fields: Sequence[str] = ("planned",)
    operator_extra_links = (RecordLink(),)

    def __init__(self, *, life: Life, planned: Any, asked: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.life = life
        self.planned = planned
        self.asked = asked

    def execute(self, context: Context) -> dict[str, Any]:
        from upkeep.lifecycle import Lifecycle

        decision, planned = triggering_facts(context).get("decision", ""), list(self.planned or [])
        if not planned and context["ti"].xcom_pull(task_ids=self.asked, key="return_value"):
            raise InputError(
                "an approved retrain must have a plan to have an outcome, but none was made. Clear its task."
            )
        outcome = Lifecycle(self.life).outcome(decision=decision, planned=planned)
        context["ti"].xcom_push("record", outcome.get("record", ""))
        trained = [one["training_id"] for one in planned]  # an earlier run's promotion is none of this one
        if planned and not any(one["promoted"] for one in outcome["challengers"] if one["training_id"] in trained):
            raise GateClosed(outcome["sentence"])
        self.log.info("%s", outcome["sentence"])
        return outcome
