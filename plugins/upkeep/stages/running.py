"""A model's running join of predictions and labels, brought up to date from the two logs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns
from upkeep.core.feedback.stream.join import FeedbackJoin
from upkeep.core.feedback.stream.policy import JoinPolicy
from upkeep.core.feedback.stream.totals import Totals
from upkeep.core.profile.stored import damaged, fields
from upkeep.errors import InputError
from upkeep.ports import Batch, Datasets, Documents, Json

#: Bucket 0 has the versions that are not told apart any more, the other ones a version each. About 5 MB when it is full.
RUNNING = JoinPolicy(buckets=17, capacity=100_000, early=20_000, slots=62, wait_s=90 * 86_400)
FORMAT = 1

_PREDICTIONS = ("prediction_id", "predicted_at", "model_version")
_FEEDBACK = ("prediction_id", "observed_at", "label")
_LISTS = ("versions", "numbers", "done")
_DIGITS = 4_000  # Python reads no whole number of 4,300
_ROWS_BETWEEN = 2_000_000  # rows after which what was done so far is stored


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningJoin:
    """A join, the version that each bucket from 1 on belongs to, and the batches of either log that are in it.

    Versions are in the order in which they last predicted, the one that is longest unused first.
    """

    join: FeedbackJoin
    versions: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    done: frozenset[tuple[str, str]] = frozenset()

    def bucket(self, version: str) -> int:
        """Number of a version's bucket; InputError if it is not told apart."""
        if version not in self.versions:
            raise InputError(
                f"version must be one of the last {self.join.policy.buckets - 1} that predicted, "
                f"{', '.join(self.versions) or 'none yet'}, got {version!r}."
            )
        return self.numbers[self.versions.index(version)]

    def to_json(self) -> Json:
        """Finite builtins."""
        return {
            "format": FORMAT,
            "join": self.join.to_json(),
            "versions": list(self.versions),
            "numbers": list(self.numbers),
            "done": [list(name) for name in sorted(self.done)],
        }

    @classmethod
    def from_json(cls, record: Json) -> RunningJoin:
        """Inverse of `to_json`; InputError for another format or a damaged record."""
        held = fields("a running join", record, ["format", "join", "versions", "numbers", "done"])
        if held["format"] != FORMAT:
            raise InputError(f"a running join must have format {FORMAT}, got {held['format']!r}. Build it again.")
        join, (versions, numbers, done) = FeedbackJoin.from_json(held["join"]), map(held.get, _LISTS)
        if not _are_texts(versions) or len(set(versions)) < len(versions) or len(versions) >= join.policy.buckets:
            raise damaged("a running join must have a list of versions, each once and with a bucket", versions)
        if not isinstance(numbers, list) or set(map(type, numbers)) - {int}:
            raise damaged("numbers of a running join must be whole numbers", numbers)
        if sorted(numbers) != list(range(1, len(versions) + 1)):
            raise damaged("numbers of a running join must be 1, 2, ..., one for each version", numbers)
        if not isinstance(done, list) or not all(_are_texts(name) and len(name) == 2 for name in done):
            raise damaged("done of a running join must be pairs of a log and a batch", done)
        return cls(join=join, versions=tuple(versions), numbers=tuple(numbers), done=frozenset((a, b) for a, b in done))


def _are_texts(values: object) -> TypeGuard[list[str]]:
    return isinstance(values, list) and set(map(type, values)) <= {str}


def update_join(
    datasets: Datasets, documents: Documents, *, model: str, as_of: str, policy: JoinPolicy = RUNNING
) -> RunningJoin:
    """Take in each batch of ``<model>/predictions`` that began by `as_of` and each of ``<model>/feedback`` that ended by it.

    The join is stored as joins ``<model>`` together with the batches that are in it: killed anywhere and run again, it takes
    each batch in once. A batch of predictions that has begun is taken in whole, as labels of its first rows may be there
    already; so the join may know more than `as_of` says, and never forgets what it knew: asked for an earlier moment it stays
    as it is. `running_metrics` says what moment it is of.

    Labels go by the time of their last row, predictions by that of their first, so that no label goes before a prediction
    that it may belong to, not even that of a file of all labels so far, and a long history needs no more room than it
    did as it went.

    Raises
    ------
    InputError
        If what is stored was made with another policy, or the policy has fewer than two buckets.
    """
    if policy.buckets < 2:
        raise InputError(
            f"a running join must have a bucket for old versions and one for the new, got {policy.buckets}."
        )
    stored = documents.get("joins", model)
    running = RunningJoin.from_json(stored) if stored else RunningJoin(join=FeedbackJoin.empty(policy))
    if running.join.policy != policy:
        raise InputError(
            f"the running join of {model} must go on with the policy it was begun with, {running.join.policy}, got {policy}. "
            "Pass that one, or delete the record joins/" + model + " to begin anew."
        )
    rows = 0
    for log, batch in _waiting(datasets, running, model, as_of):
        running, rows = _taken(datasets, running, model, log, batch), rows + batch.rows
        if rows >= _ROWS_BETWEEN:
            documents.put("joins", model, running.to_json())
            rows = 0
    if rows or not stored:
        documents.put("joins", model, running.to_json())
    return running


