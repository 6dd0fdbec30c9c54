"""What is known of labels before they come: how likely each is, how late it will be, and which groups differ in that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, Table, row_count, select
from upkeep.core.feedback.delay.groups import DelayGroups
from upkeep.core.feedback.delay.model import DelayModel
from upkeep.core.feedback.estimate.reference import EstimateReference
from upkeep.core.feedback.partial.beginning import begin
from upkeep.core.feedback.partial.shift import Carried
from upkeep.core.profile.stored import are_numbers, damaged, fields, is_whole
from upkeep.errors import InputError

FORMAT = 1
#: Delays that are kept for a comparison with later windows; every n-th row if there are more.
KEPT = 4_000
_HOUR = np.timedelta64(1, "h")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelExpectation:
    """Learned when a model is trained, held against every window of its life.

    Attributes
    ----------
    estimate : EstimateReference
        How likely labels are.
    delays : DelayModel
        How late they are, by `groups` and class.
    groups : DelayGroups
        Groups of rows whose delays differ.
    start : Carried
        The estimate's own error, which the first window begins with.
    columns : tuple of str
        Features that rows must have.
    hours, pending : ndarray, shape (k,)
        Delays (ages of pending rows) in hours, rounded to a millionth, of at most `KEPT` rows.
    bucket : ndarray of int, shape (k,)
        Their groups.
    """

    estimate: EstimateReference
    delays: DelayModel
    groups: DelayGroups
    start: Carried
    columns: tuple[str, ...]
    hours: NDArray[np.float64] = field(repr=False)
    pending: NDArray[np.bool_] = field(repr=False)
    bucket: NDArray[np.int64] = field(repr=False)

    @classmethod
    def fit(
        cls,
        table: Columns,
        scores: NDArray[np.float64],
        labels: NDArray[np.float64],
        *,
        observed_at: NDArray[np.datetime64],
        predicted_at: NDArray[np.datetime64],
        as_of: np.datetime64,
        threshold: float = 0.5,
        seed: int = 0,
    ) -> LabelExpectation:
        """Learn from rows that the model was not fitted on, labelled or not.

        Parameters
        ----------
        table : mapping of str to ndarray, each shape (n,)
            Features, in the order of time.
        scores : ndarray of float, shape (n,)
            P(label = 1).
        labels : ndarray of float, shape (n,)
            0, 1, or NaN while pending.
        observed_at, predicted_at : ndarray of datetime64, shape (n,)
            NaT = pending.
        as_of : datetime64
            The moment up to which labels are known, at most that of the newest label; rows predicted later are left out.
        threshold : float
        seed : int

        Raises
        ------
        InputError
            Without a labelled row that is old enough.
        """
        row_count(table | {"scores": scores, "labels": labels, "observed_at": observed_at})
        known = ~np.isnan(labels)
        if not (known & (predicted_at <= as_of)).any():
            raise InputError(
                f"labels must be known of some rows by {as_of} to expect any, but none is. Wait for labels."
            )
        until = min(as_of, np.max(observed_at[known]))  # of what came after the newest label nothing is known
        estimate = EstimateReference.fit(
            select(table, known), scores[known], labels[known], kind="binary", threshold=threshold, seed=seed
        )
        old = np.flatnonzero((predicted_at <= until) | known)
        late = ~known[old]
        hours = np.where(late, until - predicted_at[old], observed_at[old] - predicted_at[old]) / _HOUR
        hours = np.maximum(hours, 0.0)  # a label that was known before the prediction has no delay
        features = select(table, old)
        groups = DelayGroups.find(features, hours, late)
        bucket = groups.of(features)
        delays = DelayModel.fit(
            hours, late, buckets=bucket, classes=labels[old], chances=estimate.chances(features, scores[old])
        )
        kept = np.arange(0, len(hours), max(1, -(-len(hours) // KEPT)))
        return cls(
            estimate=estimate,
            delays=delays,
            groups=groups,
            start=begin(estimate, select(table, known), scores[known]),
            columns=tuple(table),
            hours=hours[kept].round(6),
            pending=late[kept],
            bucket=bucket[kept],
        )

    def buckets(self, table: Table) -> NDArray[np.int64]:
        """Group of each row for its delay, shape (m,)."""
        return self.groups.of(table)

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "estimate": self.estimate.to_json(),
            "delays": self.delays.to_json(),
            "groups": self.groups.to_json(),
            "start": self.start.to_json(),
            "columns": list(self.columns),
            "hours": self.hours.tolist(),
            "pending": self.pending.astype(int).tolist(),
            "bucket": self.bucket.tolist(),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> LabelExpectation:
        """Inverse of `to_json`; InputError for another format or a damaged record."""
        held = fields("a stored expectation of labels", record, ["format"])
        if held["format"] != FORMAT:
            raise InputError(
                f"a stored expectation of labels must have format {FORMAT}, got {held['format']!r}. Train again."
            )
        names = ("estimate", "delays", "groups", "start", "columns", "hours", "pending", "bucket")
        fields("a stored expectation of labels", held, names)
        _check(held)
        found = cls(
            estimate=EstimateReference.from_json(held["estimate"]),
            delays=DelayModel.from_json(held["delays"]),
            groups=DelayGroups.from_json(held["groups"]),
            start=Carried.from_json(held["start"]),
            columns=tuple(held["columns"]),
            hours=np.asarray(held["hours"], dtype=np.float64),
            pending=np.asarray(held["pending"], dtype=bool),
            bucket=np.asarray(held["bucket"], dtype=np.int64),
        )
        row_count({"hours": found.hours, "pending": found.pending, "bucket": found.bucket})
        return found


def _check(held: Mapping[str, Any]) -> None:
    """InputError unless the lists can be what was stored."""
    lists = [held[name] for name in ("columns", "hours", "pending", "bucket")]
    if not all(isinstance(entries, list) and len(entries) <= KEPT * 2 for entries in lists):
        raise damaged(
            f"columns, hours, pending and bucket of an expectation must be lists of {KEPT * 2} at most", lists
        )
    columns, hours, pending, bucket = lists
    if not all(isinstance(name, str) for name in columns):
        raise damaged("columns of an expectation must be names", columns)
    if not are_numbers(hours) or min(hours, default=0) < 0:
        raise damaged("hours of an expectation must be finite and at least 0", hours)
    if not all(is_whole(group) for group in [*bucket, *pending]) or not len(hours) == len(pending) == len(bucket):
        raise damaged(
            "pending and bucket of an expectation must be whole numbers, one for each hour", [pending, bucket]
        )
