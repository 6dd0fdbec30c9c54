"""From health reports to a decision."""

from __future__ import annotations

from typing import Any

import numpy as np

from upkeep.core.plain import plain
from upkeep.core.profile.histogram import Histogram
from upkeep.core.retrain.damage import is_damage
from upkeep.core.retrain.decide import decide
from upkeep.core.retrain.decision import Decision, DecisionPolicy, DecisionState, HealthFacts
from upkeep.core.retrain.kitagawa import Decomposition
from upkeep.core.retrain.pooled import pooled
from upkeep.errors import InputError
from upkeep.ports import Documents, Json
from upkeep.stages.recent_gain import gain_of

__all__ = ["DecisionPolicy", "suggest"]

#: Of a stored decision; those of format 1 had none, and neither `recipes` nor `diagnosis`.
FORMAT = 2
_DISTANCES = ("ks", "total_variation")
_OF_FINDING = ("column", "distance", "before", "after", "low")


def suggest(
    documents: Documents, *, model: str, window: str, policy: DecisionPolicy, state: Json
) -> tuple[Decision, Json]:
    """Decide about a window from its health report and those before it; stored as decision ``<model>/<window>``.

    `state` is what the last call returned, ``{}`` at first. The same window, reports and state give the same answer. A window
    whose version is not that of the newest report is never due.

    Raises
    ------
    InputError
        If the window has no health report.
    """
    stored = documents.names("health", f"{model}/")
    names = [name for name in stored if name.removeprefix(f"{model}/") <= window]
    if f"{model}/{window}" not in names:
        raise InputError(
            f"window {window} of {model} must have a health report to be decided about, but has none; "
            f"the last is {names[-1] if names else 'none'}. Monitor it first."
        )
    reports = [(name, record) for name in names if (record := documents.get("health", name))]
    facts = [health_facts(f"health/{name}", record, policy) for name, record in reports]
    known: DecisionState = {**state}  # type: ignore[typeddict-item]  # a JSON dict; its format is checked
    live = (documents.get("health", stored[-1]) or {}).get("version")
    decision, new_state = decide(pooled(facts, policy), policy=policy, state=known, live=live)
    record = _json(decision) | {"format": FORMAT, "id": f"decisions/{model}/{window}", "model": model}
    documents.put("decisions", f"{model}/{window}", record)
    return decision, _json(new_state)


def health_facts(evidence: str, report: Json, policy: DecisionPolicy) -> HealthFacts:
    """What a decision needs of a stored health report."""
    accuracy = report["accuracy"]
    change, accepted = accuracy["change"], accuracy.get("reference") or {"value": None, "rows": 0}
    now = (accuracy.get("estimate") or accuracy.get("combined") or accepted)["value"]
    delays, adversary = report.get("delays") or {}, report.get("adversary") or {}
    change_of_delay = delays.get("change") or {}
    features = set(report["drifted"]) - {"score"}  # which is the model's own and no row can be chosen by
    return HealthFacts(
        evidence=evidence,
        window=report["window"],
        since=report["since"],
        version=report["version"],
        labelled=report["labelled"],
        right=report["labelled"] * (now or 0.0),  # labels that are late by class count in proportion
        reference_rows=accepted["rows"],
        reference_right=round(accepted["rows"] * (accepted["value"] or 0.0)),
        change=change["value"],
        change_low=change["low"],
        change_high=change["high"],
        parts=Decomposition.from_json(report["kitagawa"]),
        drifted=tuple(report["drifted"]),
        damage=tuple(
            f["sentence"].rstrip(".")
            for f in report["drift"]
            if f["drifted"]
            and is_damage(*(f[name] for name in _OF_FINDING), policy=policy, scale=_scale(report, f["column"]))
        ),
        quarantine_share=report["quarantine_share"],
        rows=report.get("rows", 0),
        lag_h=_hours(report.get("until"), report.get("as_of")),
        slow={_group(slow): slow["sentence"] for slow in delays.get("slow", ())},
        slower=change_of_delay["sentence"] if change_of_delay.get("slower") else "",
        labels_ready_at=delays.get("ready_at") or "",
        unwatched=tuple(report.get("unwatched", ())),
        ks=max((f["statistic"] for f in report["drift"] if f["distance"] in _DISTANCES), default=None),
        adversary_loss=adversary.get("log_loss"),
        adversary=_adversary(report) if adversary.get("drifted") else "",
        gain=gain_of(report, policy),
        moved=tuple(_histogram(h) for h in report.get("histograms", ()) if h["column"] in features),
    )


def _scale(report: Json, column: str) -> float | None:
    """Standard deviation of a number column, in those of the reference."""
    facts = report.get("columns", {}).get(column, {})
    before, now = facts.get("deviation_before"), facts.get("deviation")
    return now / before if before and now is not None else None


def _group(slow: Json) -> str:
    """What a slow group is called, in reports of rules and in those before, of single levels."""
    clauses: list[str] = slow.get("clauses") or [f"{slow['column']} = {slow['level']}"]
    return " and ".join(clauses)


def _hours(until: str | None, as_of: str | None) -> float | None:
    return float((np.datetime64(as_of) - np.datetime64(until)) / np.timedelta64(1, "h")) if until and as_of else None


def _adversary(report: Json) -> str:
    """Address of what has learned to tell this window's rows from the reference's."""
    return f"adversaries/{report['model']}/v{report['version']}/{report['window']}"


def _histogram(record: Json) -> Histogram:
    fields: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in record.items()}
    return Histogram(**fields)


def _json(value: object) -> Json:
    record: Any = plain(value)
    return dict(record)
