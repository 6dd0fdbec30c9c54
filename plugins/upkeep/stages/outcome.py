"""What became of a suggested retrain: which recipes were tried, what the gate said of each, and who is champion."""

from __future__ import annotations

from collections.abc import Sequence

from upkeep.errors import GateClosed, InputError
from upkeep.ports import Documents, Json, Tracker
from upkeep.stages.record_names import record_name

KIND = "outcomes"
CHAMPION, CHALLENGER = "champion", "challenger"
_SAME = 1e-9


def best_passed(verdicts: Sequence[Json]) -> Json:
    """Of gate verdicts on the same rows, the pass with the highest accuracy; of equal ones, the first.

    Where an accuracy is not known, as only disagreements were labelled, the gain ranks them, unless the champion has changed
    between two verdicts: then gains are over different ones. Where neither is told, as the test set is in use and builders see
    answers, the first pass it is.

    Raises
    ------
    GateClosed
        If none has passed.
    """
    passed = [verdict for verdict in verdicts if verdict["passed"]]
    if not passed:
        raise GateClosed(f"one of {len(verdicts)} challengers must have passed its gate to be promoted, but none has.")
    ranks = ["n"] if len({verdict.get("champion") for verdict in passed}) > 1 else ["n", "gain"]
    for rank in ranks:
        if all(verdict.get(rank) is not None for verdict in passed):
            return max(passed, key=lambda verdict: float(verdict[rank]))
    return passed[0]


def record_outcome(
    documents: Documents, tracker: Tracker, *, model: str, decision: str, planned: Sequence[Json]
) -> Json:
    """Write to the decision what its retrain came to, and point `challenger` at the best version of the retrain.

    It is put together from what the stages before have stored, so the same facts give the same outcome however often it is
    asked for. It is stored as outcome ``<model>/<window>`` too. Where a decision is retrained for again, the challengers
    and the promotion of before stay in it; a retrain that nobody approved changes nothing of one that ran.

    Parameters
    ----------
    documents, tracker
    model : str
    decision : str
        Its address, as ``decisions/<model>/<window>``; empty if a person asked, and then nothing is stored.
    planned : sequence of dict
        `recipe` and `training_id` of each challenger, as `plan_challengers` returns them; empty if nobody approved.

    Returns
    -------
    dict
        `challengers`, each with `recipe`, `version`, `verdict` (pass, fail, unknown, or none without a verdict), `accuracy`
        on the rows held out and its `gain` over the champion that it was held against, and `estimate`, `low`, `high` of the
        gate's first clause; `left_out` recipes of the decision that were not tried; `promoted`, the version that became
        champion, or None; `confirmed`, whether a challenger passed; `sentence`.

    Raises
    ------
    InputError
        If the decision is not stored.
    """
    name = decision.removeprefix("decisions/")
    record = documents.get("decisions", name) if decision else {}
    if record is None:
        raise InputError(f"an outcome is written to a stored decision, but {decision!r} is none. Name one.")
    earlier = documents.get(KIND, name) if decision else None
    if earlier and not planned:
        return earlier
    champion = tracker.version(model, CHAMPION)
    own = [_challenger(documents, model, one, champion) for one in planned]
    ids = [one["training_id"] for one in planned]
    before = [one for one in (earlier or {}).get("challengers", ()) if one["training_id"] not in ids]
    tried = [one["recipe"] for one in planned]
    left_out = [str(recipe["name"]) for recipe in record.get("recipes", ()) if planned and recipe not in tried]
    found: Json = {
        "decision": decision,
        "challengers": [*before, *own],
        "left_out": [name for name in left_out if name not in [one["recipe"] for one in before]],
        "promoted": _promoted(own, champion) or (earlier or {}).get("promoted"),
        "confirmed": any(one["verdict"] == "pass" for one in [*before, *own]),
    }
    found |= {"sentence": _sentence(found, champion)}
    _point_at_best(tracker, model, own, champion)
    if decision:
        documents.put(KIND, name, found)  # first: a decision that is made again is given it back from there
        documents.put("decisions", name, record | {"outcome": found})
    return found


