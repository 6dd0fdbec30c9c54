"""The operator that says which challengers a retrain trains."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from upkeep.assets import triggering_facts
from upkeep.core.life import Life

if TYPE_CHECKING:
    from airflow.sdk import Context


class PlanChallengersOperator(BaseOperator):
    """List the challengers to train, one per recipe of the triggering decision, for tasks to be mapped over.

    A run that a person started may name `recipes` in its `conf`; without, one challenger is trained as the life says.

    :param life: the model's life.
    """

    def __init__(self, *, life: Life, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.life = life

    def execute(self, context: Context) -> list[dict[str, Any]]:
        from upkeep.lifecycle import Lifecycle

        life, facts = Lifecycle(self.life), triggering_facts(context, "until")
        decision = facts.get("decision", "")
        planned = life.plan(
            tag=facts.get("tag") or life.newest_tag(),
            recipes=facts.get("recipes") or [facts.get("recipe") or {}],
            decision=decision,
            training_id=training_id(context, decision),
            as_of=life.known_until(facts["until"]),
        )
        self.log.info("to be trained: %s", ", ".join(one["training_id"] for one in planned))
        return planned


def training_id(context: Context, decision: str) -> str:
    """A decision is trained for once, however often its event is sent; without one, a run is. Also a record's name."""
    ti = context["ti"]
    return decision or re.sub(r"[^A-Za-z0-9._=-]+", "-", f"{ti.dag_id}/{ti.run_id}")
