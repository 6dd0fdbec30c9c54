"""Whether the labels of a test set suffice for a verdict, and if not, which rows to label."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from upkeep.core.gate.condition import Clause, Condition
from upkeep.core.gate.measure import TestRows, measure, unlabelled
from upkeep.core.gate.plan import Facts, Method, plan
from upkeep.core.gate.promise import Promise
from upkeep.errors import InputError
from upkeep.stages.gate_policy import ANYTIME
from upkeep.stages.gate_rows import Judged

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
    missing : (r,) array of int64
        Ids of rows to label; empty where there is enough, or where no label would help.
    shortage : str
        Why there is no verdict yet, and what to do; empty where there is enough.
    """

    condition: Condition
    rows: tuple[TestRows, ...]
    method: str
    labels: int
    needed: int
    missing: NDArray[np.int64]
    shortage: str = ""


def look(judged: Judged, condition: Condition, promise: Promise, method: str) -> Look:
    """Decide by counts alone: predictions, and which labels have come, but not what they say.

    Labelled rows are taken as they are, if they suffice. Else, where each clause asks for a difference of the two models,
    the rows on which they disagree are all that needs labels; else, more rows do.

    Notes
    -----
    How many rows are needed may rest on the share d of rows that differ, whose upper bound has its own part of δ. The bound is
    of the same rows, which are fixed before: if it holds, rows that suffice for it suffice for the true d, and a test of so many
    rows keeps its promise whatever d was measured. The sample of active labelling is not fixed before, so its size is
    found from the other half of the rows, and the choice between half and all of them costs ln 2.
    """
    if method == ANYTIME:
        return _stream(judged, condition, promise)
    found = _passive(judged, condition, promise, method)
    if not found.shortage or method not in ("cheapest", ACTIVE) or not _only_differences(condition):
        return found
    return _active(judged, condition, promise, found)


def nothing_to_see(condition: Condition) -> Look:
    """Of a span without rows."""
    said = "the test set has no rows; hold out newer ones"
    none = np.zeros(0, np.int64)
    return Look(condition=condition, rows=(), method="", labels=0, needed=0, missing=none, shortage=said)


def _passive(judged: Judged, condition: Condition, promise: Promise, method: str) -> Look:
    labelled = judged.only(judged.rows.labelled)
    chosen = _chosen(condition, promise, labelled, "cheapest" if method == ACTIVE else method)
    rows = tuple((labelled if clause.needs_labels else judged).rows for clause in condition.clauses)
    have = [measure(_alone(c), part)[0].labelled for c, part in zip(condition.clauses, rows, strict=True)]
    needs = _needs(condition, chosen)
    lacks = [need - count for need, count in zip(needs, have, strict=True)]
    worst = int(np.argmax(lacks))
    needed, labels = needs[worst], have[worst]
    found = Look(
        condition=condition, rows=rows, method=chosen.name, labels=labels, needed=needed, missing=np.zeros(0, np.int64)
    )
    if lacks[worst] <= 0:
        return found
    about = chosen.clauses[worst].about
    missing = _to_label(judged, condition.clauses[worst], lacks[worst], labels / max(len(labelled), 1))
    return _short(found, missing, needed, labels, f" with {about}" if about else "")


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
    found = replace(found, labels=labels, needed=needed, missing=judged.ids[wanted])
    begun = not wanted.any() or any(labels for _, labels in sizes)
    return found if begun else _short(found, found.missing, needed, labels, " at most for a fixed size")


def _short(found: Look, missing: NDArray[np.int64], needed: int, labels: int, about: str) -> Look:
    what = f"label {needed - labels} more" if len(missing) else "hold out more rows, or widen the tolerance"
    said = f"needs {needed} labels{about}, has {labels}; {what}"
    return replace(found, labels=labels, needed=needed, missing=missing, shortage=said)


def _to_label(judged: Judged, clause: Clause, lacks: int, share: float) -> NDArray[np.int64]:
    """So many pending rows that the clause has enough, if `share` of them belong to it as of those with a label; else none."""
    pending = judged.ids[unlabelled(clause, judged.rows)]
    wanted = math.ceil(lacks / share) if 0.0 < share < 1.0 else lacks
    return pending[:wanted] if len(pending) >= wanted else pending[:0]


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
