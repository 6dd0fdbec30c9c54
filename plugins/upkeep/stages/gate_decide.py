"""A person's answer where the gate left the truth open."""

from __future__ import annotations

from dataclasses import asdict

from upkeep.errors import InputError
from upkeep.ports import Documents, Tracker
from upkeep.stages.gate import DECISIONS, KIND, publish
from upkeep.stages.gate_ledger import GateLedger
from upkeep.stages.gate_result import GateResult, decided, restored
from upkeep.stages.record_names import record_name


def decide(
    tracker: Tracker,
    documents: Documents,
    *,
    model: str,
    evaluation_id: str,
    answer: str,
    by: str,
    why: str,
) -> GateResult:
    """Open or shut a gate of the mode "investigate" whose verdict is open.

    The first answer counts, and who gave it is stored with it, in the ledger too before anybody is told: a pass is one that
    may retire the test set, like any other. Killed anywhere and run again it ends in the same answer. The promise covers
    what the gate says by itself, not what a person makes of "investigate".

    Raises
    ------
    InputError
        If there is no such verdict, it was not left open, or another answer was given before.
    """
    if answer not in ("pass", "fail"):
        raise InputError(f"a decision must be pass or fail, got {answer!r}.")
    name = record_name(model, evaluation_id)
    stored = documents.get(KIND, name)
    if stored is None:
        raise InputError(f"evaluation {evaluation_id!r} of {model} must have a verdict to be decided. Run the gate.")
    if not by.strip() or not why.strip():
        raise InputError("a decision must say by whom it is made and why, but one of them is empty.")
    known = documents.get(DECISIONS, name)
    if known is None and stored["verdict"] != "investigate":
        raise InputError(
            f"evaluation {evaluation_id!r} must be left open to be decided, but its verdict is {stored['verdict']}. "
            "Train another challenger, or change the life's gate."
        )
    decision = {"answer": answer, "by": by.strip(), "why": why.strip()}
    if known is None:
        documents.create(DECISIONS, name, decision)
        known = documents.get(DECISIONS, name) or decision
    if known["answer"] != answer:
        raise InputError(f"evaluation {evaluation_id!r} was decided by {known['by']} already: {known['answer']}.")
    GateLedger(documents, model, stored["dataset"]).decide(evaluation_id, known)
    result = decided(restored(stored, stored["version"]), known)
    documents.put(KIND, name, asdict(result))
    publish(tracker, result)
    return result
