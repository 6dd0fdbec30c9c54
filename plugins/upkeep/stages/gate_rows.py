"""The rows on which a challenger is held against the champion, and what both predict there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, missing, select
from upkeep.core.gate.condition import Condition, expand
from upkeep.core.gate.measure import Predictions, TestRows
from upkeep.core.gate.slices import levels
from upkeep.core.identity import splitmix64
from upkeep.errors import InputError
from upkeep.ports import Datasets, Scorer, Tracker
from upkeep.stages.gate_policy import GatePolicy
from upkeep.stages.labelled import all_rows

MOST_SLICES = 100
_NOT_SLICED_BY = ("row_id", "label", "observed_at")  # they tell single rows, or labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, about which models, on which span of rows. `champion` is None for the first model."""

    model: str
    version: str
    champion: str | None
    condition: Condition
    dataset: str
    batches: Sequence[str]
    since: str
    until: str

    def test_set(self, datasets: Datasets) -> str:
        """Content hash of the rows that are judged on: the same rows have the same, whatever the batches are called."""
        known = {batch.batch: batch.digest for batch in datasets.batches(f"{self.dataset}/features")}
        rows = [self.dataset, sorted(known[batch] for batch in self.batches), self.since, self.until]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """Test rows in an order that has nothing to do with labels or time, so that the first m of them are a sample."""

    ids: NDArray[np.int64]
    rows: TestRows
    table: Columns

    def __len__(self) -> int:
        return len(self.ids)

    def only(self, keep: NDArray[np.bool_] | slice) -> Judged:
        """The rows that a mask of shape (n,) or a slice keeps."""
        new, old = (self.rows.new, self.rows.old)
        table = {name: values[keep] for name, values in self.table.items()}
        kept = TestRows(
            label=self.rows.label[keep],
            new=_kept(new, keep),
            old=_kept(old, keep) if old else None,
            columns=_features(table),
            losses=self.rows.losses,
        )
        return Judged(ids=self.ids[keep], rows=kept, table=table)

    @property
    def differ(self) -> NDArray[np.bool_]:
        """True, in shape (n,), where the two models predict differently; nowhere without an old one."""
        old = self.rows.old
        return np.zeros(len(self), dtype=bool) if old is None else old.predicted != self.rows.new.predicted


def ask(tracker: Tracker, policy: GatePolicy, *, model: str, challenger: str) -> Question:
    """The question that a policy asks about a challenger, on its own holdout."""
    champion = tracker.version(model, "champion")
    holdout = tracker.record(model, challenger, "holdout")
    since = holdout["since"]
    if champion:
        # Rows before the champion's own holdout may be among those it learned from, which would flatter it.
        since = max(since, tracker.record(model, champion, "holdout")["since"], key=np.datetime64)
    return Question(
        model=model,
        version=challenger,
        champion=champion,
        condition=policy.asked(first=champion is None),
        dataset=holdout["dataset"],
        batches=holdout["batches"],
        since=since,
        until=holdout["until"],
    )


def read_rows(datasets: Datasets, tracker: Tracker, policy: GatePolicy, question: Question, *, as_of: str) -> Judged:
    """Every row of the span, labelled by `as_of` or not, with what the models predict."""
    table = all_rows(
        datasets,
        model=question.model,
        dataset=question.dataset,
        batches=question.batches,
        columns=None,
        as_of=as_of,
        since=question.since,
        until=question.until,
    )
    ids = table.get("row_id", np.zeros(0)).astype(np.int64)
    if not len(ids):
        nothing = Predictions(predicted=np.zeros(0, np.int64), scores=np.zeros(0))
        rows = TestRows(label=np.zeros(0), new=nothing, old=nothing if question.champion else None)
        return Judged(ids=ids, rows=rows, table={})
    order = np.argsort(splitmix64(ids.view(np.uint64)), kind="stable")
    table = select(table, order)
    new = _predictions(tracker.load(question.model, question.version), table, policy.threshold)
    old = None
    if question.champion:
        old = _predictions(tracker.load(question.model, question.champion), table, policy.threshold)
    rows = TestRows(label=table["label"], new=new, old=old, columns=_features(table), losses=policy.loss_functions())
    return Judged(ids=ids[order], rows=rows, table=table)


def sliced(condition: Condition, judged: Judged, least: float) -> Condition:
    """The condition with one clause for each slice of a column that it asks the worst of.

    Slices with less than the share `least` of the rows are left out: nothing could be said about them. `left_out` tells them.

    Raises
    ------
    InputError
        If there is no such column, it has no levels, or too many of them.
    """
    return expand(condition, {column: _kept_levels(judged, column, least) for column in condition.worst})


def left_out(condition: Condition, judged: Judged, least: float) -> str:
    """Which rows are in no slice of a condition that is not yet `sliced`, in words; "" where every row is in one.

    For example "[worst borough] leaves out 2 slices below 1.0% of the rows and the 40% of rows without a value".
    """
    told = (_left_out(judged, column, least) for column in condition.worst) if len(judged) else ()
    return "; ".join(one for one in told if one)


def _left_out(judged: Judged, column: str, least: float) -> str:
    counts, rows = np.array(list(_counts(judged, column).values())), len(judged)
    rare, without = counts[counts < least * rows], rows - int(counts.sum())
    parts = [f"{len(rare)} slice{'s'[: len(rare) > 1]} below {least:.1%} of the rows"] * bool(len(rare))
    parts += [f"the {100 * without / rows:.3g}% of rows without a value"] * bool(without)
    return f"[worst {column}] leaves out {' and '.join(parts)}" if parts else ""


def _kept_levels(judged: Judged, column: str, least: float) -> Sequence[str | float]:
    kept = [level for level, count in _counts(judged, column).items() if count >= least * len(judged)]
    if not 0 < len(kept) <= MOST_SLICES:
        raise InputError(
            f"[worst {column}] needs 1 to {MOST_SLICES} slices of at least {least:.1%} of the rows, got {len(kept)}. "
            "Name a column with few values, or change min_slice."
        )
    return kept


def _counts(judged: Judged, column: str) -> Mapping[str | float, int]:
    """How many rows each level of a column has. Where there are many levels, one mask for each would fill the memory."""
    names = levels(judged.rows.columns, column)
    values = judged.table[column][~missing(judged.table[column])]
    if values.dtype.kind == "O" and not any(isinstance(name, str) for name in names):
        values = values.astype(np.float64)  # as `levels` takes boxed numbers, so that both have the same order
    counts = np.unique(values, return_counts=True)[1]
    return dict(zip(names, counts.tolist(), strict=True))


def _features(table: Columns) -> Columns:
    return {name: values for name, values in table.items() if name not in _NOT_SLICED_BY}


def _predictions(scorer: Scorer, table: Columns, threshold: float) -> Predictions:
    scores = scorer.score(table)
    return Predictions(predicted=(scores >= threshold).astype(np.int64), scores=scores)


def _kept(predictions: Predictions, keep: NDArray[np.bool_] | slice) -> Predictions:
    scores = predictions.scores
    return Predictions(predicted=predictions.predicted[keep], scores=None if scores is None else scores[keep])