def running_metrics(
    running: RunningJoin, *, version: str | None = None, slots: int = 7, outcomes: int = 1_000, alpha: float = 0.05
) -> Json:
    """Realized metrics of all time, of the latest time slots and of the latest outcomes, of one version or of all.

    All are as of the latest time in either log that the join has taken in, which is `as_of` of what is returned: null before
    anything came. That may be later than the moment the join was last asked for, and the window of time slots ends there too.

    Each has a value and an interval for what the exact join would say, which is a point while nothing had to be dropped.
    """
    join = running.join
    bucket = None if version is None else running.bucket(version)
    window = join.totals(bucket=bucket, slots=slots)
    return {
        "version": version,
        "as_of": None if join.clock_us is None else str(np.datetime64(join.clock_us, "us")),
        "exact": join.exact,
        "predictions": join.predicted(bucket=bucket),
        "given_up": join.memory.expired if version is None else None,
        "cumulative": _shown(join.totals(bucket=bucket), alpha),
        "window": _shown(window, alpha)
        | {"slots": slots, "slot_s": join.policy.slot_s, "predictions": join.predicted(bucket=bucket, slots=slots)},
        "latest": _shown(join.totals(bucket=bucket, outcomes=outcomes), alpha) | {"outcomes": outcomes},
    }


def _shown(totals: Totals, alpha: float) -> Json:
    metrics = {}
    for name, metric in totals.metrics().items():
        low, high = metric.interval(alpha)
        metrics[name] = {"value": _finite(metric.value), "low": _finite(low), "high": _finite(high)}
    return {"labelled": totals.pairs.value, "metrics": metrics}


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _waiting(datasets: Datasets, running: RunningJoin, model: str, as_of: str) -> Iterator[tuple[str, Batch]]:
    """Batches that are not in yet, predictions by their first row and labels by their last; at one time, predictions first."""
    end = np.datetime64(as_of, "us")
    found = [
        (np.datetime64(batch.since if log == "predictions" else batch.until, "us"), number, batch.batch, log, batch)
        for number, log in enumerate(("predictions", "feedback"))
        for batch in datasets.batches(f"{model}/{log}")
        if batch.rows and (log, batch.batch) not in running.done
    ]
    return ((log, batch) for when, _, _, log, batch in sorted(found, key=lambda entry: entry[:3]) if when <= end)


def _taken(datasets: Datasets, running: RunningJoin, model: str, log: str, batch: Batch) -> RunningJoin:
    """With a batch, part by part; it is stored whole or not at all."""
    needed = running.join.policy.outcomes.columns
    columns = (*_PREDICTIONS, *needed) if log == "predictions" else _FEEDBACK
    parts = datasets.scan(f"{model}/{log}", batches=[batch.batch], columns=columns)
    for number, rows in enumerate(parts):
        name = f"{log}/{batch.batch}/{number}"
        if log == "feedback":
            running = replace(running, join=running.join.update(name, feedback=rows))
        else:
            running, buckets = _bucketed(running, rows["model_version"])
            made: Columns = rows | {"bucket": buckets}
            running = replace(running, join=running.join.update(name, predictions=made))
    return replace(running, done=running.done | {(log, batch.batch)})


def _bucketed(running: RunningJoin, versions: NDArray[np.object_]) -> tuple[RunningJoin, NDArray[np.int64]]:
    """The bucket of each row; a version that is new takes the place of the longest unused, which goes to bucket 0."""
    names = versions.astype(np.str_)
    for version in sorted(np.unique(names).tolist(), key=_rank):
        running = _used(running, version) if version in running.versions else _with_version(running, version)
    buckets = np.zeros(len(names), dtype=np.int64)
    for version, number in zip(running.versions, running.numbers, strict=True):
        buckets[names == version] = number
    return running, buckets


def _rank(version: str) -> tuple[bool, int, str]:
    """Numbers by size, so that 10 comes after 9; then names."""
    number = version.isascii() and version.isdigit() and len(version) < _DIGITS
    return not number, int(version) if number else 0, version


def _used(running: RunningJoin, version: str) -> RunningJoin:
    """With a version as the one that predicted last."""
    at = running.versions.index(version)
    versions, numbers = running.versions, running.numbers
    return replace(
        running,
        versions=(*versions[:at], *versions[at + 1 :], version),
        numbers=(*numbers[:at], *numbers[at + 1 :], numbers[at]),
    )


def _with_version(running: RunningJoin, version: str) -> RunningJoin:
    room = running.join.policy.buckets - 1
    if len(running.versions) < room:
        number = len(running.versions) + 1
        return replace(running, versions=(*running.versions, version), numbers=(*running.numbers, number))
    number = running.numbers[0]
    return replace(
        running,
        join=running.join.fold(number, into=0),
        versions=(*running.versions[1:], version),
        numbers=(*running.numbers[1:], number),
    )
