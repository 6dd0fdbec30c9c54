"""The health of a model version's windows, and what a newer model would win, measured by the core as in a health report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, concatenate, select
from upkeep.core.drift.adversary import Adversary
from upkeep.core.drift.compare import compare
from upkeep.core.drift.spending import spend
from upkeep.core.feedback.accuracy import AccuracyEstimate, estimate_accuracy
from upkeep.core.feedback.delays import summarise_delays
from upkeep.core.feedback.late.look import late_rules
from upkeep.core.feedback.late.terms import Terms
from upkeep.core.feedback.reference import ModelReference
from upkeep.core.profile.histogram import histogram
from upkeep.core.profile.profile import Profile
from upkeep.core.retrain.correction import ROWS, FoundGain, GainLook, found_gain, judged, teachable
from upkeep.core.retrain.damage import is_damage
from upkeep.core.retrain.decide import decide
from upkeep.core.retrain.decision import Decision, DecisionPolicy, DecisionState, HealthFacts
from upkeep.core.retrain.kitagawa import Decomposition, kitagawa
from upkeep.core.retrain.loss_buckets import LossBuckets

Scorer = Callable[[Columns], NDArray[np.float64]]
#: Of the life's error probability, for each kind of finding.
PART = 0.05 / 4
THRESHOLD = 0.5
POLICY = DecisionPolicy(max_loss=0.03, windows_needed=2, windows_looked=3, min_labels=200)


class Life:
    """A version with what it was accepted on, the windows it has seen since, and what was decided about them.

    `group` is the column whose levels may be late, `due_h` after how many hours a label is. `learner` fits corrections.
    """

    def __init__(
        self,
        train: Columns,
        held_out: Columns,
        scorer: Scorer,
        *,
        learner: Callable[[Columns, NDArray[Any]], Scorer],
        features: Sequence[str],
        group: str,
        due_h: float,
        seed: int,
    ) -> None:
        self.features, self.group, self.due_h, self.scorer = tuple(features), group, due_h, scorer
        self.tables, self.learner = [train], learner
        self.taught: Columns = {}
        self.gains: list[GainLook] = []
        scores, labels = scorer(held_out), held_out["label"]
        whole = concatenate([self._chosen(train), self._chosen(held_out)])
        self.reference = ModelReference.fit(
            table=whole,
            # windows are weeks, and one moment per week spares the measuring of shorter ones
            when=_weeks(np.concatenate([train["when"], held_out["when"]])),
            scores=scores,
            labels=labels,
            profile_scores=scorer(whole),
        )
        self.buckets = LossBuckets.fit(self._chosen(held_out), scores, labels)
        self.adversary = Adversary.start(self._chosen(held_out), rng=np.random.default_rng(seed))
        self.facts: list[HealthFacts] = []
        self.score_bucket_facts: list[HealthFacts] = []
        self.state: DecisionState = {}

    def window(self, table: Columns, came: NDArray[np.datetime64], *, days: int = 7, refused: float = 0.0) -> Decision:
        """Look at the next window and decide; labels are NaN while pending, `came` then NaT."""
        look = len(self.facts) + 1
        logged = [name for name in self.features if name in table]
        scores = self.scorer(table)
        accuracy = estimate_accuracy(self.reference, scores, table["label"], alpha=PART, look=look)
        known = self.reference.profile.only([*logged, "score"])
        now = Profile.build(known.grid, {name: table[name] for name in logged} | {"score": scores})
        tolerated = dict.fromkeys(known.columns, 0.02) | {
            key: max(0.02, value) for key, value in self.reference.natural(24.0 * days).items()
        }
        drift = compare(known, now, alpha=PART, look=look, tolerance=tolerated)
        since = table["when"].min().astype("datetime64[D]").astype("datetime64[us]")
        until = since + np.timedelta64(days, "D")
        delays = summarise_delays(came, table["when"], until)
        slow = late_rules(
            {self.group: table[self.group]},
            came,
            table["when"],
            until,
            due_h=self.due_h,
            terms=Terms(alpha=spend(PART, look)),
        )
        complete = len(logged) == len(self.features)
        rows = self._chosen(table) if complete else {}
        own = self._parts_by_loss(rows, scores, table["label"]) if complete else self._parts(accuracy, scores, table)
        facts = HealthFacts(
            evidence=f"window {look}",
            window=str(until.astype("datetime64[D]")),
            since=str(since),
            version="1",
            labelled=delays.labelled,
            change=accuracy.change.value or 0.0,
            change_low=accuracy.change.low,
            change_high=accuracy.change.high,
            parts=own,
            drifted=drift.drifted,
            damage=tuple(
                f.sentence
                for f in drift.findings
                if f.drifted
                and is_damage(
                    f.column, f.distance, f.before, f.after, f.low, policy=POLICY, scale=_scale(known, now, f.column)
                )
            ),
            quarantine_share=refused,
            rows=delays.rows,
            lag_h=0.0,
            slow={" and ".join(rule.clauses): rule.sentence for rule in slow.rules},
            unwatched=tuple(name for name in self.features if name not in table),
            ks=max(f.statistic for f in drift.findings if f.distance in ("ks", "total_variation")),
            moved=tuple(histogram(known, now, name) for name in drift.drifted if name != "score"),
            gain=self._gain(table, scores, (str(until.astype("datetime64[D]")), str(since))),
            **(self._told_apart(rows, look) if complete else {}),
        )
        self.tables.append(table)
        self.facts.append(facts)
        self.score_bucket_facts.append(replace(facts, parts=self._parts(accuracy, scores, table)))
        decision, self.state = decide(self.facts, policy=POLICY, state=self.state)
        return decision

    def _gain(self, table: Columns, scores: NDArray[np.float64], named: tuple[str, str]) -> FoundGain | None:
        """Judge the correction that the window before has taught; labels that come after their window teach nothing."""
        window, since = named
        if set(self.features) <= set(table):
            known = select(self._chosen(table) | {"score": scores, "label": table["label"]}, ~np.isnan(table["label"]))
            label = known.pop("label") == 1
            if self.taught and len(label):
                taught = {name: values for name, values in self.taught.items() if name != "label"}
                corrected = self.learner(taught, self.taught["label"])(known) >= THRESHOLD
                predicted = known["score"] >= THRESHOLD
                look = judged(window=window, since=since, label=label, predicted=predicted, corrected=corrected)
                self.gains.append(look)
            newest = select(known | {"label": label.astype(int)}, np.arange(len(label))[-ROWS:])
            self.taught = newest if teachable(newest["label"] == 1, POLICY.min_labels) else {}
        return found_gain(self.gains, tolerated=POLICY.max_loss, alpha=POLICY.gain_alpha, least=POLICY.min_labels)

    def labelled_rows(self) -> Columns:
        """All labelled rows up to now."""
        names = [*self.features, "when", "label"]
        together = concatenate([{name: part[name] for name in names} for part in self.tables])
        return select(together, ~np.isnan(together["label"]))

    def live_scores(self, table: Columns) -> NDArray[np.float64]:
        """What the last window's adversary says of rows."""
        return self.judge.scores(self._chosen(table))

    def _chosen(self, table: Columns) -> Columns:
        return {name: table[name] for name in self.features}

    def _told_apart(self, rows: Columns, look: int) -> dict[str, Any]:
        self.judge = self.adversary.update(rows)
        self.adversary = self.judge.next_window()
        report = self.judge.report(look=look, alpha=PART)
        return {"adversary_loss": report.log_loss, "adversary": f"look {look}" if report.drifted else ""}

    def _parts_by_loss(self, rows: Columns, scores: NDArray[np.float64], labels: NDArray[np.float64]) -> Decomposition:
        return self.buckets.parts(self.buckets.of(rows, scores), scores, labels)

    def _parts(self, accuracy: AccuracyEstimate, scores: NDArray[np.float64], table: Columns) -> Decomposition:
        """By score bucket, as a window is split where the features are not at hand."""
        right = np.nan_to_num(accuracy.live_accuracy) * accuracy.live_rows
        at = self.reference.bucket_of(scores[~np.isnan(table["label"])])
        return kitagawa(
            reference_rows=self.reference.bucket_rows,
            reference_correct=self.reference.bucket_correct,
            live_rows=accuracy.live_rows,
            live_correct=np.minimum(right, accuracy.live_rows),
            live_known=np.bincount(at, minlength=len(accuracy.live_rows)),
        )


def _scale(before: Profile, now: Profile, column: str) -> float | None:
    then, later = before.deviation(column), now.deviation(column)
    return later / then if then and later is not None else None


def _weeks(when: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    first = when.min()
    week = np.timedelta64(7, "D").astype("timedelta64[us]")
    return np.asarray(first + (when - first) // week * week)
