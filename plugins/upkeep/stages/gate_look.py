"""Whether the labels of a test set suffice for a verdict, and if not, which rows to label."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from upkeep.core.gate.condition import Clause, Condition
from upkeep.core.gate.measure import TestRows, measure, unlabelled
from upkeep.core.gate.plan import Facts, Method, plan
from upkeep.core.gate.promise import Promise
from upkeep.core.gate.slices import in_slices
from upkeep.errors import InputError
from upkeep.stages.gate_policy import ANYTIME, BY_LABEL
from upkeep.stages.gate_rows import Judged
from upkeep.stages.gate_sample import DISAGREEMENTS, WHOLE, Ask, sampled, scope_of

_NOBODY = np.zeros(0, dtype=np.int64)
ACTIVE, EXACT = "active", "exact"  # the first needs the rows of the second, but labels of few of them


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """What a test set offers a condition, before the value of any label counts.

    Attributes
    ----------
    condition : Condition
        Without worst slices.
    rows : tuple of TestRows
        What each clause is to be measured on.
    method : str
    labels, needed : int
        For the clause that lacks most.
    missing, sample : (r,), (s,) array of int64
        Ids of rows to label, and of these together with others of the same draw that have a label already; empty where there
        is enough, or where no label would help.
    scope : str
        What they were chosen by; see `stages.gate_sample`.
    shortage : str
        Why there is no verdict yet, and what to do; empty where there is enough.
    """

    condition: Condition
    rows: tuple[TestRows, ...]
    method: str
    labels: int
    needed: int
    missing: NDArray[np.int64]
    sample: NDArray[np.int64] = field(default_factory=lambda: _NOBODY)
    scope: str = WHOLE
    shortage: str = ""


def look(judged: Judged, condition: Condition, promise: Promise, method: str, asked: Sequence[Ask] = ()) -> Look:
    """Decide by counts alone: predictions, and which labels have come, but not what they say.

    Labelled rows that are a sample are taken as they are, if they suffice. Else, where each clause asks for a difference of the
    two models, the rows on which they disagree are all that needs labels; else, more rows do. How many rows recall, specificity
    and f1 are about, labels alone say; they are for test sets whose answers builders do not see.

    Notes
    -----
    How many rows are needed may rest on the share d of rows that differ, whose upper bound has its own part of δ. The bound is
    of the same rows, which are fixed before: if it holds, rows that suffice for it suffice for the true d, and a test of so many
    rows keeps its promise whatever d was measured. The sample of active labelling is not fixed before, so its size is
    found from the other half of the rows, and the choice between half and all of them costs ln 2.
    """
    if method == ANYTIME:
        return _stream(judged, condition, promise)
    found = _passive(judged, condition, promise, method, asked)
    if not found.shortage or method not in ("cheapest", ACTIVE) or not _only_differences(condition):
        return found
    return _active(judged, condition, promise, found)


def nothing_to_see(condition: Condition) -> Look:
    """Of a span without rows."""
    said = "the test set has no rows; hold out newer ones"
    return Look(condition=condition, rows=(), method="", labels=0, needed=0, missing=_NOBODY, shortage=said)


def _passive(judged: Judged, condition: Condition, promise: Promise, method: str, asked: Sequence[Ask]) -> Look:
    clauses = condition.clauses
    parts = [sampled(judged, asked, scope_of(clause)) if clause.needs_labels else judged for clause in clauses]
    basis = next((part for clause, part in zip(clauses, parts, strict=True) if clause.needs_labels), judged)
    chosen = _chosen(condition, promise, basis, "cheapest" if method == ACTIVE else method)
    have = [_count(clause, part) for clause, part in zip(clauses, parts, strict=True)]
    needs = _needs(condition, chosen)
    lacks = [need - count for need, count in zip(needs, have, strict=True)]
    worst = int(np.argmax(lacks))
    found = Look(
        condition=condition,
        rows=tuple(part.rows for part in parts),
        method=chosen.name,
        labels=have[worst],
        needed=needs[worst],
        missing=_NOBODY,
    )
    if lacks[worst] <= 0:
        return found
    clause, about = clauses[worst], chosen.clauses[worst].about
    what = "labels" if clause.needs_labels else "rows"
    sample = _to_label(judged, clause, lacks[worst], parts[worst], have[worst])
    missing = sample[~np.isin(sample, judged.ids[judged.rows.labelled])]
    found = replace(found, sample=sample, scope=scope_of(clause))
    return _short(found, missing, needs[worst], have[worst], f" with {about}" if about else "", what)


def _active(judged: Judged, condition: Condition, promise: Promise, passive: Look) -> Look:
    dearer = replace(promise, prior=promise.prior + math.log(2.0))
    half = len(judged) // 2
    sample, chosen = judged, _chosen(condition, dearer, judged.only(slice(half, None)), EXACT)
    if chosen.rows <= half:
        sample = judged.only(slice(chosen.rows))
    else:
        chosen = _chosen(condition, dearer, judged, EXACT)
    have = [measure(_alone(clause), sample.rows)[0].rows for clause in condition.clauses]
    if any(need > count for need, count in zip(_needs(condition, chosen), have, strict=True)):
        return passive
    lacking = np.logical_or.reduce([unlabelled(clause, sample.rows) for clause in condition.clauses])
    needed = int(sample.differ.sum())
    found = Look(
        condition=condition,
        rows=(sample.rows,) * len(condition.clauses),
        method=ACTIVE,
        labels=needed - int(lacking.sum()),
        needed=needed,
        missing=sample.ids[lacking],
        sample=sample.ids[lacking],
        scope=DISAGREEMENTS,
    )
    return _short(found, found.missing, needed, found.labels, " where the models disagree") if lacking.any() else found


def _stream(judged: Judged, condition: Condition, promise: Promise) -> Look:
    """Rows for a test of fixed size must be there, lest the stream end in nothing; one label is enough to begin with."""
    needs = _needs(condition, _chosen(condition, promise, judged, EXACT))
    blank = replace(judged.rows, label=np.full(len(judged), np.nan))
    none, wanted, sizes = np.zeros(len(judged), dtype=bool), np.zeros(len(judged), dtype=bool), [(0, 0)]
    found = Look(
        condition=condition,
        rows=(judged.rows,) * len(needs),
        method=ANYTIME,
        labels=0,
        needed=max(needs),
        missing=judged.ids[none],
        scope=DISAGREEMENTS if _only_differences(condition) else scope_of(condition.clauses[-1]),
    )
    for clause, need in zip(condition.clauses, needs, strict=True):
        rows = measure(_alone(clause), blank)[0].rows
        if need > rows:
            return _short(found, found.missing, need, rows, "")
        hanging = unlabelled(clause, blank)
        size = math.ceil(need * hanging.sum() / rows)
        labels, pending = int((hanging & judged.rows.labelled).sum()), unlabelled(clause, judged.rows)
        # A stream that a test of fixed size would have ended asks for as many again.
        wanted[np.flatnonzero(pending)[: size - labels if labels < size else size]] = True
        sizes.append((size, labels))
    needed, labels = max(sizes, key=lambda size: size[0])
    found = replace(found, labels=labels, needed=needed, missing=judged.ids[wanted], sample=judged.ids[wanted])
    begun = not wanted.any() or any(labels for _, labels in sizes)
    return found if begun else _short(found, found.missing, needed, labels, " at most for a fixed size")


def _short(found: Look, missing: NDArray[np.int64], needed: int, labels: int, about: str, what: str = "labels") -> Look:
    todo = f"label {needed - labels} more" if len(missing) else "hold out more rows, or widen the tolerance"
    said = f"needs {needed} {what}{about}, has {labels}; {todo}"
    return replace(found, labels=labels, needed=needed, missing=missing, shortage=said)


def _count(clause: Clause, part: Judged) -> int:
    """Rows that the clause is about, the least over its variables; by what labels say only where that makes them count."""
    if any(variable.metric in BY_LABEL for variable in clause.variables):
        return measure(_alone(clause), part.rows)[0].labelled
    inside = in_slices([variable.slice for variable in clause.variables], part.rows.columns, len(part))
    counts = []
    for variable in clause.variables:
        rows = inside[variable.slice]
        if variable.metric == "precision":
            rows = rows & (part.rows.of(variable).predicted == 1)
        counts.append(int(rows.sum()))
    return min(counts)


def _to_label(judged: Judged, clause: Clause, lacks: int, part: Judged, have: int) -> NDArray[np.int64]:
    """The next rows of the clause's slice, so many that it has enough if those that count are as frequent as so far."""
    if not clause.needs_labels:
        return _NOBODY
    slices = [variable.slice for variable in clause.variables]
    inside = np.logical_or.reduce(list(in_slices(slices, judged.rows.columns, len(judged)).values()))
    rest = judged.ids[inside & ~np.isin(judged.ids, part.ids)]
    seen = int((inside & np.isin(judged.ids, part.ids)).sum())
    share = have / seen if seen and any(variable.subset for variable in clause.variables) else 1.0
    wanted = min(math.ceil(lacks / share), len(rest)) if share > 0.0 else len(rest)
    return rest[:wanted] if lacks <= len(rest) else _NOBODY


