"""Hold a challenger against the champion on rows neither was trained on, and store the verdict."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns
from upkeep.core.gate.condition import Condition, parse
from upkeep.core.gate.sample_size import required_labels
from upkeep.core.gate.verdict import ClauseVerdict, Truth, Verdict, evaluate
from upkeep.errors import InputError
from upkeep.ports import Datasets, Documents, Json, Tracker
from upkeep.stages.gate_budget import open_since, used_up
from upkeep.stages.gate_policy import GatePolicy
from upkeep.stages.labelled import labelled_rows
from upkeep.stages.record_names import record_name

__all__ = ["GatePolicy", "GateResult", "gate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """A stored verdict on the rows of `dataset` in [since, until). `n`, `o`, `d` are None where they were not measured."""

    model: str
    version: str
    champion: str | None
    evaluation_id: str
    as_of: str
    condition: str
    mode: str
    reliability: float
    labels: int
    needed: int
    n: float | None
    o: float | None
    d: float | None
    clauses: tuple[ClauseVerdict, ...]
    truth: Truth
    verdict: Literal["pass", "fail", "unknown"]
    passed: bool
    dataset: str
    since: str
    until: str
    test_set: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What is asked, about which models, on which rows."""

    model: str
    version: str
    champion: str | None
    condition: Condition
    needed: int
    dataset: str
    batches: Sequence[str]
    since: str
    until: str
    as_of: str

    @property
    def test_set(self) -> str:
        """Id of the rows that are judged on."""
        rows = [self.dataset, list(self.batches), self.since, self.until]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """Accuracies on `labels` rows; `verdict` is None, and `refusal` says why, where none may be given."""

    labels: int
    n: float | None = None
    o: float | None = None
    d: float | None = None
    verdict: Verdict | None = None
    refusal: str = ""


