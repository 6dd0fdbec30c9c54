"""What a join keeps, and how much memory it may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from upkeep.core.feedback.stream.outcomes import Outcomes
from upkeep.core.profile.stored import are_numbers, damaged, fields
from upkeep.errors import InputError

DAY_S = 86_400
_MOST = 2**31  # rows, slots, seconds: far beyond any use, and products with microseconds fit into 64 bits
_MOST_CELLS = 2**27  # about 2 GB
_SIZES = ("buckets", "capacity", "early", "recent", "slot_s", "slots", "batches")


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
        for name in _SIZES:
            if not 1 <= getattr(self, name) <= _MOST:
                raise InputError(f"{name} of a join must be at least 1 and at most {_MOST}, got {getattr(self, name)}.")
        if self.wait_s is not None and not 1 <= self.wait_s <= _MOST:
            raise InputError(
                f"wait_s of a join must be at least 1 second and at most {_MOST}, or None to wait forever, got {self.wait_s}."
            )
        if (self.slots + 1) * self.buckets * self.outcomes.cells > _MOST_CELLS:
            raise InputError(
                f"a join must have at most {_MOST_CELLS} cells, got {self.slots} slots of {self.buckets} buckets of "
                f"{self.outcomes.cells}. Keep fewer slots, buckets, bins or classes apart."
            )

    @property
    def slot_us(self) -> int:
        """Length of a slot in microseconds, the unit of all times in a join."""
        return self.slot_s * 1_000_000

    def to_json(self) -> dict[str, Any]:
        """Builtins."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> JoinPolicy:
        """Inverse of `to_json`; InputError for a record that cannot be one."""
        held = dict(fields("a stored join policy", record, ["outcomes", "wait_s", "seed", *_SIZES]))
        counted = fields("what a stored join counts", held["outcomes"], ["kind", "classes", "bins", "unit"])
        sizes = [held[name] for name in (*_SIZES, "seed")] + [counted["classes"], counted["bins"]]
        wait_s = held["wait_s"]
        if set(map(type, sizes)) != {int} or not (wait_s is None or type(wait_s) is int):
            raise damaged("sizes and times of a stored join policy must be whole numbers", record)
        if type(counted["kind"]) is not str or not are_numbers([counted["unit"]]):
            raise damaged("a stored join must count a kind of outcomes in a unit", counted)
        try:
            return cls(**held | {"outcomes": Outcomes(**counted)})
        except TypeError as err:
            raise damaged(f"a stored join policy must have the parts of one ({err})", record) from err
