"""The window under decision, and what speaks against a retrain."""

from __future__ import annotations

from dataclasses import dataclass

from upkeep.core.retrain.decision import DecisionPolicy, HealthFacts
from upkeep.core.retrain.diagnosed import Diagnosis


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The window under decision with what surrounds it."""

    now: HealthFacts
    sound: tuple[HealthFacts, ...]  # all windows whose data are not broken, oldest first
    harmed: tuple[HealthFacts, ...]  # of the last windows_looked, oldest first
    cooling: tuple[str, ...]  # why a retrain that was suggested for another window is too near, sentences
    past: tuple[str, ...]  # why nothing is to be done about the window any more, sentences
    policy: DecisionPolicy
    diagnosis: Diagnosis

    @property
    def witnesses(self) -> tuple[HealthFacts, ...]:
        """Windows that show what is to be won, or the drop, oldest first."""
        first, version = self.now.first_window, self.now.version
        if self.now.gain and self.now.wins():
            first = self.now.gain.first.window
        if not first:
            return self.harmed
        return tuple(r for r in self.sound if r.version == version and r.window >= first)

    @property
    def gains(self) -> tuple[float, float, float]:
        """Expected gain of a retrain with its interval, after cost."""
        per_unit = self.policy.horizon_rows * self.policy.cost_error
        ends = (-self.now.change, -self.now.change_high, -self.now.change_low)
        if self.now.gain:
            ends = (self.now.gain.result.gain, self.now.gain.low, self.now.gain.result.high)
        expected, low, high = (per_unit * max(0.0, end) - self.policy.cost_retrain for end in ends)
        return expected, low, high


def seen_in(case: Case) -> str:
    now = case.now
    if now.first_window:
        return f"the windows from {now.first_window} to {now.window} together"
    return f"{len(case.harmed)} of the last {case.policy.windows_looked} windows"


def reasons_against(case: Case) -> tuple[str, ...]:
    """Every reason not to retrain now."""
    policy, expected = case.policy, case.gains[0]
    reasons = [
        *((True, sentence) for sentence in (_nothing_to_win(case) if case.now.gain else _no_drop(case))),
        *((True, sentence) for sentence in case.cooling),
        (expected <= 0, f"a retrain costs more than it wins back ({expected:+.0f} over {policy.horizon_rows} rows)"),
    ]
    return tuple(sentence for applies, sentence in reasons if applies)


def _nothing_to_win(case: Case) -> tuple[str, ...]:
    if case.now.wins():
        return ()
    return (
        f"no model fitted anew on recent labels is certainly right more often by more than {case.policy.max_loss:.1%}",
    )


def _no_drop(case: Case) -> tuple[str, ...]:
    """What lacks for a drop that is reason enough by itself."""
    now, policy = case.now, case.policy
    reasons = [
        (now.judged < policy.min_labels, f"only {now.judged} labels are in, {policy.min_labels} are needed"),
        (now.change_high >= 0, "a drop of accuracy is not certain: the interval of the change reaches 0"),
        (
            -now.change <= policy.max_loss,
            f"accuracy changed by {now.change:+.1%}; a loss up to {policy.max_loss:.1%} is accepted",
        ),
        (
            len(case.harmed) < policy.windows_needed and not now.first_window,
            f"the drop shows in {seen_in(case)}, not in {policy.windows_needed}",
        ),
    ]
    return tuple(sentence for applies, sentence in reasons if applies)


def caveats_of(case: Case) -> tuple[str, ...]:
    """What speaks against the cause of a suggested retrain."""
    blind, diagnosis = case.now.parts.blind, case.diagnosis
    reasons = [
        (not diagnosis.certain, "which part of the loss is the larger is not certain"),
        (blind > 0, f"{blind:.0%} of the rows lie in buckets without any label"),
    ]
    return tuple(sentence for applies, sentence in reasons if applies) + diagnosis.late
