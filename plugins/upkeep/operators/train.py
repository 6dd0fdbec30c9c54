"""Operators that train a challenger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.bases.decorator import DecoratedOperator, TaskDecorator, task_decorator_factory
from airflow.sdk.exceptions import AirflowSkipException

from upkeep.assets import triggering_facts
from upkeep.core.life import Life
from upkeep.links import ModelVersionLink
from upkeep.operators.challengers import training_id

if TYPE_CHECKING:
    from airflow.sdk import Context


class TrainModelOperator(BaseOperator):
    """Train, check, log and register a challenger from the dataset version that the triggering event names.

    :param life: the model's life.
    :param first_only: train only while there is no champion yet and enough batches are in; else skip.
    :param planned: one of what `PlanChallengersOperator` returned, to be mapped over. (templated)
    """

    template_fields: Sequence[str] = ("planned",)
    operator_extra_links = (ModelVersionLink(),)

    def __init__(self, *, life: Life, first_only: bool = False, planned: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.life = life
        self.first_only = first_only
        self.planned = planned

    def execute(self, context: Context) -> dict[str, Any]:
        return self.train(context, params=None)

    def train(self, context: Context, *, params: dict[str, Any] | None) -> dict[str, Any]:
        """Train with the life's parameters, overridden by `params`."""
        from upkeep.lifecycle import Lifecycle

        life, run_id = Lifecycle(self.life), f"{context['ti'].dag_id}/{context['ti'].run_id}"
        if self.first_only and life.champion():
            raise AirflowSkipException("there is a champion; the next training is the retrain DAG's")
        if self.first_only and not life.enough_for_first_model():
            raise AirflowSkipException(f"the first training waits for {self.life.training['first_batches']} batches")
        facts = triggering_facts(context, "until")
        decision = facts.get("decision", "")
        asked: dict[str, Any] = {"recipe": facts.get("recipe") or {}, "training_id": training_id(context, decision)}
        asked |= self.planned or {"as_of": life.known_until(facts["until"])}
        made = life.train(
            **asked,
            tag=facts.get("tag") or life.newest_tag(),
            tags={"airflow.run_id": run_id, "upkeep.decision": decision},
            params=params,
        )
        context["ti"].xcom_push("model_version", {"model": made["model"], "version": made["version"]})
        return made | {"as_of": asked["as_of"], "decision": decision}


class _DecoratedTrainOperator(DecoratedOperator, TrainModelOperator):
    """Trains with the parameters that the decorated function returns."""

    custom_operator_name = "@task.upkeep_train"
    template_fields: Sequence[str] = ("op_args", "op_kwargs")

    def execute(self, context: Context) -> dict[str, Any]:
        chosen = self.python_callable(*self.op_args, **self.determine_kwargs(context))
        return self.train(context, params=chosen)


def upkeep_train(python_callable: Callable[..., dict[str, Any]] | None = None, **kwargs: Any) -> TaskDecorator:
    """``@task.upkeep_train(life=...)``: the function returns the parameters of the model's factory."""
    return task_decorator_factory(
        python_callable=python_callable, decorated_operator_class=_DecoratedTrainOperator, **kwargs
    )
