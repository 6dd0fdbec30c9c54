"""Health facts of a window in a replay, from the same parts as a health report."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from upkeep.core.columns import select
from upkeep.core.drift.baseline import measure
from upkeep.core.drift.compare import FLOOR, ColumnDrift, compare
from upkeep.core.feedback.accuracy import estimate_accuracy
from upkeep.core.feedback.reference import ModelReference
from upkeep.core.profile.histogram import histogram
from upkeep.core.profile.profile import Profile
from upkeep.core.retrain.backtest.policy import Look
from upkeep.core.retrain.backtest.stream import Window
from upkeep.core.retrain.damage import is_damage
from upkeep.core.retrain.decision import DecisionPolicy, HealthFacts
from upkeep.core.retrain.kitagawa import Decomposition, kitagawa
from upkeep.core.retrain.lasting_drop import LastingDrop, lasting_drop

#: Kinds of finding that share the error probability of a model's life, as in a health report.
PARTS = 4
#: Columns that moved most surely, whose histograms recipes may weigh by.
MOVED = 6


class Watch:
    """One model under watch: what it was accepted on, and its windows so far.

    `accepted` are columns that someone has looked at; those found broken join them, as they are named once. `accuracy` is
    that of the held-out rows.
    """

    def __init__(self, look: Look, policy: DecisionPolicy, alpha: float, accepted: frozenset[str]) -> None:
        model, (first, stop) = look.model, look.model.rows
        self.version, self.accepted = model.version, accepted
        self._policy, self._part = policy, alpha / PARTS
        when = look.when[first:stop]
        self._reference = ModelReference.fit(
            table={}, when=when, scores=model.held_out_scores, labels=look.labels[model.held_out]
        )
        features, natural, _ = measure(look.accepted, when, max(1, round(look.window.hours)) / 24)
        self._profile = features.beside(self._reference.profile)
        self._tolerance = {key: max(FLOOR, value) for key, value in natural.items()}
        self.accuracy = self._reference.accuracy
        self._windows: list[Window] = []
        self._counted: dict[Window, tuple[int, float]] = {}

    def health(self, look: Look, window: Window) -> HealthFacts:
        """What is known at the look about a window, together with those before it that show the same drop."""
        self._windows.append(window)
        drop = self._drop(look)
        first = self._windows[-drop.windows]
        live = np.arange(window.start, window.stop)
        now = Profile.build(self._profile.grid, select(look.table, live) | {"score": look.scores[live]})
        drift = compare(self._profile, now, alpha=self._part, look=len(self._windows), tolerance=self._tolerance)
        damaged = self._damaged(drift.findings)
        moved = [name for name in drift.drifted if name != "score"][:MOVED]
        return HealthFacts(
            evidence=f"{window.name}/v{self.version}",
            window=window.name,
            since=str(first.since),
            version=str(self.version),
            labelled=drop.labelled,
            change=drop.change,
            change_low=drop.low,
            change_high=drop.high,
            parts=self._parts(look, first.start, window.stop),
            drifted=drift.drifted,
            damage=tuple(finding.sentence.rstrip(".") for finding in damaged),
            quarantine_share=0.0,
            moved=tuple(histogram(self._profile, now, name) for name in moved),
        )

    def _drop(self, look: Look) -> LastingDrop:
        """Pending rows count by what is expected of their bucket, but not as labels."""
        for window in self._windows:
            labels = look.labels[window.start : window.stop]
            known = int((~np.isnan(labels)).sum())
            if self._counted.get(window, (-1, 0.0))[0] != known:  # labels of earlier windows still come in
                seen = estimate_accuracy(self._reference, look.scores[window.start : window.stop], labels)
                self._counted[window] = known, known * (seen.combined.value or 0.0)
        labelled, right = zip(*(self._counted[window] for window in self._windows), strict=True)
        return lasting_drop(
            reference_correct=self._reference.correct,
            reference_rows=self._reference.rows,
            correct=right,
            labelled=labelled,
            alpha=self._part,
        )

    def _parts(self, look: Look, start: int, stop: int) -> Decomposition:
        seen = estimate_accuracy(self._reference, look.scores[start:stop], look.labels[start:stop])
        right = np.nan_to_num(seen.live_accuracy) * seen.live_rows
        return kitagawa(
            reference_rows=self._reference.bucket_rows,
            reference_correct=self._reference.bucket_correct,
            live_rows=seen.live_rows,
            live_correct=np.minimum(right, seen.live_rows),  # rounding may overshoot by one bit
        )

    def _damaged(self, findings: Iterable[ColumnDrift]) -> list[ColumnDrift]:
        features = (f for f in findings if f.column != "score" and f.column not in self.accepted)
        found = [
            f
            for f in features
            if f.drifted and is_damage(f.column, f.distance, f.before, f.after, f.low, policy=self._policy)
        ]
        self.accepted |= {finding.column for finding in found}
        return found
