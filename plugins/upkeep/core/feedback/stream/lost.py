"""Early labels that were dropped: what their predictions are held against when they come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from upkeep.core.feedback.stream.runs import Run, shared, without
from upkeep.core.feedback.stream.waiting import Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The smallest threshold that early labels were dropped at, and the last time that one of them was observed.

    Attributes
    ----------
    weight : int
        One over the threshold; 1 before any was dropped.
    until : int or None
        Microseconds since 1970. A label is observed no earlier than its prediction is made, so a prediction of a later
        time has lost none.

    Notes
    -----
    Let a label be dropped because its hash h was not below 1/w. `weight` is at least w from then on, so its prediction, which has
    the same hash, is not below 1/`weight` and is dropped too, for certain. So the pair counts w* if h lies below 1/w*, the
    weight and threshold that its label would have with hash 0, and nothing otherwise, however often the label is sent: it is
    counted without bias. A prediction without lost label is sampled at a weight that does not depend on its own hash, as always.

    The weight falls back to 1 only once all these labels are too old to wait; until then it may be larger than need be for
    some predictions, which costs precision and no bias.
    """

    weight: int = 1
    until: int | None = None

    def after(self, held: Waiting, come: Run, kept: Waiting, weight: int) -> Lost:
        """With what was dropped when labels came to those held, at a threshold of 1/weight or as not all fitted."""
        if kept.dropped == held.dropped:
            return self
        gone = [without(rows, shared(kept.rows, rows)[1])["observed_at"] for rows in (held.rows, come)]
        return self.merge(Lost(weight=max(weight, kept.weight), until=int(np.concatenate(gone).max())))

    def merge(self, other: Lost) -> Lost:
        """Of both."""
        ends = [end for end in (self.until, other.until) if end is not None]
        return Lost(weight=max(self.weight, other.weight), until=max(ends, default=None))

    def settled(self, before: int) -> Lost:
        """Once labels observed before that time are given up."""
        return Lost() if self.until is not None and self.until < before else self

    def weighed(self, predictions: Run) -> Run:
        """With the weights that predictions must meet as labels of theirs may be among the lost."""
        if self.until is None:
            return predictions
        least = np.where(predictions["predicted_at"] <= self.until, self.weight, 1)
        return predictions | {"weight": np.maximum(predictions["weight"], least)}
