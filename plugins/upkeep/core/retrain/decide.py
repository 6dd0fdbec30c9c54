"""Retrain, wait, get labels or fix the data: one window, one decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from upkeep.core.retrain.change_point import fell_since
from upkeep.core.retrain.decision import Decision, DecisionPolicy, DecisionState, Diagnosis, HealthFacts
from upkeep.core.retrain.diagnosis import diagnose
from upkeep.core.retrain.recipes import Recipe, augment, upsample
from upkeep.errors import InputError

FORMAT = 1
#: Decided windows that the state remembers: more than any cooldown looks back.
REMEMBERED = 200
#: Standard error of a concept part whose report did not tell one; only how it compares with the others' matters.
UNKNOWN_ERROR = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
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
        """Windows that show the drop, oldest first."""
        first, version = self.now.first_window, self.now.version
        if not first:
            return self.harmed
        return tuple(r for r in self.sound if r.version == version and r.window >= first)

    @property
    def gains(self) -> tuple[float, float, float]:
        """Expected gain of a retrain with its interval, after cost."""
        per_unit = self.policy.horizon_rows * self.policy.cost_error
        ends = (-self.now.change, -self.now.change_high, -self.now.change_low)
        expected, low, high = (per_unit * max(0.0, end) - self.policy.cost_retrain for end in ends)
        return expected, low, high


def decide(
    reports: Sequence[HealthFacts], *, policy: DecisionPolicy, state: DecisionState, live: str | None = None
) -> tuple[Decision, DecisionState]:
    """Decide about the last of the reports.

    Parameters
    ----------
    reports : sequence of HealthFacts
        Windows up to the one to decide, oldest first. A drop is counted over the last of them, in those of its model
        version only.
    policy : DecisionPolicy
    state : dict
        What the last call returned, ``{}`` at first.
    live : str, optional
        Model version of the newest report that there is, where it is not among `reports`.

    Returns
    -------
    Decision, dict
        A pure function of the reports, and of other windows in the state: deciding a window again gives the same
        decision and the same state. A window that is decided again after later ones is not due if a retrain was
        suggested for one of them, or if another version is live.

    Notes
    -----
    In this order: broken data first, as every other number rests on them; then labels; then a drop of accuracy that is
    certain, large enough, seen often enough, not within a cooldown and worth its cost. Drift alone is never
    a reason: a retrain must have something to win back. Every condition that was not met is kept in `against`.

    A drop that windows show only together (`pooled`) has been seen often enough: no `windows_needed` - 1 of them carry it.
    """
    if not reports:
        raise InputError("at least one health report is needed to decide about, got none. Monitor the window first.")
    if state and state.get("format") != FORMAT:
        raise InputError(f"a decision state must have format {FORMAT}, got {state.get('format')!r}. Start from {{}}.")
    now = reports[-1]
    history = state.get("history", [])
    looked = reports[-policy.windows_looked :]  # first of all, or a version that came back would count its former life
    retrains = [p["window"] for p in history if p["action"] == "retrain" and p["window"] != now.window]
    known = {report.window for report in reports} | {p["window"] for p in history}
    case = _Case(
        now=now,
        sound=tuple(report for report in reports if not report.broken(policy)),
        harmed=tuple(r for r in looked if r.version == now.version and r.harmed(policy)),
        cooling=_cooling(retrains, now.window, known, policy),
        past=_past(retrains, now, live),
        policy=policy,
        diagnosis=diagnose(reports, policy),
    )
    decision = _verdict(case)
    kept = [past for past in history if past["window"] != now.window]
    kept.append({"window": now.window, "action": decision.action, "harmed": now.harmed(policy)})
    kept.sort(key=lambda past: past["window"])
    return decision, {"format": FORMAT, "history": kept[-REMEMBERED:]}


def _cooling(retrains: list[str], now: str, known: set[str], policy: DecisionPolicy) -> tuple[str, ...]:
    before, after = [w for w in retrains if w < now], [w for w in retrains if w > now]
    reasons = []
    if before:
        left = policy.cooldown_windows + 1 - sum(max(before) < window <= now for window in known)
        if left > 0:
            reasons.append(f"a retrain was suggested lately; {left} more window(s) of cooldown")
    if after and sum(now < window <= min(after) for window in known) <= policy.cooldown_windows:
        reasons.append(f"a retrain was suggested soon after, for window {min(after)}")
    return tuple(reasons)


def _past(retrains: list[str], now: HealthFacts, live: str | None) -> tuple[str, ...]:
    later = min((window for window in retrains if window > now.window), default=None)
    reasons = [
        (later is not None, f"a retrain was suggested for a later window, {later}"),
        (live not in (None, now.version), f"version {live} is live, not {now.version}"),
    ]
    return tuple(sentence for applies, sentence in reasons if applies)


def _verdict(case: _Case) -> Decision:
    cause, against = case.diagnosis.cause, _against(case)
    if cause == "data_integrity":
        return _decision(case, "fix_data", f"Fix the data first: {'; '.join(case.now.broken(case.policy))}.", against)
    if cause in ("too_few_labels", "late_labels") and _undecided(case):
        return _decision(case, "get_labels", f"Get labels: {_labels(case)}.", against)
    if against:
        return _decision(case, "wait", f"Wait: {_waiting(case, against)}.", against)
    recipes = _recipes(case)
    not_due = f" Not due: {'; '.join(case.past)}." if case.past else ""
    sentence = (
        f"Retrain ({recipes[0]['name']}): accuracy fell by {-case.now.change:.1%} (at least {-case.now.change_high:.1%}), seen "
        f"in {_seen(case)}; main cause: {cause.replace('_', ' ')}. "
        f"{case.diagnosis.sentence}{not_due}"
    )
    caveats = (*case.past, "a retrain may win back less than the whole drop", *_caveats(case))
    return _decision(case, "retrain", sentence, caveats, recipes)


def _seen(case: _Case) -> str:
    now = case.now
    if now.first_window:
        return f"the windows from {now.first_window} to {now.window} together"
    return f"{len(case.harmed)} of the last {case.policy.windows_looked} windows"


def _undecided(case: _Case) -> bool:
    """Whether labels are too few, or too uneven to rule out a loss that matters."""
    return case.now.judged < case.policy.min_labels or case.now.change_low < -case.policy.max_loss


def _labels(case: _Case) -> str:
    now, policy = case.now, case.policy
    when = f", expected by {now.labels_ready_at}" if now.labels_ready_at else ""
    few = now.judged < policy.min_labels
    told = f"{now.judged} are in, {policy.min_labels} are needed to judge the model{when}"
    if not few:
        told = f"{now.judged} are in, and a loss of up to {-now.change_low:.1%} cannot be ruled out{when}"
    return ". ".join([told, *(sentence.rstrip(".") for sentence in case.diagnosis.late)])


def _waiting(case: _Case, against: tuple[str, ...]) -> str:
    if case.now.harmed(case.policy):
        return against[0]
    if case.diagnosis.cause == "drift":
        return f"{', '.join(case.now.drifted)} drifted, but accuracy shows no harm"
    if case.now.change_high >= 0:
        return "accuracy shows no certain drop"
    return f"accuracy fell by {-case.now.change:.1%}, within the {case.policy.max_loss:.1%} that is accepted"


def _against(case: _Case) -> tuple[str, ...]:
    """Every reason not to retrain now."""
    now, policy = case.now, case.policy
    expected = case.gains[0]
    reasons = [
        (now.judged < policy.min_labels, f"only {now.judged} labels are in, {policy.min_labels} are needed"),
        (now.change_high >= 0, "a drop of accuracy is not certain: the interval of the change reaches 0"),
        (
            -now.change <= policy.max_loss,
            f"accuracy changed by {now.change:+.1%}; a loss up to {policy.max_loss:.1%} is accepted",
        ),
        (
            len(case.harmed) < policy.windows_needed and not now.first_window,
            f"the drop shows in {_seen(case)}, not in {policy.windows_needed}",
        ),
        *((True, sentence) for sentence in case.cooling),
        (expected <= 0, f"a retrain costs more than it wins back ({expected:+.0f} over {policy.horizon_rows} rows)"),
    ]
    return tuple(sentence for applies, sentence in reasons if applies)


def _caveats(case: _Case) -> tuple[str, ...]:
    """What speaks against the cause of a suggested retrain."""
    blind, diagnosis = case.now.parts.blind, case.diagnosis
    reasons = [
        (not diagnosis.certain, "which part of the loss is the larger is not certain"),
        (blind > 0, f"{blind:.0%} of the rows lie in buckets without any label"),
    ]
    return tuple(sentence for applies, sentence in reasons if applies) + diagnosis.late


def _recipes(case: _Case) -> tuple[Recipe, ...]:
    """Ways to train for this cause, the one that should win back most first."""
    now, policy, full = case.now, case.policy, Recipe(name="full")
    by_columns = upsample(now.moved, columns=policy.max_upsampled)
    by_rows = augment(now.adversary, since=case.harmed[0].since, share=policy.augment_share) if now.adversary else None
    recent = Recipe(name="recent_window", since=_since(case))
    tried = {
        "covariate_shift": (by_columns, by_rows, full),
        "concept_shift": (recent, full),
        "mixed": (recent, by_columns, full),
    }[case.diagnosis.cause]
    return tuple(recipe for recipe in tried if recipe)


def _since(case: _Case) -> str:
    """Begin of the window that the concept part has been lower from on, or of as many windows as the policy wants."""
    own = [report for report in case.sound if report.version == case.now.version]
    errors = [report.parts.concept_error or UNKNOWN_ERROR for report in own]
    first = fell_since([report.parts.concept for report in own], errors)
    return min(report.since for report in (*own[first:], *case.sound[-case.policy.recent_windows :]))


def _decision(
    case: _Case, action: str, sentence: str, against: tuple[str, ...], recipes: tuple[Recipe, ...] = ()
) -> Decision:
    expected, low, high = case.gains
    return Decision(
        window=case.now.window,
        version=case.now.version,
        action=action,
        cause=case.diagnosis.cause,
        expected_gain=expected,
        gain_low=low,
        gain_high=high,
        recipe=recipes[0] if recipes else {},
        recipes=recipes,
        diagnosis=case.diagnosis,
        evidence=tuple(dict.fromkeys([*(report.evidence for report in case.witnesses), case.now.evidence])),
        against=against,
        due=action == "retrain" and not case.past,
        sentence=sentence,
    )
