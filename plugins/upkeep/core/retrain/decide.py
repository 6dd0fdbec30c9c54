"""Retrain, wait, get labels or fix the data: one window, one decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from upkeep.core.retrain.decision import Decision, DecisionPolicy, DecisionState, HealthFacts, Recipe
from upkeep.errors import InputError

FORMAT = 1
#: Decided windows that the state remembers: more than any cooldown looks back.
REMEMBERED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """The window under decision with what surrounds it."""

    now: HealthFacts
    sound: tuple[HealthFacts, ...]  # all windows whose data are not broken, oldest first
    harmed: tuple[HealthFacts, ...]  # of the last windows_looked, oldest first
    cooling: int  # windows of the cooldown that are still to come, this one included
    policy: DecisionPolicy

    @property
    def gains(self) -> tuple[float, float, float]:
        """Expected gain of a retrain with its interval, after cost."""
        per_unit = self.policy.horizon_rows * self.policy.cost_error
        ends = (-self.now.change, -self.now.change_high, -self.now.change_low)
        expected, low, high = (per_unit * max(0.0, end) - self.policy.cost_retrain for end in ends)
        return expected, low, high


def decide(
    reports: Sequence[HealthFacts], *, policy: DecisionPolicy, state: DecisionState
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

    Returns
    -------
    Decision, dict
        A pure function of the reports, and of earlier windows in the state: deciding a window again gives
        the same decision and the same state.

    Notes
    -----
    In this order: broken data first, as every other number rests on them; then labels; then a drop of accuracy that is
    certain, large enough, seen often enough, not within a cooldown and worth its cost. Drift alone is never
    a reason: a retrain must have something to win back. Every condition that was not met is kept in `against`.
    """
    if not reports:
        raise InputError("at least one health report is needed to decide about, got none. Monitor the window first.")
    if state and state.get("format") != FORMAT:
        raise InputError(f"a decision state must have format {FORMAT}, got {state.get('format')!r}. Start from {{}}.")
    now = reports[-1]
    history = state.get("history", [])
    looked = reports[-policy.windows_looked :]  # first of all, or a version that came back would count its former life
    case = _Case(
        now=now,
        sound=tuple(report for report in reports if not report.broken(policy)),
        harmed=tuple(r for r in looked if r.version == now.version and r.harmed(policy)),
        cooling=_cooling([p["window"] for p in history if p["action"] == "retrain"], reports, policy),
        policy=policy,
    )
    decision = _verdict(case)
    kept = [past for past in history if past["window"] != now.window]
    kept.append({"window": now.window, "action": decision.action, "harmed": now.harmed(policy)})
    kept.sort(key=lambda past: past["window"])
    return decision, {"format": FORMAT, "history": kept[-REMEMBERED:]}


def _cooling(retrains: list[str], reports: Sequence[HealthFacts], policy: DecisionPolicy) -> int:
    now = reports[-1].window
    last = max((window for window in retrains if window < now), default=None)
    if last is None:
        return 0
    since = len({report.window for report in reports if last < report.window <= now})
    return max(0, policy.cooldown_windows - since + 1)


def _verdict(case: _Case) -> Decision:
    now = case.now
    damage = now.broken(case.policy)
    if damage:
        sentence = f"Fix the data first: {'; '.join(damage)}."
        return _decision(case, "fix_data", "data_integrity", sentence, against=_against(case))
    if now.labelled < case.policy.min_labels:
        sentence = f"Get labels: {now.labelled} are in, {case.policy.min_labels} are needed to judge the model."
        return _decision(case, "get_labels", "too_few_labels", sentence, against=_against(case))
    against = _against(case)
    if against:
        return _wait(case, against)
    cause, recipe = _recipe(case)
    sentence = (
        f"Retrain ({recipe['name']}): accuracy fell by {-now.change:.1%} (at least {-now.change_high:.1%}), seen in "
        f"{len(case.harmed)} of the last {case.policy.windows_looked} windows; main cause: {cause.replace('_', ' ')}."
    )
    return _decision(
        case, "retrain", cause, sentence, against=("a retrain may win back less than the whole drop",), recipe=recipe
    )


def _wait(case: _Case, against: tuple[str, ...]) -> Decision:
    harmed = case.now.harmed(case.policy)
    if case.now.drifted and not harmed:
        named = ", ".join(case.now.drifted)
        return _decision(case, "wait", "drift", f"Wait: {named} drifted, but accuracy shows no harm.", against=against)
    if harmed:
        return _decision(case, "wait", _recipe(case)[0], f"Wait: {against[0]}.", against=against)
    return _decision(case, "wait", "none", f"Wait: {_health(case)}.", against=against)


def _health(case: _Case) -> str:
    """How a window without harm is."""
    if case.now.change_high >= 0:
        return "accuracy shows no certain drop"
    return f"accuracy fell by {-case.now.change:.1%}, within the {case.policy.max_loss:.1%} that is accepted"


def _against(case: _Case) -> tuple[str, ...]:
    """Every reason not to retrain now."""
    now, policy = case.now, case.policy
    expected = case.gains[0]
    reasons = [
        (now.labelled < policy.min_labels, f"only {now.labelled} labels are in, {policy.min_labels} are needed"),
        (now.change_high >= 0, "a drop of accuracy is not certain: the interval of the change reaches 0"),
        (
            -now.change <= policy.max_loss,
            f"accuracy changed by {now.change:+.1%}; a loss up to {policy.max_loss:.1%} is accepted",
        ),
        (
            len(case.harmed) < policy.windows_needed,
            f"the drop shows in {len(case.harmed)} of the last {policy.windows_looked} windows, not in {policy.windows_needed}",
        ),
        (case.cooling > 0, f"a retrain was suggested lately; {case.cooling} more window(s) of cooldown"),
        (expected <= 0, f"a retrain costs more than it wins back ({expected:+.0f} over {policy.horizon_rows} rows)"),
    ]
    return tuple(sentence for applies, sentence in reasons if applies)


def _recipe(case: _Case) -> tuple[str, Recipe]:
    """The larger loss of the two parts of the change decides how to train."""
    parts = case.now.parts
    if parts.concept <= parts.covariate:
        windows = max(case.policy.recent_windows, len(case.harmed))
        return "concept_shift", {
            "name": "recent_window",
            "since": min(window.since for window in case.sound[-windows:]),
        }
    return "covariate_shift", {"name": "full"}


def _decision(
    case: _Case, action: str, cause: str, sentence: str, *, against: tuple[str, ...], recipe: Recipe | None = None
) -> Decision:
    expected, low, high = case.gains
    return Decision(
        window=case.now.window,
        version=case.now.version,
        action=action,
        cause=cause,
        expected_gain=expected,
        gain_low=low,
        gain_high=high,
        recipe=recipe or {},
        evidence=tuple(dict.fromkeys([*(report.evidence for report in case.harmed), case.now.evidence])),
        against=against,
        due=action == "retrain",
        sentence=sentence,
    )
