"""Which labels are a random sample of the rows, where some came because a gate asked for these very rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from upkeep.core.gate.condition import Clause, Worst
from upkeep.ports import Documents
from upkeep.stages.gate_rows import Judged

KIND = "label_requests"
WHOLE = ""  # the scope of rows that were asked for whatever they are
DISAGREEMENTS = "rows on which two models disagree"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ask:
    """Rows that an evaluation wanted labelled.

    Attributes
    ----------
    evaluation_id : str
    scope : str
        What the rows were chosen by: a slice, as it stands in a condition, `DISAGREEMENTS`, or nothing (`WHOLE`). Within the
        scope they were taken in an order that has nothing to do with labels.
    sample : (s,) array of int64
        The rows, those included that had a label already.
    pending : (p,) array of int64
        Rows of the test set without a label when it was asked; empty for `WHOLE`.
    """

    evaluation_id: str
    scope: str
    sample: NDArray[np.int64]
    pending: NDArray[np.int64]


def asks(documents: Documents, model: str) -> tuple[Ask, ...]:
    """Everything that gates of the model have ever asked for."""
    stored = [documents.get(KIND, name) for name in documents.names(KIND, f"{model}/")]
    return tuple(
        Ask(
            evaluation_id=str(record["evaluation_id"]),
            scope=str(one["scope"]),
            sample=np.asarray(one["sample"], dtype=np.int64),
            pending=np.asarray(one["pending"], dtype=np.int64),
        )
        for record in stored
        if record
        for one in record.get("asks", ())
    )


def remember(documents: Documents, name: str, ask: Ask) -> bool:
    """Add to what an evaluation has asked for, under the name of its records; whether there was anything to add."""
    record = documents.get(KIND, name) or {"evaluation_id": ask.evaluation_id, "rows": []}
    known = list(record.get("asks", ()))
    one = {"scope": ask.scope, "sample": ask.sample.tolist(), "pending": ask.pending.tolist()}
    if any(old["scope"] == one["scope"] and set(one["sample"]) <= set(old["sample"]) for old in known):
        return False
    documents.put(KIND, name, record | {"asks": [*known, one]})
    return True


def scope_of(clause: Clause) -> str:
    """The slice that a clause is about, as text; `WHOLE` for all rows, or where it is about several."""
    slices = {variable.slice for variable in clause.variables}
    only = next(iter(slices))
    return WHOLE if len(slices) > 1 or isinstance(only, Worst) else ", ".join(map(str, only))


def sampled(judged: Judged, asked: Sequence[Ask], scope: str) -> Judged:
    """The labelled rows that stand for all rows of a scope.

    Notes
    -----
    Labels that come by themselves are taken as missing at random. Labels that came because somebody asked for rows of another
    kind are not: where only disagreements were labelled, the labelled rows are mostly such. From the first such request on,
    rows that were pending then count only if they were asked for regardless of their kind, or as rows of the very scope.
    """
    return judged.only(judged.rows.labelled & ~_blocked(judged, asked, lambda one: one.scope in (WHOLE, scope)))


def without_others(judged: Judged, asked: Sequence[Ask], evaluation_id: str) -> Judged:
    """All rows, without the labels that came because other evaluations asked for rows of some kind."""
    blocked = _blocked(judged, asked, lambda one: one.scope == WHOLE or one.evaluation_id == evaluation_id)
    label = np.where(blocked, np.nan, np.asarray(judged.rows.label, dtype=np.float64))
    return replace(judged, rows=replace(judged.rows, label=label))


def _blocked(judged: Judged, asked: Sequence[Ask], fair: Callable[[Ask], bool]) -> NDArray[np.bool_]:
    blocked = np.zeros(len(judged), dtype=bool)
    for one in asked:
        if not fair(one):
            blocked |= np.isin(judged.ids, one.pending)
    for one in asked:
        if fair(one):
            blocked &= ~np.isin(judged.ids, one.sample)
    return blocked
