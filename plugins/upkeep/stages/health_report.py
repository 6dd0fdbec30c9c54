"""What a health report says: the record that is stored, and its sentences."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from upkeep.core.plain import plain
from upkeep.ports import Json
from upkeep.stages.health import PARTS, Health
from upkeep.stages.health_labels import ALPHA, Performance

FORMAT = 1


def health_report(health: Health, facts: Json) -> Json:
    """The record of a window: `facts` name it, and decide whether it has to be looked at again."""
    gain = facts.get("recoverable") or {}
    sentences = _sentences(health) + ([gain["sentence"]] if gain else [])
    alpha = PARTS * health.drift.alpha
    accuracy = health.accuracy
    parts = ("labelled", "unlabelled", "combined", "reference", "change")
    estimate = health.performance.accuracy if health.performance else accuracy.combined
    record: Any = plain(
        facts
        | {
            "format": FORMAT,
            "look": health.drift.look,
            "alpha": alpha,
            "promise": _promise(alpha, gain.get("alpha")),
            "drift": [asdict(finding) for finding in health.drift.findings],
            "drifted": health.drift.drifted,
            "accuracy": {part: asdict(getattr(accuracy, part)) for part in parts} | {"estimate": asdict(estimate)},
            "performance": _performance(health.performance) if health.performance else None,
            "kitagawa": asdict(health.parts),
            "delays": _delays(health),
            "adversary": asdict(health.adversary) if health.adversary else None,
            "unwatched": health.unwatched,
            "columns": {name: asdict(facts) for name, facts in health.columns.items()},
            "histograms": [asdict(shown) for shown in health.histograms],
            "sentence": " ".join(sentences[:2]),
            "sentences": sentences,
        }
    )
    return dict(record)


def _performance(performance: Performance) -> Json:
    metrics = {name: asdict(metric) for name, metric in performance.metrics.items()}
    return {
        "metrics": metrics,
        "method": performance.method,
        "assumption": performance.accuracy.assumption,
        "alpha": ALPHA,
        "rows": performance.rows,
        "of": performance.of,
    }


def _delays(health: Health) -> Json:
    rules, change = health.late.rules if health.late else (), health.delay_change
    return asdict(health.delays) | {
        "ready_at": health.ready_at,
        "slow": [asdict(rule) for rule in rules],
        "due_h": health.due_h if np.isfinite(health.due_h) else None,
        "change": asdict(change) | {"sentence": change.sentence} if change else None,
    }


def _promise(alpha: float, of_gain: float | None) -> str:
    own = f" What a model fitted anew would win has a chance of its own, {of_gain:g}." if of_gain else ""
    return (
        f"The chance that these reports ever say something false, over the whole life of this model version, is at most "
        f"{alpha:g}: a quarter of it for a column called drifted within its tolerance (all columns together), a quarter for "
        "live rows said to differ as a whole, a quarter for an interval of the change of accuracy that misses it, and a "
        "quarter for labels called slower, faster, or late in a group. It rests on the "
        "assumptions named beside each estimate, and on rows that are independent within a window." + own
    )


def _sentences(health: Health) -> list[str]:
    drift, change = health.drift, health.accuracy.change
    now = health.performance.accuracy if health.performance else health.accuracy.combined
    named = ", ".join(drift.drifted)
    verdict = "worse than" if change.high < 0 else "better than" if change.low > 0 else "not shown to differ from"
    lines = [
        f"Accuracy {now.value or 0.0:.1%} ({now.low:.1%} to {now.high:.1%}) with {health.delays.share_labelled:.0%} of "
        f"{drift.rows} labels in: {verdict} the reference's {health.accuracy.reference.value or 0.0:.1%}.",
        f"Drifted: {named}." if named else "No column drifted.",
    ]
    lines += [finding.sentence for finding in drift.findings if finding.drifted]
    if health.adversary and health.adversary.drifted:
        lines.append(health.adversary.sentence)
    if health.unwatched:
        lines.append(f"Not logged any more, and so not watched: {', '.join(health.unwatched)}.")
    if health.delay_change and (health.delay_change.slower or health.delay_change.faster):
        lines.append(health.delay_change.sentence)
    return lines + [rule.sentence for rule in (health.late.rules if health.late else ())]
