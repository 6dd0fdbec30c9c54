"""Retrain, wait, get labels or fix the data: one window, one decision."""

from __future__ import annotations

from collections.abc import Sequence

from upkeep.core.retrain.case import Case, caveats_of, reasons_against, seen_in
from upkeep.core.retrain.change_point import fell_since
from upkeep.core.retrain.correction import FoundGain
from upkeep.core.retrain.decision import Decision, DecisionPolicy, DecisionState, HealthFacts
from upkeep.core.retrain.diagnosis import diagnose
from upkeep.core.retrain.recipes import Recipe, augment, upsample
from upkeep.errors import InputError

FORMAT = 1
#: Decided windows that the state remembers: more than any cooldown looks back.
REMEMBERED = 200
#: Standard error of a concept part whose report did not tell one; only how it compares with the others' matters.
UNKNOWN_ERROR = 0.01


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
    In this order: broken data first, as every other number rests on them; then labels; then what a retrain would win. A
    model fitted anew on recent labels must certainly be better by more than `max_loss`, whether or not accuracy fell: a drop
    by itself may be nothing that a newer model does better. Only where none could be judged, for want of labels or
    of features in the log, a drop of accuracy decides that is certain, large enough and seen often enough. Neither may
    lie within a cooldown, and both must be worth their cost. Drift alone is never a reason. Every condition that was not met
    is kept in `against`.

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
    case = Case(
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


def _verdict(case: Case) -> Decision:
    cause, against = case.diagnosis.cause, reasons_against(case)
    if cause == "data_integrity":
        return _decision(case, "fix_data", f"Fix the data first: {'; '.join(case.now.broken(case.policy))}.", against)
    if cause in ("too_few_labels", "late_labels") and _undecided(case):
        return _decision(case, "get_labels", f"Get labels: {_labels(case)}.", against)
    if against:
        return _decision(case, "wait", f"Wait: {_waiting(case, against)}.", against)
    recipes = _recipes(case)
    not_due = f" Not due: {'; '.join(case.past)}." if case.past else ""
    sentence = f"Retrain ({recipes[0]['name']}): {_reason(case)}. {case.diagnosis.sentence}{not_due}"
    less = "less than the correction did" if case.now.gain else "back less than the whole drop"
    caveats = (*case.past, f"a retrain may win {less}", *caveats_of(case))
    return _decision(case, "retrain", sentence, caveats, recipes)


def _reason(case: Case) -> str:
    """What there is to be won, and why."""
    now, gain = case.now, case.now.gain
    fell = f"accuracy fell by {-now.change:.1%} (at least {-now.change_high:.1%}), seen in {seen_in(case)}"
    told = [fell] if now.harmed(case.policy) else []
    if gain:
        span = f"from {gain.first.window} to {now.window}" if gain.first.window != now.window else f"of {now.window}"
        anew = f"a model fitted anew on recent labels is right more often by {gain.result.gain:.1%} (at least {gain.low:.1%})"
        told = [f"{anew} on the labels {span}", *told]
    return "; ".join([*told, f"main cause: {case.diagnosis.cause.replace('_', ' ')}"])


def _undecided(case: Case) -> bool:
    """Whether labels are too few, or too uneven to rule out a loss that matters."""
    return case.now.judged < case.policy.min_labels or case.now.change_low < -case.policy.max_loss


def _labels(case: Case) -> str:
    now, policy = case.now, case.policy
    when = f", expected by {now.labels_ready_at}" if now.labels_ready_at else ""
    few = now.judged < policy.min_labels
    told = f"{now.judged} are in, {policy.min_labels} are needed to judge the model{when}"
    if not few:
        told = f"{now.judged} are in, and a loss of up to {-now.change_low:.1%} cannot be ruled out{when}"
    return ". ".join([told, *(sentence.rstrip(".") for sentence in case.diagnosis.late)])


def _waiting(case: Case, against: tuple[str, ...]) -> str:
    if case.now.harmed(case.policy) or case.now.wins():
        return against[0]
    if case.diagnosis.cause == "drift":
        return f"{', '.join(case.now.drifted)} drifted, but accuracy shows no harm"
    if case.now.change_high >= 0:
        return "accuracy shows no certain drop"
    return f"accuracy fell by {-case.now.change:.1%}, within the {case.policy.max_loss:.1%} that is accepted"


def _recipes(case: Case) -> tuple[Recipe, ...]:
    """Ways to train for this cause, the one that should win back most first."""
    now, policy, full = case.now, case.policy, Recipe(name="full")
    if case.diagnosis.cause == "recoverable_loss" and now.gain:
        return Recipe(name="recent_window", since=_since_gain(case, now.gain)), full
    by_columns = upsample(now.moved, columns=policy.max_upsampled)
    by_rows = augment(now.adversary, since=case.harmed[0].since, share=policy.augment_share) if now.adversary else None
    recent = Recipe(name="recent_window", since=_since(case))
    tried = {
        "covariate_shift": (by_columns, by_rows, full),
        "concept_shift": (recent, full),
        "mixed": (recent, by_columns, full),
    }[case.diagnosis.cause]
    return tuple(recipe for recipe in tried if recipe)


def _since_gain(case: Case, gain: FoundGain) -> str:
    """Begin of the window that taught the first correction that won, or of as many windows as the policy wants."""
    before = [r.since for r in case.sound if r.version == case.now.version and r.window < gain.first.window]
    return min([*before[-1:], gain.first.since, *(r.since for r in case.sound[-case.policy.recent_windows :])])


def _since(case: Case) -> str:
    """Begin of the window that the concept part has been lower from on, or of as many windows as the policy wants."""
    own = [report for report in case.sound if report.version == case.now.version]
    errors = [report.parts.concept_error or UNKNOWN_ERROR for report in own]
    first = fell_since([report.parts.concept for report in own], errors)
    return min(report.since for report in (*own[first:], *case.sound[-case.policy.recent_windows :]))


def _decision(
    case: Case, action: str, sentence: str, against: tuple[str, ...], recipes: tuple[Recipe, ...] = ()
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
