"""Facts of a window together with those before it, where a drop is too small to be certain in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from upkeep.core.retrain.decision import DecisionPolicy, HealthFacts
from upkeep.core.retrain.lasting_drop import lasting_drop


def pooled(reports: Sequence[HealthFacts], policy: DecisionPolicy) -> tuple[HealthFacts, ...]:
    """Each report with the drop that it and the windows before it show together, if that is certain and its own is not.

    Parameters
    ----------
    reports : sequence of HealthFacts
        Oldest first.
    policy : DecisionPolicy
        `drop_alpha` is spent over the windows of a version, see `lasting_drop`.

    Notes
    -----
    Windows of one version whose data are not broken are added up. Nothing is added where the report does not say how many
    rows its version was accepted on.
    """
    return tuple(_pooled(reports[: i + 1], policy) for i in range(len(reports)))


def _pooled(reports: Sequence[HealthFacts], policy: DecisionPolicy) -> HealthFacts:
    now = reports[-1]
    own = [r for r in reports if r.version == now.version and r.reference_rows and not r.broken(policy)]
    if now.change_high < 0 or not own or own[-1] is not now:
        return now
    drop = lasting_drop(
        reference_correct=now.reference_right,
        reference_rows=now.reference_rows,
        correct=[min(report.right, report.labelled) for report in own],
        labelled=[report.labelled for report in own],
        alpha=policy.drop_alpha,
    )
    if drop.high >= 0:
        return now
    return replace(
        now,
        since=own[-drop.windows].since,
        labelled=max(now.labelled, drop.labelled),
        change=drop.change,
        change_low=drop.low,
        change_high=drop.high,
    )