def gate(
    datasets: Datasets,
    tracker: Tracker,
    documents: Documents,
    *,
    policy: GatePolicy,
    model: str,
    challenger: str,
    evaluation_id: str,
    as_of: str,
) -> GateResult:
    """Evaluate the policy's condition on the challenger's holdout with the labels observed by `as_of`.

    Where `steps` challengers have been judged on rows of the holdout, its newer part judges alone. With fewer labels than
    the promise needs the gate stays shut in either mode, the sentence says what is missing, and the same `evaluation_id`
    asks again. Once measured, it gives the stored result without looking at any row. A closed gate is a result, no error.

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
    name = record_name(model, evaluation_id)
    stored = documents.get("gates", name)
    result = _restored(stored, challenger) if stored else None
    if result is None or result.n is None:
        question, refusal = _on_unused_rows(documents, policy, _question(tracker, policy, model, challenger, as_of))
        measured = _Measured(labels=0, refusal=refusal) if refusal else _measure(datasets, tracker, question, policy)
        result = _result(question, measured, policy, evaluation_id)
        documents.put("gates", name, asdict(result))
    tracker.tag_version(model, challenger, _tags(result))
    return result


def _restored(stored: Json, challenger: str) -> GateResult:
    if stored["version"] != challenger:
        raise InputError(
            f"evaluation {stored['evaluation_id']!r} must be about version {challenger}, but judged version "
            f"{stored['version']}. Use a new evaluation_id."
        )
    return GateResult(**stored | {"clauses": tuple(ClauseVerdict(**clause) for clause in stored["clauses"])})


def _question(tracker: Tracker, policy: GatePolicy, model: str, challenger: str, as_of: str) -> _Question:
    champion = tracker.version(model, "champion")
    condition = parse(policy.condition if champion else policy.first_condition)
    holdout = tracker.record(model, challenger, "holdout")
    since = holdout["since"]
    if champion:
        # Rows before the champion's own holdout may be among those it learned from, which would flatter it.
        since = max(since, tracker.record(model, champion, "holdout")["since"], key=np.datetime64)
    return _Question(
        model=model,
        version=challenger,
        champion=champion,
        condition=condition,
        needed=required_labels(
            condition, reliability=policy.reliability, steps=policy.steps, adaptivity=policy.adaptivity
        ),
        dataset=holdout["dataset"],
        batches=holdout["batches"],
        since=since,
        until=holdout["until"],
        as_of=as_of,
    )


def _on_unused_rows(documents: Documents, policy: GatePolicy, question: _Question) -> tuple[_Question, str]:
    """The question on the rows that may still judge: all of the holdout, or its newer part; and why none may."""
    span = {"model": question.model, "dataset": question.dataset, "since": question.since, "until": question.until}
    refusal = used_up(documents, policy, **span)
    if not refusal:
        return question, ""
    begin = open_since(documents, policy, **span)
    return (replace(question, since=begin), "") if begin != question.until else (question, refusal)


def _measure(datasets: Datasets, tracker: Tracker, question: _Question, policy: GatePolicy) -> _Measured:
    rows = labelled_rows(
        datasets,
        model=question.model,
        dataset=question.dataset,
        batches=question.batches,
        columns=None,
        as_of=question.as_of,
        since=question.since,
        until=question.until,
    )
    labels = len(rows["label"])
    if labels < question.needed:
        return _Measured(labels=labels, refusal=f"needs {question.needed} labels, has {labels}")
    new = _predicted(tracker, question.model, question.version, rows, policy.threshold)
    n, o, d = _accuracy(new, rows["label"]), None, None
    if question.champion:
        old = _predicted(tracker, question.model, question.champion, rows, policy.threshold)
        o, d = _accuracy(old, rows["label"]), float((new != old).mean())
    rates = {"n": n, "o": o or 0.0, "d": d or 0.0}  # first_condition speaks of n alone
    estimates = [sum(c * rates[v.model] for v, c in clause.weights) for clause in question.condition.clauses]
    verdict = evaluate(question.condition, estimates, policy.mode)
    return _Measured(labels=labels, n=n, o=o, d=d, verdict=verdict)


def _predicted(tracker: Tracker, model: str, version: str, rows: Columns, threshold: float) -> NDArray[np.int64]:
    return (tracker.load(model, version).score(rows) >= threshold).astype(np.int64)


def _accuracy(predicted: NDArray[np.int64], label: NDArray[np.int64]) -> float:
    return float((predicted == label).mean())


def _result(question: _Question, measured: _Measured, policy: GatePolicy, evaluation_id: str) -> GateResult:
    verdict = measured.verdict
    passed = verdict is not None and verdict.passed
    result = GateResult(
        model=question.model,
        version=question.version,
        champion=question.champion,
        evaluation_id=evaluation_id,
        as_of=question.as_of,
        condition=str(question.condition),
        mode=policy.mode,
        reliability=policy.reliability,
        labels=measured.labels,
        needed=question.needed,
        n=measured.n,
        o=measured.o,
        d=measured.d,
        clauses=verdict.clauses if verdict else (),
        truth=verdict.truth if verdict else "unknown",
        verdict="pass" if passed else "fail" if verdict and verdict.truth == "false" else "unknown",
        passed=passed,
        dataset=question.dataset,
        since=question.since,
        until=question.until,
        test_set=question.test_set,
        sentence="",
    )
    return replace(result, sentence=_sentence(result, measured.refusal))


def _sentence(result: GateResult, refusal: str) -> str:
    subject = f"The gate of {result.model} version {result.version} is {'open' if result.passed else 'shut'}"
    if refusal:
        return f"{subject}: {refusal}."
    seen = "; ".join(f"{c.clause} is {c.truth}, estimate {c.estimate:.4f}" for c in result.clauses)
    return f"{subject}: {seen}, on {result.labels} labelled rows ({result.needed} needed at {result.reliability})."


def _tags(result: GateResult) -> dict[str, str]:
    estimates = "; ".join(f"{clause.estimate:.6g} for {clause.clause}" for clause in result.clauses)
    return {
        "upkeep.gate.verdict": result.verdict,
        "upkeep.gate.estimate": estimates or result.sentence,
        "upkeep.gate.evaluation": result.evaluation_id,
    }