def _chosen(condition: Condition, promise: Promise, judged: Judged, method: str) -> Method:
    """The method of that name, or the one that needs fewest rows, labelled or agreed upon."""
    differ = judged.differ
    facts = Facts(measured_difference=(float(differ.mean()), len(differ))) if judged.rows.old and len(differ) else None
    found = plan(condition, promise, facts)
    if method != "cheapest":
        chosen = found.method(method)
        if not chosen.available:
            raise InputError(f"method {method!r} cannot be used for {condition}: {chosen.why_not} Use cheapest.")
        return chosen
    return min((one for one in found.methods if one.available and one.name != ACTIVE), key=lambda one: one.rows)


def _needs(condition: Condition, method: Method) -> list[int]:
    """Rows that each clause needs of each subset that it is about."""
    subsets = [len({variable.rows for variable in clause.variables}) for clause in condition.clauses]
    return [need.rows // parts for need, parts in zip(method.clauses, subsets, strict=True)]


def _only_differences(condition: Condition) -> bool:
    """Whether labels are needed only where the models disagree."""
    asked = [clause for clause in condition.clauses if clause.needs_labels]
    alike = all(c.difference is not None and c.variables[0].metric == "accuracy" for c in asked)
    return bool(asked) and alike


def _alone(clause: Clause) -> Condition:
    return Condition(clauses=(clause,))
