"""Sensors that wait for labels."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, conf

from upkeep.assets import triggering_facts
from upkeep.core.life import Life
from upkeep.errors import BackendError, InputError
from upkeep.triggers.feedback import FeedbackTrigger, enough

if TYPE_CHECKING:
    from airflow.sdk import Context


class FeedbackSensor(BaseSensorOperator):
    """Wait until enough labels are in *for the precision asked*, all, or as good as all that ever come.

    Returns how many there are; `never` says why the precision will not be reached. New label files are taken in at each look.

    The window comes from the event that started the run (`since`, `until`), or from the run's `conf`.

    :param life: the model's life.
    :param precision: half-width of the accuracy's 95 % interval that is wanted, in (0, 1).
    :param deferrable: wait in the triggerer instead of holding a worker slot.
    """

    def __init__(
        self,
        *,
        life: Life,
        precision: float = 0.01,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.life = life
        self.precision = precision
        self.deferrable = deferrable

    def poke(self, context: Context) -> bool:
        state = self._state(context)
        self.log.info("%s", state["sentence"])
        return enough(state, self.precision)

    def _state(self, context: Context) -> dict[str, Any]:
        from upkeep.lifecycle import Lifecycle

        facts = triggering_facts(context, "since", "until")
        return Lifecycle(self.life).feedback_state(since=facts["since"], until=facts["until"], precision=self.precision)

    def execute(self, context: Context) -> Any:
        if not self.deferrable:
            super().execute(context)
            return self._state(context)
        if self.poke(context):
            return self._state(context)
        facts = triggering_facts(context, "since", "until")
        trigger = FeedbackTrigger(
            life=asdict(self.life),
            since=facts["since"],
            until=facts["until"],
            precision=self.precision,
            poll_s=self.poke_interval,
        )
        self.defer(trigger=trigger, method_name="resume", timeout=timedelta(seconds=self.timeout))

    def resume(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Called when the trigger has fired."""
        if "error" in event:
            refused = InputError if event.get("type") == InputError.__name__ else BackendError
            raise refused(f"the labels of {self.life.model} must be readable, but: {event['error']}")
        self.log.info("%d of %d labels are in: %s", event["labelled"], event["predicted"], event.get("sentence", ""))
        return event
