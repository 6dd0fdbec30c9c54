"""A trigger that fires when enough labels are in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent


def enough(state: dict[str, Any], precision: float) -> bool:
    """Whether waiting on could not help: the precision is reached, or no label is pending."""
    return bool(state["half_width"] <= precision or (state["predicted"] and not state["pending"]))


class FeedbackTrigger(BaseTrigger):
    """Fire once when a window's labels give the precision asked for, or once with the reason it cannot tell.

    :param life: a life's configuration, as a mapping.
    :param since: first day of the window, ISO 8601.
    :param until: end of the window; labels of its predictions count whenever they come.
    :param precision: half-width of the 95 % interval of the accuracy that is wanted.
    :param poll_s: seconds between two looks.
    """

    def __init__(self, *, life: dict[str, Any], since: str, until: str, precision: float, poll_s: float) -> None:
        super().__init__()
        self.life = life
        self.since = since
        self.until = until
        self.precision = precision
        self.poll_s = poll_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        kwargs: dict[str, Any] = {"life": self.life, "since": self.since, "until": self.until}
        kwargs |= {"precision": self.precision, "poll_s": self.poll_s}
        return "upkeep.triggers.feedback.FeedbackTrigger", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        from upkeep.errors import UpkeepError

        while True:
            try:  # reading blocks, and the triggerer has one event loop for every trigger
                state = await asyncio.to_thread(self._look)
            except (UpkeepError, OSError) as err:
                yield TriggerEvent({"error": f"{type(err).__name__}: {err}"})
                return
            if enough(state, self.precision):
                yield TriggerEvent(state)
                return
            await asyncio.sleep(self.poll_s)

    def _look(self) -> dict[str, Any]:
        from upkeep.core.life import Life
        from upkeep.lifecycle import Lifecycle

        return Lifecycle(Life(**self.life)).feedback_state(since=self.since, until=self.until)