def with_outcome(documents: Documents, name: str) -> Json | None:
    """Give a decision that was made again what became of it; the outcome, None if there is none yet."""
    found, record = documents.get(KIND, name), documents.get("decisions", name)
    if found and record:
        documents.put("decisions", name, record | {"outcome": found})
    return found


def _promoted(challengers: Sequence[Json], champion: str | None) -> str | None:
    """The challenger that is champion; if none is any more, the last one that was."""
    promoted = [str(one["version"]) for one in challengers if one["promoted"]]
    return champion if champion in promoted else next(reversed(promoted), None)


def _challenger(documents: Documents, model: str, planned: Json, champion: str | None) -> Json:
    training_id = planned["training_id"]
    name = record_name(model, training_id)
    verdict, promotion = documents.get("gates", name), documents.get("promotions", name)
    about = {"recipe": planned["recipe"].get("name", "planned"), "training_id": training_id}
    if verdict is None:
        unknown = dict.fromkeys(("version", "accuracy", "gain", "estimate", "low", "high", "labels"))
        sentence = "No verdict of its gate is stored; its tasks train and gate say why."
        return about | unknown | {"verdict": "none", "measured": False, "promoted": False, "sentence": sentence}
    clause = verdict["clauses"][0] if verdict["clauses"] else {}
    return about | {
        "version": verdict["version"],
        "accuracy": verdict["n"],
        "gain": _gain(verdict),
        **{key: clause.get(key) for key in ("estimate", "low", "high")},
        "labels": verdict["labels"],
        "verdict": verdict["verdict"],
        "measured": verdict.get("measured", verdict["n"] is not None),
        "promoted": promotion is not None or (verdict["verdict"] == "pass" and verdict["version"] == champion),
        "sentence": verdict["sentence"],
    }


def _gain(verdict: Json) -> float | None:
    """n - o, or n where there is no old model; None where it is not told. Records of the first format have no `gain`."""
    if verdict.get("gain") is not None:
        return float(verdict["gain"])
    return None if verdict["n"] is None else float(verdict["n"] - (verdict["o"] or 0.0))


def _point_at_best(tracker: Tracker, model: str, challengers: Sequence[Json], champion: str | None) -> None:
    """`challenger` is the promoted version or else the most accurate one, not the one that was trained last."""
    own = [one for one in challengers if one["version"]]
    if not own or tracker.version(model, CHALLENGER) not in [one["version"] for one in own]:
        return  # a newer training has it by now
    judged = [one for one in own if one["accuracy"] is not None]
    most = max(judged, key=lambda one: float(one["accuracy"]))["version"] if judged else None
    best = _promoted(own, champion) or most
    if best and best != tracker.version(model, CHALLENGER):
        tracker.set_alias(model, CHALLENGER, best)


def _sentence(found: Json, champion: str | None) -> str:
    if not found["challengers"]:
        return "Not approved: nothing was trained."
    told = "; ".join(_told(one) for one in found["challengers"])
    left = f" Not tried: {', '.join(found['left_out'])}." * bool(found["left_out"])
    if found["promoted"]:
        return f"Confirmed: version {found['promoted']} became champion. {told}.{left}"
    now = f"version {champion} is champion" if champion else "there is no champion"
    if found["confirmed"]:
        return f"Confirmed, but not promoted: {now}. {told}.{left}"
    return f"Not confirmed: no challenger passed the gate, and {now}. {told}.{left}"


def _told(one: Json) -> str:
    subject = f"{one['recipe']} (version {one['version']})" if one["version"] else str(one["recipe"])
    if one["gain"] is None:
        return f"{subject}: {one['verdict'] if one.get('measured') else 'no verdict'}"
    known = (
        one["estimate"] is not None and abs(one["estimate"] - one["gain"]) < _SAME
    )  # the clause is about the gain itself
    band = f" ({one['low']:+.1%} to {one['high']:+.1%})" if known else ""
    return f"{subject}: {one['gain']:+.1%}{band}, {one['verdict']}"
