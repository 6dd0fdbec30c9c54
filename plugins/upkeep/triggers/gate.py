"""A trigger that fires when the labels that a gate asked for are in, or as many others that may do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent


class GateLabelsTrigger(BaseTrigger):
    """Fire once when every row that the gate asked for has its label, or as many other rows have got one that may do instead.

    Else, fire once with the reason it cannot tell.

    :param life: a life's configuration, as a mapping.
    :param evaluation_id: the evaluation that asked.
    :param deadline: seconds since the epoch when waiting ends; handed back with the event.
    :param poll_s: seconds between two looks.
    """

    def __init__(self, life: dict[str, Any], evaluation_id: str, deadline: float, poll_s: float) -> None:
        super().__init__()
        self.life = life
        self.evaluation_id = evaluation_id
        self.deadline = deadline
        self.poll_s = poll_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        kwargs: dict[str, Any] = {"life": self.life, "evaluation_id": self.evaluation_id}
        return "upkeep.triggers.gate.GateLabelsTrigger", kwargs | {"deadline": self.deadline, "poll_s": self.poll_s}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        from upkeep.errors import UpkeepError

        while True:
            try:  # reading blocks, and the triggerer has one event loop for every trigger
                state = await asyncio.to_thread(self._look)
            except (UpkeepError, OSError) as err:  # its type too: an answer is not tried again
                yield TriggerEvent({"error": f"{type(err).__name__}: {err}", "type": type(err).__name__})
                return
            if state["requested"] <= max(state["labelled"], state["new"]):
                yield TriggerEvent(state | {"deadline": self.deadline})
                return
            self.log.info("%(labelled)d of %(requested)d labels that were asked for are in", state)
            await asyncio.sleep(self.poll_s)

    def _look(self) -> dict[str, Any]:
        from upkeep.core.life import Life
        from upkeep.lifecycle import Lifecycle

        return Lifecycle(Life(**self.life)).requested_labels(evaluation_id=self.evaluation_id)
