"""What became of a suggested retrain: which recipes were tried, what the gate said of each, and who is champion."""

from __future__ import annotations

from collections.abc import Sequence

from upkeep.errors import GateClosed, InputError
from upkeep.ports import Documents, Json, Tracker
from upkeep.stages.record_names import record_name

KIND = "outcomes"
CHALLENGER = "challenger"
_SAME = 1e-9


def best_passed(verdicts: Sequence[Json]) -> Json:
    """Of gate verdicts on the same rows, the pass with the most gain over the champion; of equal ones, the first.

    Raises
    ------
    GateClosed
        If none has passed.
    """
    passed = [verdict for verdict in verdicts if verdict["passed"]]
    if not passed:
        raise GateClosed(f"one of {len(verdicts)} challengers must have passed its gate to be promoted, but none has.")
    return max(passed, key=_gain)


def record_outcome(
    documents: Documents, tracker: Tracker, *, model: str, decision: str, planned: Sequence[Json]
) -> Json:
    """Write to the decision what its retrain came to, and point `challenger` at the best version of the retrain.

    It is put together from what the stages before have stored, so the same facts give the same outcome however often it is
    asked for. It is stored as outcome ``<model>/<window>`` too. A retrain that nobody approved does not take the place
    of one that ran.

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
        `challengers`, each with `recipe`, `version`, `verdict` (pass, fail, unknown, or none without a verdict), `gain` over
        the champion on the rows held out, and `estimate`, `low`, `high` of the gate's first clause; `left_out` recipes
        that the gate's rows may not judge; `promoted` version or None; `confirmed`, whether a challenger passed; `sentence`.

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
    challengers = [_challenger(documents, model, one) for one in planned]
    tried = [one["recipe"] for one in planned]
    found: Json = {
        "decision": decision,
        "challengers": challengers,
        "left_out": [str(recipe["name"]) for recipe in record.get("recipes", ()) if planned and recipe not in tried],
        "promoted": next((one["version"] for one in challengers if one["promoted"]), None),
        "confirmed": any(one["verdict"] == "pass" for one in challengers),
    }
    found |= {"sentence": _sentence(found)}
    _point_at_best(tracker, model, found)
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


def _challenger(documents: Documents, model: str, planned: Json) -> Json:
    training_id = planned["training_id"]
    name = record_name(model, training_id)
    verdict, promotion = documents.get("gates", name), documents.get("promotions", name)
    about = {"recipe": planned["recipe"].get("name", "planned"), "training_id": training_id}
    if verdict is None:
        unknown = dict.fromkeys(("version", "gain", "estimate", "low", "high", "labels"))
        sentence = "It came to no verdict: its training was refused or failed."
        return about | unknown | {"verdict": "none", "promoted": False, "sentence": sentence}
    clause = verdict["clauses"][0] if verdict["clauses"] else {}
    return about | {
        "version": verdict["version"],
        "gain": _gain(verdict) if verdict["n"] is not None else None,
        **{key: clause.get(key) for key in ("estimate", "low", "high")},
        "labels": verdict["labels"],
        "verdict": verdict["verdict"],
        "promoted": promotion is not None,
        "sentence": verdict["sentence"],
    }


def _gain(verdict: Json) -> float:
    return float(verdict["n"] - (verdict["o"] or 0.0))


def _point_at_best(tracker: Tracker, model: str, found: Json) -> None:
    """`challenger` is the promoted version or else the one with the most gain, not the one that was trained last."""
    own = [one for one in found["challengers"] if one["version"]]
    if not own or tracker.version(model, CHALLENGER) not in [one["version"] for one in own]:
        return  # a newer training has it by now
    judged = [one for one in own if one["gain"] is not None]
    best = found["promoted"] or (max(judged, key=lambda one: float(one["gain"]))["version"] if judged else None)
    if best and best != tracker.version(model, CHALLENGER):
        tracker.set_alias(model, CHALLENGER, best)


def _sentence(found: Json) -> str:
    if not found["challengers"]:
        return "Not approved: nothing was trained."
    told = "; ".join(_told(one) for one in found["challengers"])
    left = f" Not tried, as the gate's rows may judge no more: {', '.join(found['left_out'])}." * bool(
        found["left_out"]
    )
    if found["promoted"]:
        return f"Confirmed: version {found['promoted']} is champion. {told}.{left}"
    if found["confirmed"]:
        return f"Confirmed, but not promoted: the champion has changed meanwhile. {told}.{left}"
    return f"Not confirmed: no challenger passed the gate, and the champion stays. {told}.{left}"


def _told(one: Json) -> str:
    subject = f"{one['recipe']} (version {one['version']})" if one["version"] else str(one["recipe"])
    if one["gain"] is None:
        return f"{subject}: no verdict"
    known = (
        one["estimate"] is not None and abs(one["estimate"] - one["gain"]) < _SAME
    )  # the clause is about the gain itself
    band = f" ({one['low']:+.1%} to {one['high']:+.1%})" if known else ""
    return f"{subject}: {one['gain']:+.1%}{band}, {one['verdict']}"
