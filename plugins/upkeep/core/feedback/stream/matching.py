"""One step of the join: rows of both streams that come together meet each other and those that wait."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, concatenate, select
from upkeep.core.feedback.stream.lost import Lost
from upkeep.core.feedback.stream.policy import JoinPolicy
from upkeep.core.feedback.stream.runs import Run, arranged, shared, united, without
from upkeep.core.feedback.stream.tallies import Tallies
from upkeep.core.feedback.stream.waiting import Waiting

Positions = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Memory:
    """What a join holds of its streams.

    Attributes
    ----------
    pending, early : Waiting
        Predictions without label, and labels without prediction.
    recent : Run
        The pairs of the latest outcomes, already in `tallies`.
    tallies : Tallies
    expired : int
        Estimated number of predictions that were given up without label.
    lost : Lost
        What early labels had to make room, whose predictions may still come.
    """

    pending: Waiting
    early: Waiting
    recent: Run = field(repr=False)
    tallies: Tallies
    expired: int = 0
    lost: Lost = field(default_factory=Lost)

    @property
    def exact(self) -> bool:
        """Whether each pair and each prediction that waits counts 1, and no prediction was dropped.

        Labels that were dropped do no harm as long as no prediction came that they may belong to.
        """
        sampled = bool((self.pending.rows["weight"] > 1).any() or self.tallies.cell_spread.any())
        return not self.pending.dropped and not sampled

    def merge(self, other: Memory, policy: JoinPolicy) -> Memory:
        """The memory of both streams; a prediction in the one meets its label in the other."""
        memory = Memory(
            pending=_emptied(self.pending, other.pending),
            early=_emptied(self.early, other.early),
            recent=latest(united(self.recent, other.recent), policy.recent),
            tallies=self.tallies.merge(other.tallies),
            expired=self.expired + other.expired,
            lost=self.lost.merge(other.lost),
        )
        for part in (self, other):
            memory = step(policy, memory, part.pending.rows, part.early.rows, fresh=False)
        # the one part may have lost labels of what waits in the other
        return replace(memory, pending=_emptied(memory.pending).add(memory.lost.weighed(memory.pending.rows), 1))

    def folded(self, bucket: int, into: int) -> Memory:
        """With the rows and sums of one bucket in another."""
        waiting, recent = self.pending.rows, self.recent
        waiting, recent = (rows | {"bucket": _renamed(rows["bucket"], bucket, into)} for rows in (waiting, recent))
        pending = replace(self.pending, rows=waiting)
        return replace(self, pending=pending, recent=recent, tallies=self.tallies.folded(bucket, into))

    def settled(self, before: int | None) -> Memory:
        """Rows of a time before are given up, and thresholds for later ones rise to what there is room for."""
        pending, early, expired, lost = self.pending, self.early, 0, self.lost
        if before is not None:
            lost = lost.settled(before)
            pending, expired = pending.expired("predicted_at", before)
            early, _ = early.expired("observed_at", before)
        expired += self.expired
        return replace(self, pending=pending.relaxed(), early=early.relaxed(), expired=expired, lost=lost)


def step(policy: JoinPolicy, memory: Memory, arrived: Run, answers: Run, *, fresh: bool) -> Memory:
    """The memory after predictions and labels came.

    Rows are `fresh` if they come out of the logs now. Those that another join held have been sampled and counted before.

    A pair was kept if both halves were: under the smaller of their thresholds, as both have one hash. Two halves that come
    together need no memory, so their weight is 1 whatever the threshold.

    A prediction that comes after its label was dropped must not wait: labels that were kept stand for that pair, so a label that
    is sent again would count it twice. Nobody remembers what was dropped, but the hash that the label did not pass is the
    prediction's own: it is held against the threshold that labels were lost to, see `Lost`.
    """
    _, twice = shared(memory.recent, arrived)
    arrived = without(arrived, twice)
    tallies, recent, answers = _corrected(policy, memory, answers)
    admit = memory.pending.weight if fresh else 1
    here, there = shared(memory.pending.rows, arrived)
    if fresh:
        new = without({name: arrived[name] for name in ("key", "predicted_at", "bucket")}, there)
        tallies = tallies.arrived(new["predicted_at"] // policy.slot_us, new["bucket"])
    one, other = shared(arrived, answers)
    pairs = _paired(arrived, one, answers, other)
    early, pairs = _refreshed(memory.early, pairs)
    pending = memory.pending.take(shared(memory.pending.rows, pairs)[0]) if len(here) else memory.pending
    arrived, answers = without(arrived, one), without(answers, other)

    pending, _, there = pending.again(memory.lost.weighed(arrived), admit)
    arrived = without(arrived, there)
    early, answers = _repeated(early, answers, max(admit, early.weight) if fresh else 1)

    here, there = shared(pending.rows, answers)
    waited = _paired(pending.rows, here, answers, there)
    pending, answers = pending.take(here), without(answers, there)
    here, there = shared(early.rows, arrived)
    pairs = concatenate([pairs, waited, _paired(arrived, there, early.rows, here)])
    early, arrived = early.take(here), without(arrived, there)

    pending = pending.add(memory.lost.weighed(arrived), admit)
    # a label whose prediction would not be kept now most likely belongs to one that was dropped: the same hash tells
    held, least = early, max(pending.weight, early.weight) if fresh else 1
    early = held.add(answers, least)
    return Memory(
        pending=pending,
        early=early,
        recent=latest(united(recent, arranged(latest(pairs, policy.recent))), policy.recent),
        tallies=tallies.add(policy.outcomes, pairs["predicted_at"] // policy.slot_us, pairs),
        expired=memory.expired,
        lost=memory.lost.after(held, answers, early, least),
    )


def latest(pairs: Columns, most: int) -> Columns:
    """The pairs of the last outcomes by time, and by key where times are equal; in the order that they are in."""
    beyond = len(pairs["key"]) - most
    if beyond <= 0:
        return pairs
    when = pairs["observed_at"]
    oldest = np.partition(when, beyond)[beyond]
    kept, tied = when > oldest, np.flatnonzero(when == oldest)
    tied = tied[np.argsort(pairs["key"][tied])]
    kept[tied[int(kept.sum()) - most :]] = True
    return select(pairs, np.flatnonzero(kept))


def _emptied(one: Waiting, other: Waiting | None = None) -> Waiting:
    """With the threshold and the count of dropped rows of both, and none of their rows."""
    rows = {name: values[:0] for name, values in one.rows.items()}
    if other is None:
        return replace(one, rows=rows)
    return replace(one, weight=max(one.weight, other.weight), rows=rows, dropped=one.dropped + other.dropped)


def _renamed(numbers: NDArray[np.int32], one: int, other: int) -> NDArray[np.int32]:
    return np.where(numbers == one, np.int32(other), numbers)


def _paired(predictions: Run, at: Positions, labels: Run, to: Positions) -> Run:
    left, right = select(predictions, at), select(labels, to)
    weight = np.maximum(left["weight"], right["weight"])
    return left | {"observed_at": right["observed_at"], "label": right["label"], "weight": weight}


def _corrected(policy: JoinPolicy, memory: Memory, answers: Run) -> tuple[Tallies, Run, Run]:
    """Labels that come again for a pair at hand take the place of the first, unless they were observed earlier."""
    here, there = shared(memory.recent, answers)
    later = answers["observed_at"][there] >= memory.recent["observed_at"][here]
    at, new = here[later], select(answers, there[later])
    if not len(at):
        return memory.tallies, memory.recent, without(answers, there)
    recent = memory.recent | {name: memory.recent[name].copy() for name in ("observed_at", "label")}
    for name in ("observed_at", "label"):
        recent[name][at] = new[name]
    before, after = select(memory.recent, at), select(recent, at)
    slot = before["predicted_at"] // policy.slot_us
    tallies = memory.tallies.add(policy.outcomes, slot, before, sign=-1).add(policy.outcomes, slot, after)
    return tallies, recent, without(answers, there)


def _refreshed(early: Waiting, pairs: Run) -> tuple[Waiting, Run]:
    """Pairs whose id has an early label as well have the later one of the two."""
    here, there = shared(early.rows, pairs)
    if not len(here):
        return early, pairs
    changed = {name: pairs[name].copy() for name in ("observed_at", "label")}
    older = pairs["observed_at"][there] < early.rows["observed_at"][here]
    for name, values in changed.items():
        values[there[older]] = early.rows[name][here[older]]
    return early.take(here), pairs | changed


def _repeated(early: Waiting, answers: Run, weight: int) -> tuple[Waiting, Run]:
    """Early labels that come again: the later one waits on."""
    held, here, there = early.again(answers, weight)
    if not len(here):
        return held, answers
    later = answers["observed_at"][there] >= held.rows["observed_at"][here]
    changed = {name: held.rows[name].copy() for name in ("observed_at", "label")}
    for name, values in changed.items():
        values[here[later]] = answers[name][there[later]]
    return replace(held, rows=held.rows | changed), without(answers, there)
