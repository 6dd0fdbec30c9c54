"""The operator that decides whether a retrain is due."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias, BaseOperator

from upkeep.core.life import Life
from upkeep.links import RecordLink

if TYPE_CHECKING:
    from airflow.sdk import Context

STATE = "decision_state"


class SuggestRetrainOperator(BaseOperator):
    """Decide about a window, store why and why not, and emit the retrain asset only when a retrain is due.

    Streak and cooldown are kept in the model asset's state store.

    :param life: the model's life.
    :param monitored: what `MonitorModelOperator` returned. (templated)
    :param model: asset that holds the decision state.
    :param retrain: asset that the retrain DAG is scheduled on.
    :param alias: outlet through which `retrain` is emitted, or not.
    """

    template_fields: Sequence[str] = ("monitored",)
    operator_extra_links = (RecordLink(),)

    def __init__(
        self, *, life: Life, monitored: Any, model: Asset, retrain: Asset, alias: AssetAlias, **kwargs: Any
    ) -> None:
        super().__init__(inlets=[model], outlets=[alias], **kwargs)
        self.life = life
        self.monitored = monitored
        self.model = model
        self.retrain = retrain
        self.alias = alias

    def execute(self, context: Context) -> dict[str, Any]:
        from upkeep.lifecycle import Lifecycle

        store = context["asset_state_store"][self.model]
        state: Any = store.get(STATE, default={})
        decision, new_state = Lifecycle(self.life).suggest(window=self.monitored["window"], state=state)
        store.set(STATE, new_state)
        context["ti"].xcom_push("record", decision["record"])
        self.log.info("%s", decision["sentence"])
        if decision["due"]:
            chain = {key: self.monitored[key] for key in ("tag", "validations", "until")}
            facts = {key: decision[key] for key in ("action", "cause", "recipes", "evidence", "sentence")}
            extra = chain | facts | {"decision": decision["id"]}
            context["outlet_events"][self.alias].add(self.retrain, extra=extra)
        return decision
