"""A trigger that fires when new files lie in a source."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

CURSOR = "last_seen"


class NewBatchTrigger(BaseEventTrigger):
    """Fire whenever the files of a source have changed and then stayed as they are for one poll.

    As an `AssetWatcher`'s trigger it remembers what it has fired for in the asset's state store, so that a
    restarted triggerer does not fire again; a source that cannot be listed is logged and looked at again, since
    every event would start a run. For a deferred task it fires once: for anything but `known`, or with the error.

    :param source: folder or file below the inbox, or a URL.
    :param poll_s: seconds between two looks.
    :param known: fingerprint that is not news.
    :param trusted: the source was named by the DAG's author, so it may lie anywhere.
    """

    def __init__(self, *, source: str, poll_s: float = 15.0, known: str = "", trusted: bool = False) -> None:
        super().__init__()
        self.trusted = trusted
        self.source = source
        self.poll_s = poll_s
        self.known = known

    def serialize(self) -> tuple[str, dict[str, Any]]:
        kwargs = {"source": self.source, "poll_s": self.poll_s, "known": self.known, "trusted": self.trusted}
        return "upkeep.triggers.batches.NewBatchTrigger", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        from upkeep.errors import UpkeepError

        store = self.asset_state_store
        known = self.known if store is None else await store.aget(CURSOR, default=self.known)
        before = known
        while True:
            try:  # listing blocks, and the triggerer has one event loop for every trigger
                now = await asyncio.to_thread(self._look)
            except UpkeepError as err:
                if store is None:
                    yield TriggerEvent({"error": f"{type(err).__name__}: {err}"})
                    return
                self.log.error("%s: %s", type(err).__name__, err)
                now = ""
            if now and now == before and now != known:
                known = now
                if store is not None:
                    await store.aset(CURSOR, now)
                yield TriggerEvent({"source": self.source, "fingerprint": now})
            before = now
            await asyncio.sleep(self.poll_s)

    def _look(self) -> str:
        from upkeep.adapters.source_watch import fingerprint
        from upkeep.adapters.workspace import Workspace

        trusted = (self.source,) if self.trusted else ()
        return fingerprint(Workspace.from_environment(trusted=trusted), self.source)
