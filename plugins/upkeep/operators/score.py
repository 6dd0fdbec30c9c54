"""The operator that scores batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from upkeep.assets import triggering_facts
from upkeep.core.life import Life
from upkeep.links import RecordLink

if TYPE_CHECKING:
    from airflow.sdk import Context


class ScoreBatchOperator(BaseOperator):
    """Score the batches of the triggering event with the champion, exactly once, into the prediction log.

    :param life: the model's life.
    :param predictions: asset whose event carries the batches and their window.
    :param skip_without_champion: skip instead of failing before the first model is promoted.
    """

    operator_extra_links = (RecordLink(),)

    def __init__(self, *, life: Life, predictions: Asset, skip_without_champion: bool = False, **kwargs: Any) -> None:
        super().__init__(outlets=[predictions], **kwargs)
        self.life = life
        self.predictions = predictions
        self.skip_without_champion = skip_without_champion

    def execute(self, context: Context) -> dict[str, Any]:
        from upkeep.lifecycle import Lifecycle

        life, facts = Lifecycle(self.life), triggering_facts(context, "batches")
        if self.skip_without_champion and life.champion() is None:
            raise AirflowSkipException("no model has been promoted yet")
        result = life.score(facts["batches"])
        context["ti"].xcom_push("record", result["record"])
        result |= {"tag": facts.get("tag", ""), "validations": facts.get("validations", [])}
        context["outlet_events"][self.predictions].extra = result
        return result
