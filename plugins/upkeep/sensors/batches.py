"""Sensors that wait for data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, conf

from upkeep.errors import BackendError
from upkeep.triggers.batches import NewBatchTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context


class NewBatchSensor(BaseSensorOperator):
    """Wait until the files of a source differ from those that are known. Returns their fingerprint.

    :param source: folder or file below the inbox, or a URL. (templated)
    :param known: fingerprint that is not news, as this sensor returned it before. (templated)
    :param deferrable: wait in the triggerer instead of holding a worker slot.
    """

    template_fields: Sequence[str] = ("source", "known")

    def __init__(
        self,
        *,
        source: str,
        known: str = "",
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.known = known
        self.deferrable = deferrable

    def _look(self) -> str:
        from upkeep.adapters.source_watch import fingerprint
        from upkeep.adapters.workspace import Workspace

        return fingerprint(Workspace.from_environment(), self.source)

    def poke(self, context: Context) -> bool:
        return self._look() not in ("", self.known)

    def execute(self, context: Context) -> str:
        if self.poke(context):
            return self._look()
        if self.deferrable:
            trigger = NewBatchTrigger(source=self.source, poll_s=self.poke_interval, known=self.known)
            self.defer(trigger=trigger, method_name="resume", timeout=timedelta(seconds=self.timeout))
        super().execute(context)
        return self._look()

    def resume(self, context: Context, event: dict[str, Any]) -> str:
        """Called when the trigger has fired."""
        if "error" in event:
            raise BackendError(f"source {self.source!r} must be listable, but: {event['error']}")
        return str(event["fingerprint"])
