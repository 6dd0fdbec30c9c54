"""Facts of a window together with those before it, where a drop is too small to be certain in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from upkeep.core.retrain.decision import DecisionPolicy, HealthFacts
from upkeep.core.retrain.lasting_drop import LastingDrop, lasting_drop


def pooled(reports: Sequence[HealthFacts], policy: DecisionPolicy) -> tuple[HealthFacts, ...]:
    """Each report with the drop that it and the windows before it show together, if it cannot show one alone.

    Parameters
    ----------
    reports : sequence of HealthFacts
        Oldest first.
    policy : DecisionPolicy
        `drop_alpha` is spent over the windows of a version, see `lasting_drop`.

    Notes
    -----
    Windows of one version whose data are not broken are added up: the fewest that show a certain drop on `min_labels`
    labels, also if the worst `windows_needed` - 1 of them are left out. So one stretch is evidence of `windows_needed`
    windows, and overlapping stretches need not be counted.

    A model that has recovered has such a stretch behind it for long. So the window's own accuracy must lie below the
    reference's, and however many of the newest windows of the stretch are taken together, theirs must lie by more than
    `max_loss` below what the stretch is held against. Nothing is added where a window has no labels, or where the report
    does not say how many rows its version was accepted on.
    """
    return tuple(_pooled(reports[: i + 1], policy) for i in range(len(reports)))


def _pooled(reports: Sequence[HealthFacts], policy: DecisionPolicy) -> HealthFacts:
    now = reports[-1]
    own = [r for r in reports if r.version == now.version and r.reference_rows and not r.broken(policy)]
    certain_alone = now.change_high < 0 and now.labelled >= policy.min_labels
    if certain_alone or now.change >= 0 or not now.labelled or not own or own[-1] is not now:
        return now
    drop = lasting_drop(
        reference_correct=now.reference_right,
        reference_rows=now.reference_rows,
        correct=[min(report.right, report.labelled) for report in own],
        labelled=[report.labelled for report in own],
        alpha=policy.drop_alpha,
        enough=policy.min_labels,
        without=policy.windows_needed - 1,
    )
    stretch = own[-drop.windows :]
    if drop.high >= 0 or not _lasts(stretch, drop, policy):
        return now
    return replace(
        now,
        since=stretch[0].since,
        first_window=stretch[0].window,
        pooled_labels=drop.labelled,
        change=drop.change,
        change_low=drop.low,
        change_high=drop.high,
    )


def _lasts(stretch: Sequence[HealthFacts], drop: LastingDrop, policy: DecisionPolicy) -> bool:
    """Whether the newest window of the stretch, the newest two, three, ... and all of it point to a loss that matters."""
    right = np.cumsum([min(report.right, report.labelled) for report in reversed(stretch)])
    accuracy = right / np.cumsum([report.labelled for report in reversed(stretch)])
    return bool((accuracy < accuracy[-1] - drop.change - policy.max_loss).all())
