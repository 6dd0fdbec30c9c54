"""The operator that looks at a window of predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from upkeep.assets import triggering_facts
from upkeep.core.life import Life
from upkeep.links import HealthPictureLink

if TYPE_CHECKING:
    from airflow.sdk import Context


class MonitorModelOperator(BaseOperator):
    """Compare a window with the champion's reference: drift, delays, accuracy with its band; all of it is stored.

    The window comes from the event that started the run (`since`, `until`), or from the run's `conf`.

    :param life: the model's life.
    :param early: look before the window's labels are taken in; a later look's report keeps what was estimated then.
    """

    operator_extra_links = (HealthPictureLink(),)

    def __init__(self, *, life: Life, early: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.life = life
        self.early = early

    def execute(self, context: Context) -> dict[str, Any]:
        from upkeep.lifecycle import Lifecycle

        facts = triggering_facts(context, "since", "until")
        report = Lifecycle(self.life).monitor(since=facts["since"], until=facts["until"], early=self.early)
        context["ti"].xcom_push("picture", report["picture"])
        self.log.info("%s", report["sentence"])
        chain = {"tag": facts.get("tag", ""), "validations": facts.get("validations", []), "until": facts["until"]}
        return chain | {key: report[key] for key in ("model", "version", "window", "drifted", "sentence")}
