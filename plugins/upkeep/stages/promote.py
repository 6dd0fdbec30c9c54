"""Move the alias `champion` to a version whose gate is open, and back."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from upkeep.errors import GateClosed, InputError
from upkeep.ports import Documents, Json, Tracker
from upkeep.stages.record_names import record_name

CHAMPION = "champion"
PREVIOUS = "previous"  # the champion before, kept for `rollback`


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """Which version is in use now, and which was before (None: there was none)."""

    model: str
    version: str
    previous: str | None
    evaluation_id: str
    kind: str  # promotion | rollback
    sentence: str


def promote(tracker: Tracker, documents: Documents, *, model: str, version: str, evaluation_id: str) -> Promotion:
    """Put a version into use. Killed anywhere and run again, it ends in the same state.

    A promotion that was completed once is not repeated, so that a late retry never takes the place of a newer champion
    and never undoes a rollback: a version comes back only with a new evaluation.

    Raises
    ------
    InputError
        If no evaluation of this id is stored, or it judged another version.
    GateClosed
        If its verdict was not a pass, or was against another version than the champion of now.
    """
    verdict = _check_gate(documents, model, version, evaluation_id)
    name = record_name(model, evaluation_id)
    done = documents.get("promotions", name)
    if done:
        return Promotion(**done)
    current = tracker.version(model, CHAMPION)
    _check_champion(verdict, current)
    if current != version:
        if current:
            tracker.set_alias(model, PREVIOUS, current)
        tracker.set_alias(model, CHAMPION, version)
    previous = tracker.version(model, PREVIOUS)
    before = f"; version {previous} was before" if previous else ""
    promotion = Promotion(
        model=model,
        version=version,
        previous=previous,
        evaluation_id=evaluation_id,
        kind="promotion",
        sentence=f"{model} version {version} is champion now{before}.",
    )
    documents.put("promotions", name, asdict(promotion))
    return promotion


def rollback(tracker: Tracker, documents: Documents, *, model: str) -> Promotion:
    """Put the champion before into use again; a second call changes nothing.

    Raises
    ------
    InputError
        If there was no champion before.
    """
    current, previous = tracker.version(model, CHAMPION), tracker.version(model, PREVIOUS)
    if current is None or previous is None:
        raise InputError(
            f"{model} must have had a champion before to go back to, but has "
            f"{'no champion' if current is None else f'had version {current} alone'}. Promote another version first."
        )
    result = Promotion(
        model=model,
        version=previous,
        previous=current,
        evaluation_id="",
        kind="rollback",
        sentence=f"{model} is back on version {previous}.",
    )
    if current != previous:
        # The record first: after the alias has moved, nothing tells which version was rolled back.
        documents.put("promotions", record_name(model, f"rollback-{current}-{previous}"), asdict(result))
        tracker.set_alias(model, CHAMPION, previous)
    return result


def _check_gate(documents: Documents, model: str, version: str, evaluation_id: str) -> Json:
    verdict = documents.get("gates", record_name(model, evaluation_id))
    if verdict is None or verdict["version"] != version:
        came = "there is none" if verdict is None else f"it judged version {verdict['version']}"
        raise InputError(
            f"a promotion needs gate evaluation {evaluation_id!r} of {model} version {version}, but {came}. Run the gate."
        )
    if not verdict["passed"]:
        raise GateClosed(f"{model} version {version} must pass its gate to be promoted. {verdict['sentence']}")
    return verdict


def _check_champion(verdict: Json, current: str | None) -> None:
    """A verdict says nothing about a champion that came later. The version itself is one if an attempt was killed."""
    if current in (verdict["champion"], verdict["version"]):
        return
    against, now = (f"version {v}" if v else "no champion" for v in (verdict["champion"], current))
    raise GateClosed(
        f"{verdict['model']} version {verdict['version']} must have passed its gate against the champion of now, {now}, but "
        f"evaluation {verdict['evaluation_id']!r} was against {against}. Run the gate again under a new evaluation_id; "
        "if its rows may judge no more (steps), train on newer ones."
    )
