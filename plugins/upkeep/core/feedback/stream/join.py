"""Predictions and their labels, two streams in any order, joined in bounded memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from upkeep.core.columns import select
from upkeep.core.feedback.stream.estimate import Estimate
from upkeep.core.feedback.stream.keys import Keys, id_keys
from upkeep.core.feedback.stream.matching import Memory, latest, step
from upkeep.core.feedback.stream.policy import JoinPolicy
from upkeep.core.feedback.stream.reading import LABEL_COLUMNS, Log, prediction_columns, read_feedback, read_predictions
from upkeep.core.feedback.stream.records import (
    array_from_json,
    array_to_json,
    is_time,
    memory_from_json,
    memory_to_json,
)
from upkeep.core.feedback.stream.runs import empty_run, shared
from upkeep.core.feedback.stream.tallies import Tallies
from upkeep.core.feedback.stream.totals import Totals
from upkeep.core.feedback.stream.waiting import Waiting
from upkeep.core.profile.stored import damaged, fields
from upkeep.errors import InputError

FORMAT = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeedbackJoin:
    """A join that forgets rows and keeps what they add up to.

    Attributes
    ----------
    policy : JoinPolicy
    memory : Memory
    clock_us : int or None
        Latest time seen in either stream.
    batches : ndarray of uint64
        Hashes of the batches taken in, oldest first.

    Notes
    -----
    Ids name predictions. A pair leaves the memory of those that wait, is counted in its bucket and time slot, and stays as
    a row only while it is among the latest outcomes. Until then a label that comes again corrects it if it was observed
    no earlier, as in `upkeep.core.feedback.join.join_labels`. Afterwards the label finds no prediction and changes nothing;
    a *prediction* that comes again under another batch id so late, or after it was dropped, is taken for a new one.

    A label is taken to be observed no earlier than its prediction was made; of a label that was, and was dropped early, the
    pair may count twice if it is sent again.

    While nothing that counts had to be dropped (`exact`), every total is that of the exact join of all rows, however they were
    ordered, cut into batches or split between joins. From then on totals are Horvitz-Thompson estimates: see `Waiting` and
    `Lost` for why they are unbiased, and `Totals` for their standard errors.

    It is a value: `update` gives a new one, so that a failure in the middle of a batch leaves the old one whole.

    Examples
    --------
    >>> day = np.datetime64("2024-01-01", "us")
    >>> made = {"prediction_id": np.array([1, 2, 3]), "predicted_at": np.full(3, day),
    ...         "score": np.array([0.9, 0.2, 0.7]), "prediction": np.array([1, 0, 1])}
    >>> came = {"prediction_id": np.array([3, 1]), "observed_at": np.full(2, day + 1), "label": np.array([0, 1])}
    >>> join = FeedbackJoin.empty(JoinPolicy()).update("labels", feedback=came).update("predictions", predictions=made)
    >>> join.totals().metrics()["accuracy"].value, join.pending.value
    (0.5, 1.0)
    """

    policy: JoinPolicy
    memory: Memory
    clock_us: int | None = None
    batches: Keys = field(repr=False)

    @classmethod
    def empty(cls, policy: JoinPolicy) -> FeedbackJoin:
        """Nothing came yet."""
        columns = prediction_columns(policy)
        memory = Memory(
            pending=Waiting.empty(policy.capacity, columns),
            early=Waiting.empty(policy.early, LABEL_COLUMNS),
            recent=empty_run({**columns, **LABEL_COLUMNS, "weight": np.int64}),
            tallies=Tallies.empty(policy.outcomes, slots=policy.slots, buckets=policy.buckets),
        )
        return cls(policy=policy, memory=memory, batches=np.empty(0, dtype=np.uint64))

    def update(self, batch: str, *, predictions: Log | None = None, feedback: Log | None = None) -> FeedbackJoin:
        """With a batch of either stream, or of both.

        Parameters
        ----------
        batch : str
            What the batch is called. One that was taken in before changes nothing.
        predictions : mapping of str to ndarray, each shape (n,), optional
            `prediction_id` (whole numbers or texts), `predicted_at` (datetime64), `prediction`, for a binary model `score`,
            and `bucket` (0 for all if left out). Of an id that comes twice, the first row counts.
        feedback : mapping of str to ndarray, each shape (l,), optional
            `prediction_id`, `observed_at` and `label`; a row without label is left out.

        Raises
        ------
        InputError
            If a column is absent, or a value cannot be what its column says; nothing of the batch is taken in then.
        """
        if self.knows(batch):
            return self
        arrived, answers = read_predictions(self.policy, predictions), read_feedback(self.policy, feedback)
        memory = step(self.policy, self.memory, arrived, answers, fresh=True)
        seen = [
            run[name].max() for run, name in ((arrived, "predicted_at"), (answers, "observed_at")) if len(run[name])
        ]
        clock = max([int(time) for time in seen] + ([] if self.clock_us is None else [self.clock_us]), default=None)
        known = np.append(self.batches, _batch_key(batch))[-self.policy.batches :]
        return self._with(memory, clock, known)

    def knows(self, batch: str) -> bool:
        """Whether a batch was taken in, as far back as the policy remembers."""
        return bool((self.batches == _batch_key(batch)).any())

    def merge(self, other: FeedbackJoin) -> FeedbackJoin:
        """The join of both parts' streams, such as the ids of one half of all hashes and those of the other.

        Raises
        ------
        InputError
            If the policies differ, or both have matched the same prediction.
        """
        if self.policy != other.policy:
            raise InputError("joins must share one policy to be merged. Make both with the same one.")
        if len(shared(self.memory.recent, other.memory.recent)[0]):
            raise InputError(
                "joins that are merged must have different pairs, but one was counted in both. Split by id."
            )
        clocks = [clock for clock in (self.clock_us, other.clock_us) if clock is not None]
        known = np.append(self.batches, other.batches[~np.isin(other.batches, self.batches)])[-self.policy.batches :]
        return self._with(self.memory.merge(other.memory, self.policy), max(clocks, default=None), known)

    def _with(self, memory: Memory, clock_us: int | None, batches: Keys) -> FeedbackJoin:
        wait_s = self.policy.wait_s
        before = None if wait_s is None or clock_us is None else clock_us - wait_s * 1_000_000
        return replace(self, memory=memory.settled(before), clock_us=clock_us, batches=batches)

    @property
    def exact(self) -> bool:
        """Whether no row that counts was ever dropped for lack of room, so that totals are those of the exact join."""
        return self.memory.exact

    @property
    def pending(self) -> Estimate:
        """Predictions that wait for a label, those that were dropped among them."""
        weight = self.memory.pending.rows["weight"].astype(np.float64)
        return Estimate(value=float(weight.sum()), error=float(np.sqrt((weight * (weight - 1)).sum())))

    def predicted(self, *, bucket: int | None = None, slots: int | None = None) -> int:
        """Predictions that came: a count, not an estimate."""
        rows, buckets = self._chosen(bucket, slots)
        return int(self.memory.tallies.predicted[rows, buckets].sum())

    def totals(self, *, bucket: int | None = None, slots: int | None = None, outcomes: int | None = None) -> Totals:
        """Sums over the pairs of all time; of the latest time slots; or of the latest outcomes, by `observed_at`.

        Parameters
        ----------
        bucket : int, optional
            One bucket alone.
        slots : int, optional
            Number of slots of `predicted_at`, the one of the latest prediction among them.
        outcomes : int, optional
            Number of pairs, at most `policy.recent`; those of a bucket are taken from the `policy.recent` latest of all.
        """
        if outcomes is None:
            return Totals.of(self.policy.outcomes, self.memory.tallies, *self._chosen(bucket, slots))
        if slots is not None or not 1 <= outcomes <= self.policy.recent:
            raise InputError(
                f"outcomes must lie in [1, {self.policy.recent}] and stand without slots, got {outcomes} and slots={slots}."
            )
        self._chosen(bucket, slots)
        pairs = self.memory.recent
        kept = pairs if bucket is None else select(pairs, pairs["bucket"] == bucket)
        return Totals.of_pairs(self.policy.outcomes, latest(kept, outcomes))

    def fold(self, bucket: int, *, into: int) -> FeedbackJoin:
        """With all that is known of one bucket counted in another, so that its number can be given to a new one."""
        self._chosen(bucket, None)
        self._chosen(into, None)
        return self if bucket == into else replace(self, memory=self.memory.folded(bucket, into))

    def _chosen(self, bucket: int | None, slots: int | None) -> tuple[slice, slice]:
        if bucket is not None and not 0 <= bucket < self.policy.buckets:
            raise InputError(f"bucket must lie in [0, {self.policy.buckets}), got {bucket}.")
        if slots is not None and not 1 <= slots <= self.policy.slots:
            raise InputError(f"slots must lie in [1, {self.policy.slots}], got {slots}.")
        rows = slice(None) if slots is None else slice(self.policy.slots + 1 - slots, None)
        return rows, slice(None) if bucket is None else slice(bucket, bucket + 1)

    def to_json(self) -> dict[str, Any]:
        """Finite builtins; arrays as base64 of compressed little-endian bytes."""
        return {
            "format": FORMAT,
            "policy": self.policy.to_json(),
            "clock_us": self.clock_us,
            "batches": array_to_json(self.batches),
            "memory": memory_to_json(self.memory),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> FeedbackJoin:
        """Inverse of `to_json`, to the bit; InputError for another format or a damaged record."""
        held = fields("a stored join", record, ["format", "policy", "clock_us", "batches", "memory"])
        if held["format"] != FORMAT:
            raise InputError(f"a stored join must have format {FORMAT}, got {held['format']!r}. Build it again.")
        clock = held["clock_us"]
        if not is_time(clock):
            raise damaged("clock_us of a stored join must be microseconds since 1970 or null", clock)
        policy = JoinPolicy.from_json(held["policy"])
        empty = cls.empty(policy)
        batches = array_from_json("batches", held["batches"], np.dtype(np.uint64), (None,), most=policy.batches)
        memory = memory_from_json(held["memory"], policy, empty.memory)
        return replace(empty, memory=memory, clock_us=clock, batches=batches)


def _batch_key(batch: str) -> np.uint64:
    key: np.uint64 = id_keys(np.array([batch], dtype=object))[0]
    return key
