"""Who is late in the last few slots of a stream."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Table
from upkeep.core.feedback.late.coding import Coding
from upkeep.core.feedback.late.counter import LateCounter
from upkeep.core.feedback.late.evidence import Counts, Evidence, Pair
from upkeep.core.feedback.late.rules import LateRules, report
from upkeep.core.feedback.late.search import promising
from upkeep.core.feedback.late.terms import Terms
from upkeep.core.profile.stored import fields
from upkeep.errors import InputError

FORMAT = 1


class LateWindow:
    """A sliding window: one `LateCounter` per slot of time; what is older than `slots` slots is gone, to the row.

    Parameters
    ----------
    coding : Coding
    slots : int
        Slots that the window spans, the current one included.
    watched : iterable of (int, int)
        Pairs of items within which a third one is counted in the first slot.

    Notes
    -----
    When a slot begins, the pairs that are suspicious by then are watched in it. Rules of three clauses are found once
    every slot with rows in it has watched their pair; until then the pair itself is reported.

    Examples
    --------
    >>> rows = {"zone": np.repeat(np.array(["Bronx", "Kings"], dtype=object), 500)}
    >>> window = LateWindow(Coding.fit(rows), slots=2)
    >>> window.add(range(1000), rows, late=np.arange(1000) < 200)
    >>> window.advance()
    >>> len(window.rules().rules)
    1
    >>> window.advance()
    >>> window.rules().rows
    0.0
    """

    def __init__(self, coding: Coding, *, slots: int, watched: Iterable[Pair] = ()) -> None:
        if slots < 1:
            raise InputError(f"a window must span at least 1 slot, got {slots}.")
        self.coding, self.slots = coding, slots
        self._counters = [LateCounter(coding, watched=watched)]

    def add(self, ids: Sequence[Hashable], table: Table, late: NDArray[np.bool_]) -> None:
        """Predictions whose label is due in the current slot; see `LateCounter.add`."""
        self._counters[-1].add(ids, table, late)

    def labelled(self, ids: Iterable[Hashable]) -> int:
        """Labels have come, of predictions of any slot; see `LateCounter.labelled`."""
        every = list(ids)
        return sum(counter.labelled(every) for counter in self._counters)

    def advance(self, terms: Terms | None = None) -> None:
        """The next slot begins; the oldest leaves if the window is full."""
        held = self.evidence()
        late = float(held.weights.sum())
        near = promising(held, held.late_pairs, late, (terms or Terms()).least_share * late)
        self._counters = [*self._counters, LateCounter(self.coding, watched=near)][-self.slots :]

    def rules(self, terms: Terms | None = None, *, wording: str = "late") -> LateRules:
        """What `who_is_late` says of the rows of all slots."""
        return report(self.evidence(), terms or Terms(), wording)

    def evidence(self) -> Evidence:
        parts = [counter.evidence() for counter in self._counters]

        def within(pair: Pair, items: NDArray[np.intp]) -> Counts | None:
            total = np.zeros(len(items))
            for part in parts:
                counts = part.within(pair, items)
                if counts is not None:
                    total += counts
                elif part.rows:
                    return None
            return total

        return Evidence(
            coding=self.coding,
            rows=sum(part.rows for part in parts),
            pairs=sum((part.pairs for part in parts[1:]), start=parts[0].pairs),
            late=np.concatenate([part.late for part in parts], axis=1),
            late_pairs=sum((part.late_pairs for part in parts[1:]), start=parts[0].late_pairs),
            weights=np.concatenate([part.weights for part in parts]),
            within=within,
        )

    def to_json(self) -> dict[str, Any]:
        return {"format": FORMAT, "slots": self.slots, "counters": [counter.to_json() for counter in self._counters]}

    @classmethod
    def from_json(cls, record: object) -> LateWindow:
        """Inverse of `to_json`; InputError for another format."""
        held = fields("a stored late window", record, ["format", "slots", "counters"])
        counters = [LateCounter.from_json(entry) for entry in held["counters"]]
        if held["format"] != FORMAT or not 1 <= len(counters) <= held["slots"]:
            raise InputError(
                f"a stored late window must have format {FORMAT} and one counter per slot, got format {held['format']!r} "
                f"and {len(counters)} for {held['slots']} slots. Start anew."
            )
        window = cls(counters[0].coding, slots=held["slots"])
        window._counters = counters
        return window
