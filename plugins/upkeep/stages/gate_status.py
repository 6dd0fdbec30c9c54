"""What each test set of a model may still judge, and what to do next."""

from __future__ import annotations

import numpy as np

from upkeep.core.gate.contract import Contract
from upkeep.core.gate.entry import Entry, Span
from upkeep.core.gate.ledger import account
from upkeep.ports import Documents, Json
from upkeep.stages.gate_ledger import GateLedger


def gate_status(documents: Documents, *, model: str, dataset: str, contract: Contract) -> Json:
    """The power ledger as people read it, newest rows first.

    Returns
    -------
    dict
        `sentence`, about the newest test set, and `test_sets`: for each span of time that has judged anybody, what is left
        of the steps of `contract`, the alarm, since when rows are open, ln of the histories that builders saw under other
        contracts, the chance that any verdict of any contract on the rows is wrong, what to do next, and the evaluations on
        the very span. An answer that builders of models are not to know is not in it, nor is any estimate.
    """
    entries = GateLedger(documents, model, dataset).entries()
    spans = sorted({entry.rows for entry in entries}, key=lambda rows: (_end(rows), rows.since), reverse=True)
    test_sets = [_test_set(entries, contract, rows) for rows in spans]
    unused = f"No rows of {dataset} have judged a challenger of {model} yet; the first will judge {contract.steps}."
    return {
        "model": model,
        "dataset": dataset,
        "contract": contract.digest,
        "condition": contract.condition,
        "told": contract.told,
        "test_sets": test_sets,
        "sentence": test_sets[0]["sentence"] if test_sets else unused,
    }


def _end(rows: Span) -> np.datetime64:
    return np.datetime64(rows.until, "us")


def _test_set(entries: tuple[Entry, ...], contract: Contract, rows: Span) -> Json:
    left = account(entries, contract, rows)
    return {
        "since": rows.since,
        "until": rows.until,
        "steps": contract.steps,
        "answered": left.answered,
        "left": left.left,
        "alarm": left.alarm,
        "open_since": left.open_since,
        "prior": left.prior,
        "contracts": left.contracts,
        "error": left.error,
        "sentence": left.sentence,
        "evaluations": [_evaluation(entry) for entry in entries if entry.rows == rows],
    }


def _evaluation(entry: Entry) -> Json:
    hidden = entry.answer != "open" and entry.told == "nothing"
    return {
        "position": entry.position,
        "evaluation_id": entry.evaluation_id,
        "version": entry.version,
        "champion": entry.champion,
        "condition": entry.condition,
        "contract": entry.contract.digest,
        "test_set": entry.test_set,
        "as_of": entry.as_of,
        "answer": "not told" if hidden else entry.answer,
        "decided": "" if hidden else entry.decided,
    }
