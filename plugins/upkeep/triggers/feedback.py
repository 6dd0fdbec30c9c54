"""A trigger that fires when enough labels are in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent


class FeedbackTrigger(BaseTrigger):
    """Fire once when a window's labels give the precision asked for, or once with the reason it cannot tell.

    :param life: a life's configuration, as a mapping.
    :param since: first day of the window, ISO 8601.
    :param as_of: end of the window; labels observed later do not count.
    :param precision: half-width of the 95 % interval of the accuracy that is wanted.
    :param poll_s: seconds between two looks.
    """

    def __init__(self, *, life: dict[str, Any], since: str, as_of: str, precision: float, poll_s: float) -> None:
        super().__init__()
        self.life = life
        self.since = since
        self.as_of = as_of
        self.precision = precision
        self.poll_s = poll_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        kwargs: dict[str, Any] = {"life": self.life, "since": self.since, "as_of": self.as_of}
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
            if state["half_width"] <= self.precision:
                yield TriggerEvent(state)
                return
            await asyncio.sleep(self.poll_s)

    def _look(self) -> dict[str, Any]:
        from upkeep.core.life import Life
        from upkeep.lifecycle import Lifecycle

        return Lifecycle(Life(**self.life)).feedback_state(since=self.since, as_of=self.as_of)
