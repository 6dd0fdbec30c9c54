"""Sensors that wait for what a gate needs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator

from upkeep.core.life import Life
from upkeep.errors import BackendError, InputError
from upkeep.links import LabelRequestLink
from upkeep.triggers.gate import GateLabelsTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context


class GateLabelsSensor(BaseSensorOperator):
    """Wait until the rows that a challenger's gate still needs labels of, or others that do as well, have them; else skip.

    The link leads to the rows: where they suffice, those on which the two models disagree. New label files are taken in at each
    look. The gate after a skipped sensor answers with the labels that are there.

    :param life: the model's life; `wait_h` of its `gate` is how many hours to wait (default 24).
    :param trained: what `TrainModelOperator` returned. (templated)
    :param deferrable: wait in the triggerer instead of holding a worker slot.
    """

    template_fields: Sequence[str] = ("trained",)
    operator_extra_links = (LabelRequestLink(),)

    def __init__(self, *, life: Life, trained: Any, deferrable: bool = True, **kwargs: Any) -> None:
        hours = float(life.gate.get("wait_h", 24.0))
        super().__init__(**{"timeout": hours * 3600, "poke_interval": life.poll_s, "soft_fail": True} | kwargs)
        self.life = life
        self.trained = trained
        self.deferrable = deferrable

    def poke(self, context: Context) -> bool:
        return bool(self._look(context)["enough"])

    def _look(self, context: Context) -> dict[str, Any]:
        from upkeep.lifecycle import Lifecycle

        made = self.trained
        about = {"challenger": made["version"], "evaluation_id": made["training_id"], "as_of": made["as_of"]}
        state = Lifecycle(self.life).gate_labels(**about)
        context["ti"].xcom_push("label_request", state["record"])
        self.log.info("%s", state["sentence"])
        return state

    def execute(self, context: Context) -> Any:
        if not self.deferrable:
            super().execute(context)
            return self._look(context)
        return self._wait(context, deadline=time.time() + self.timeout)

    def _wait(self, context: Context, *, deadline: float) -> dict[str, Any]:
        state, ask = self._look(context), self.trained["training_id"]
        if not state["enough"]:
            self.defer(
                trigger=GateLabelsTrigger(asdict(self.life), ask, deadline, self.poke_interval),
                method_name="resume",
                timeout=timedelta(seconds=max(deadline - time.time(), 1.0)),
            )
        return state

    def resume(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Called when the labels that were asked for are in, or as many others; these may not do, and then it waits on."""
        if "error" in event:
            refused = InputError if event.get("type") == InputError.__name__ else BackendError
            raise refused(f"the labels of {self.life.model} must be readable, but: {event['error']}")
        return self._wait(context, deadline=event["deadline"])
