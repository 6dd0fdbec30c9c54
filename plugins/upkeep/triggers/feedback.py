"""A trigger that fires when enough labels are in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

LIVE, LONGEST_S = timedelta(days=7), 900.0


def enough(state: dict[str, Any], precision: float) -> bool:
    """Whether waiting on could not help: the precision is reached, no label is pending, or hardly one will ever come."""
    return bool(state["half_width"] <= precision or (state["predicted"] and not state["pending"]) or state.get("final"))


def pause_s(state: dict[str, Any], poll_s: float, now: datetime) -> float:
    """Seconds until the next look: the precision is not expected before `ready_from`, but labels may come faster.

    So it is at most ten polls or a quarter of an hour, and one poll where the labels' clock is not within a week of the
    wall's: a replayed life, in which an hour may pass in a second.
    """
    if not state.get("ready_from"):
        return poll_s
    newest, ready = (datetime.fromisoformat(state[key]).replace(tzinfo=UTC) for key in ("newest_label", "ready_from"))
    if abs(now - newest) > LIVE:
        return poll_s
    return max(poll_s, min((ready - newest).total_seconds(), 10 * poll_s, LONGEST_S))


class FeedbackTrigger(BaseTrigger):
    """Fire once when waiting for labels has no use any more, or once with the reason it cannot tell.

    :param life: a life's configuration, as a mapping.
    :param since: first day of the window, ISO 8601.
    :param until: end of the window; labels of its predictions count whenever they come.
    :param precision: half-width of the 95 % interval of the accuracy that is wanted.
    :param poll_s: seconds between two looks; longer, but not much, while none can be expected.
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
            except (UpkeepError, OSError) as err:  # its type too: an answer is not tried again
                yield TriggerEvent({"error": f"{type(err).__name__}: {err}", "type": type(err).__name__})
                return
            if enough(state, self.precision):
                yield TriggerEvent(state)
                return
            self.log.info("%s", state["sentence"])
            await asyncio.sleep(pause_s(state, self.poll_s, datetime.now(UTC)))

    def _look(self) -> dict[str, Any]:
        from upkeep.core.life import Life
        from upkeep.lifecycle import Lifecycle

        window = {"since": self.since, "until": self.until}
        return Lifecycle(Life(**self.life)).feedback_state(**window, precision=self.precision)
