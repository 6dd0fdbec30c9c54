"""Hold a challenger against the champion on rows neither was trained on, and store the verdict."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Literal

from upkeep.core.gate.condition import Condition, parse
from upkeep.core.gate.entry import Entry
from upkeep.core.gate.ledger import account
from upkeep.core.gate.measure import TestRows, measure
from upkeep.core.gate.verdict import Verdict, evaluate
from upkeep.ports import Tracker
from upkeep.stages.gate_labels import request_labels
from upkeep.stages.gate_ledger import GateLedger
from upkeep.stages.gate_look import Look
from upkeep.stages.gate_policy import ANYTIME, GatePolicy
from upkeep.stages.gate_prepare import Evaluation, Prepared, open_entry, prepare
from upkeep.stages.gate_result import GateResult, artifact, decided, in_words, restored, subject, tags, told
from upkeep.stages.gate_rows import left_out
from upkeep.stages.gate_stream import Stream, asking, looked
from upkeep.stages.record_names import record_name

__all__ = ["Evaluation", "GatePolicy", "GateResult", "gate"]

KIND, DECISIONS = "gates", "gate_decisions"
_GAIN = parse("n - o > 0 +/- 1")


def gate(about: Evaluation, *, as_of: str) -> GateResult:
    """Evaluate the policy's condition on the challenger's holdout with the labels observed by `as_of`.

    Where `steps` challengers have been judged on rows of the holdout, its newer part judges alone. With fewer labels than
    the promise needs the gate stays shut in either mode, the result says which rows to label, and the same
    `evaluation_id` asks again. Once measured, it gives the stored result without looking at any row. A closed gate is a
    result, no error.

    An evaluation is written to the ledger before the value of a label is looked at and closed there before anybody is told:
    killed anywhere and run again it ends in the same answer, and has used one step. With the method "anytime" each repetition
    goes on with the labels that have come, until the answer is certain; see `stages.gate_stream`.

    Raises
    ------
    InputError
        If the stored evaluation of this id is about another version.

    Notes
    -----
    The promise is for a challenger that was chosen without looking at its accuracy on the holdout. `stages.train` shows
    that accuracy for each training, so a builder who reads it and throws trainings away until one looks good has used the
    test set for each of them, while the gate counts only those it judged. The best of many such tries passes far more
    often than `reliability` says. Choose among candidates by the rows before the holdout; or, if the holdout did the
    choosing, count every training in `steps`, under the adaptivity "full" if each was shaped by the one before.
    """
    name = record_name(about.model, about.evaluation_id)
    stored = about.documents.get(KIND, name)
    result = restored(stored, about.challenger) if stored else None
    if result is None or not result.measured:
        result = _newest(about, _answer(about, as_of))
        about.documents.put(KIND, name, asdict(result))
    publish(about.tracker, result)
    return _unsealed(about, result) if result.sealed or result.rounded else result


def _newest(about: Evaluation, result: GateResult) -> GateResult:
    """The result, or what another attempt has measured while this one found labels missing."""
    ledger = GateLedger(about.documents, about.model, result.dataset)
    entry = None if result.measured else ledger.find(about.evaluation_id, about.challenger)
    closed = ledger.result(entry) if entry else None
    return told(restored(closed, about.challenger)) if closed else result


def _answer(about: Evaluation, as_of: str) -> GateResult:
    while True:
        found = prepare(about, as_of=as_of)
        if found.done is not None:
            return told(restored(found.done, about.challenger))
        if found.look is None or found.look.shortage:
            return _unmeasured(about, found, found.refusal)
        entry = found.entry or open_entry(about, found, found.look)
        if isinstance(entry, Entry):
            stream = looked(about, found, entry) if entry.method == ANYTIME else None
            if stream and not stream.final:
                waiting = asking(found, stream)
                return _unmeasured(about, waiting, waiting.refusal)
            result = _streamed(about, found, entry, stream) if stream else _judged(about, found, entry, found.look)
            closed = found.ledger.close(about.evaluation_id, result.answer, dict(asdict(result)))
            return told(restored(closed, about.challenger))
        if not entry.again:
            return _unmeasured(about, found, entry.sentence)


def _judged(about: Evaluation, found: Prepared, entry: Entry, seen: Look) -> GateResult:
    parts = list(zip(seen.condition.clauses, seen.rows, strict=True))
    verdict = evaluate(
        seen.condition, [measure(Condition(clauses=(c,)), rows)[0].estimate for c, rows in parts], entry.contract.mode
    )
    rows = next((rows for clause, rows in parts if clause.needs_labels), seen.rows[0])
    return _final(about, found, entry, verdict, rows)


def _streamed(about: Evaluation, found: Prepared, entry: Entry, stream: Stream) -> GateResult:
    seen = replace(found.look, labels=stream.labels) if found.look else None
    return _final(about, replace(found, look=seen, as_of=stream.as_of), entry, stream.verdict, stream.rows)


def _final(about: Evaluation, found: Prepared, entry: Entry, verdict: Verdict, rows: TestRows) -> GateResult:
    known = [
        replace(one, answer=verdict.answer) if one.evaluation_id == entry.evaluation_id else one
        for one in found.ledger.entries()
    ]
    after = account(known, entry.contract, entry.rows)
    result = replace(
        _blank(about, found, found.look),
        clauses=verdict.clauses,
        truth=verdict.truth,
        verdict=_verdict(verdict),
        passed=verdict.passed,
        measured=True,
        sealed=entry.contract.told == "answer",
        rounded=entry.contract.told == "estimates",
        step=after.answered,
        alarm=after.sentence if after.alarm else "",
        left_out=left_out(found.question.condition, found.judged, about.policy.min_slice) if found.judged else "",
    )
    result = _with_accuracies(result, rows)
    return replace(result, sentence=in_words(result))


def _unmeasured(about: Evaluation, found: Prepared, why: str) -> GateResult:
    blank = _blank(about, found, found.look)
    asked = request_labels(about, found) if found.look and len(found.look.missing) else None
    return replace(
        blank,
        requested=asked.requested if asked else 0,
        request=asked.record if asked else "",
        alarm="" if found.look else found.account.sentence,
        sentence=f"{subject(blank)}: {why}.",
    )


def _blank(about: Evaluation, found: Prepared, seen: Look | None) -> GateResult:
    """Everything that is known before the value of a label is."""
    question, contract = found.question, found.contract
    labels = seen is not None and any(clause.needs_labels for clause in seen.condition.clauses)
    return GateResult(
        model=about.model,
        version=about.challenger,
        champion=question.champion,
        evaluation_id=about.evaluation_id,
        as_of=found.as_of,
        condition=str(question.condition),
        mode=contract.mode,
        reliability=contract.reliability,
        adaptivity=contract.adaptivity,
        steps=contract.steps,
        labels=seen.labels if seen and labels else 0,
        needed=seen.needed if seen and labels else 0,
        method=seen.method if seen else "",
        dataset=question.dataset,
        since=question.since,
        until=question.until,
        test_set=question.test_set(about.datasets),
    )


def _with_accuracies(result: GateResult, rows: TestRows) -> GateResult:
    """n, o, d and n - o; n and o only where every row has its label: they would be far off where disagreements alone have."""
    complete = bool(len(rows)) and bool(rows.labelled.all())
    result = replace(result, n=float((rows.new.predicted == rows.label).mean()) if complete else None)
    if rows.old is None or not len(rows):
        return result
    return replace(
        result,
        o=float((rows.old.predicted == rows.label).mean()) if complete else None,
        d=float((rows.old.predicted != rows.new.predicted).mean()),
        gain=measure(_GAIN, rows)[0].estimate,
    )


def _verdict(verdict: Verdict) -> Literal["pass", "fail", "unknown", "investigate"]:
    if verdict.passed or verdict.answer == "investigate":
        return verdict.answer
    return "fail" if verdict.truth == "false" else "unknown"


def publish(tracker: Tracker, result: GateResult) -> None:
    """Tell the model registry: tags on the version, the whole record beside its run's artifacts."""
    tracker.tag_version(result.model, result.version, tags(result))
    tracker.attach(result.model, result.version, artifact(result), asdict(result))


def _unsealed(about: Evaluation, result: GateResult) -> GateResult:
    """Tell every estimate of the account once no row of the result may judge again; else the result as it is."""
    ledger = GateLedger(about.documents, about.model, result.dataset)
    entry = ledger.find(about.evaluation_id, about.challenger)
    if entry is None or not ledger.retired(entry):
        return result
    for one in ledger.entries():
        shares = one.contract == entry.contract and one.rows.shares_rows(entry.rows)
        closed = ledger.result(one) if shares and ledger.retired(one) else None
        if closed:
            name = record_name(about.model, one.evaluation_id)
            open_now = replace(restored(closed, one.version), sealed=False, rounded=False)
            open_now = decided(open_now, about.documents.get(DECISIONS, name))
            about.documents.put(KIND, name, asdict(open_now))
            publish(about.tracker, open_now)
            result = open_now if one.evaluation_id == about.evaluation_id else result
    return result
