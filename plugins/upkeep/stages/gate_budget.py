"""How many challengers the same rows have judged, and which rows may judge another one."""

from __future__ import annotations

import numpy as np

from upkeep.ports import Documents, Json
from upkeep.stages.gate_policy import GatePolicy


def used_up(documents: Documents, policy: GatePolicy, *, model: str, dataset: str, since: str, until: str) -> str:
    """Why the rows of a dataset in [since, until) may not judge another challenger; empty if they may.

    Every stored evaluation of the model that measured something counts if its span of time shares a moment with this one:
    a holdout that is one minute shorter holds no new rows.
    """
    judged = _judged(documents, model, dataset, since, until)
    rows = f"rows of {dataset} between {since} and {until}"
    if policy.adaptivity == "firstChange" and any(record["passed"] for record in judged):
        return f"some {rows} have let a challenger pass, which retires them; hold out newer rows"
    if len(judged) >= policy.steps:
        return (
            f"some {rows} have judged {len(judged)} of {policy.steps} challengers and prove nothing about more; "
            "hold out newer rows, or raise steps before the next ones"
        )
    return ""


def open_since(documents: Documents, policy: GatePolicy, *, model: str, dataset: str, since: str, until: str) -> str:
    """Where the longest part of [since, until) begins that may judge another challenger; `until` if no part may.

    Fewer than `steps` stored evaluations reach beyond that moment, so that with the next one no row judges more than
    `steps` challengers, and one challenger does not take the new rows of a holdout from those after it.
    """
    judged = _judged(documents, model, dataset, since, until)
    ends = sorted((record["until"] for record in judged), key=np.datetime64, reverse=True)
    begins = [since, *ends[policy.steps - 1 : policy.steps]]
    if policy.adaptivity == "firstChange":
        begins += [record["until"] for record in judged if record["passed"]]
    newest: str = max(begins, key=np.datetime64)
    return newest if np.datetime64(newest) < np.datetime64(until) else until


def _judged(documents: Documents, model: str, dataset: str, since: str, until: str) -> list[Json]:
    records = [documents.get("gates", name) for name in documents.names("gates", f"{model}/")]
    return [
        record
        for record in records
        if record
        and record["n"] is not None
        and record["dataset"] == dataset
        and _overlap((record["since"], record["until"]), (since, until))
    ]


def _overlap(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two spans [since, until) share a moment; as times, since one may be written with more digits."""
    return bool(np.datetime64(one[0]) < np.datetime64(other[1]) and np.datetime64(other[0]) < np.datetime64(one[1]))
