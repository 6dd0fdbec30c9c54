"""What a join keeps, and how much memory it may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from upkeep.core.feedback.stream.outcomes import Outcomes
from upkeep.core.profile.stored import damaged, fields
from upkeep.errors import InputError

DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinPolicy:
    """Sizes and times of a `FeedbackJoin`; two joins can be merged if they share it.

    Attributes
    ----------
    outcomes : Outcomes
        What is predicted, and how it is counted.
    buckets : int
        Subpopulations, which predictions name by a number from 0.
    capacity : int
        Most predictions that wait for a label. About 50 bytes each.
    early : int
        Most labels that wait for their prediction. They are few in most streams, but a label that no prediction will ever come
        for waits here too: one that was sent again long after the first, or one of another model.
    recent : int
        How many of the latest outcomes are kept as rows: for metrics of the last k, and to correct a label that is sent again.
    slot_s, slots : int
        Length of a time slot in seconds, and how many of the latest slots are kept apart.
    wait_s : int or None
        A prediction without label, or a label without prediction, is given up once anything that much later was seen in either
        stream; so one row from a clock that runs far ahead gives up all others. None waits forever; then predictions that never
        get a label fill the memory, and the sample of all others gets smaller and smaller.
    batches : int
        How many of the latest batches are remembered, 8 bytes each. A batch that comes again is taken for a new one if so many
        others came between.
    seed : int
        What the sample depends on besides the ids.
    """

    outcomes: Outcomes = field(default_factory=Outcomes)
    buckets: int = 1
    capacity: int = 1_000_000
    early: int = 100_000
    recent: int = 10_000
    slot_s: int = DAY_S
    slots: int = 32
    wait_s: int | None = None
    batches: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("buckets", "capacity", "early", "recent", "slot_s", "slots", "batches"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} of a join must be at least 1, got {getattr(self, name)}.")
        if self.wait_s is not None and self.wait_s < 1:
            raise InputError(f"wait_s of a join must be at least 1 second, or None to wait forever, got {self.wait_s}.")

    @property
    def slot_us(self) -> int:
        """Length of a slot in microseconds, the unit of all times in a join."""
        return self.slot_s * 1_000_000

    def to_json(self) -> dict[str, Any]:
        """Builtins."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> JoinPolicy:
        """Inverse of `to_json`."""
        held = dict(fields("a stored join policy", record, ["outcomes"]))
        try:
            return cls(**held | {"outcomes": Outcomes(**held["outcomes"])})
        except TypeError as err:
            raise damaged(f"a stored join policy must have the parts of one ({err})", record) from err
