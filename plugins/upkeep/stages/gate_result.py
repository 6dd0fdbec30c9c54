"""What a gate has said, as it is stored, told and tagged."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from upkeep.core.gate.verdict import Answer, ClauseVerdict, Truth
from upkeep.errors import InputError
from upkeep.ports import Json
from upkeep.stages.gate_policy import ANYTIME

FORMAT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """A stored answer about the rows of `dataset` in [since, until).

    Attributes
    ----------
    model, version, champion, evaluation_id, as_of, condition
        What was asked; `champion` is None for the first model, `as_of` the moment up to which labels counted.
    mode, reliability, adaptivity, steps
        The promise. `step` is the how manieth of `steps` this evaluation is on its account; None if nothing was measured.
    labels, needed : int
        Labels that are there, and that the promise needs, for the clause that lacks most.
    method : str
        How `needed` was found, a name of `core.gate.plan`; or "anytime", where `labels` were used and `needed` are those of a
        test of fixed size.
    n, o, d, gain : float or None
        Accuracy of the new and the old model, share of rows on which they disagree, and n - o; None where not measured, or
        sealed.
    clauses : tuple of ClauseVerdict
    truth, verdict, passed
        `verdict` is "unknown" where the truth is, whether or not the mode lets it pass, and where nothing was measured.
    measured : bool
        Whether labels were looked at: this evaluation is final and has used a step up.
    sealed, rounded : bool
        Whether estimates are kept from the builders until the test set is retired; or told, rounded to their tolerance.
    requested : int
        Rows that should be labelled next; where they are listed says `request`, empty for none.
    test_set : str
        Content hash of the rows.
    left_out : str
        Rows that no slice of a worst slice has judged; empty for none.
    alarm, sentence : str
        What to do about a test set that is nearly or wholly used up, and all of it in words.
    """

    model: str
    version: str
    champion: str | None
    evaluation_id: str
    as_of: str
    condition: str
    mode: str
    reliability: float
    adaptivity: str = "none"
    steps: int = 1
    step: int | None = None
    labels: int
    needed: int
    method: str = "hoeffding"
    n: float | None = None
    o: float | None = None
    d: float | None = None
    gain: float | None = None
    clauses: tuple[ClauseVerdict, ...] = ()
    truth: Truth = "unknown"
    verdict: Literal["pass", "fail", "unknown", "investigate"] = "unknown"
    passed: bool = False
    measured: bool = False
    sealed: bool = False
    rounded: bool = False
    requested: int = 0
    request: str = ""
    dataset: str
    since: str
    until: str
    test_set: str
    left_out: str = ""
    alarm: str = ""
    sentence: str = ""
    format: int = FORMAT

    @property
    def answer(self) -> Answer:
        """What the builders learn of a measured result."""
        if self.verdict == "investigate":
            return "investigate"
        return "pass" if self.passed else "fail"


def restored(stored: Json, challenger: str) -> GateResult:
    """A stored result; records of the first format, which knew only measured accuracies, are read too.

    Raises
    ------
    InputError
        If it is about another version than `challenger`.
    """
    if stored["version"] != challenger:
        raise InputError(
            f"evaluation {stored['evaluation_id']!r} must be about version {challenger}, but judged version "
            f"{stored['version']}. Use a new evaluation_id."
        )
    clauses = tuple(ClauseVerdict(**clause) for clause in stored["clauses"])
    if "format" not in stored:
        n, o = stored["n"], stored["o"]
        gain = None if n is None or o is None else n - o
        stored = stored | {"measured": n is not None, "gain": gain, "format": FORMAT}
    return GateResult(**stored | {"clauses": clauses})


def told(result: GateResult) -> GateResult:
    """What builders may see: of a sealed result the answer alone, of a rounded one each clause's estimate to its tolerance."""
    if result.rounded:
        clauses = tuple(_rounded(clause) for clause in result.clauses)
        rough = replace(result, n=None, o=None, gain=None, clauses=clauses)
        return replace(rough, sentence=in_words(rough))
    if not result.sealed:
        return result
    sentence = (
        f"{subject(result)}: the answer to {result.condition} is {result.answer}, on {result.labels} labelled rows. Estimates "
        f"are told when the test set is retired. {result.alarm}"
    )
    return replace(
        result,
        n=None,
        o=None,
        gain=None,
        clauses=(),
        truth="true" if result.passed else "unknown",
        verdict=result.answer if result.answer != "fail" else "unknown",
        sentence=sentence.strip(),
    )


def _rounded(clause: ClauseVerdict) -> ClauseVerdict:
    if clause.estimate is None or clause.low is None:
        return clause
    tolerance = clause.estimate - clause.low
    near = round(clause.estimate / tolerance) * tolerance
    return replace(clause, estimate=near, low=near - tolerance, high=near + tolerance)


def decided(result: GateResult, decision: Json | None) -> GateResult:
    """The result with a person's answer to what the gate left open, if there is one."""
    if decision is None:
        return result
    passes = decision["answer"] == "pass"
    result = replace(result, passed=passes, verdict="pass" if passes else "fail")
    said = (
        f"{subject(result)}: {decision['by']} decided {decision['answer']} on {result.condition}, as {decision['why']}"
    )
    return replace(result, sentence=f"{said.rstrip('.')}.")


def subject(result: GateResult) -> str:
    """How a sentence about a gate begins."""
    return f"The gate of {result.model} version {result.version} is {'open' if result.passed else 'shut'}"


def in_words(result: GateResult) -> str:
    """The sentence of a measured result that is not sealed."""
    seen = "; ".join(f"{c.clause} is {c.truth}, estimate {_estimate(c)}" for c in result.clauses)
    ask = f" A person has to decide: upkeep gate decide --evaluation {result.evaluation_id}."
    person = ask * (result.verdict == "investigate")
    fixed = "" if result.method != ANYTIME else "a test of fixed size would take "
    needed = f"{fixed}{result.needed}{'' if fixed else ' needed'} at {result.reliability}"
    rows = f"on {result.labels} labelled rows ({needed})" if result.needed else "for which no label is needed"
    nowhere = f" {result.left_out}." if result.left_out else ""
    return (
        f"{subject(result)}: {seen}, {rows}.{nowhere} "
        f"It is step {result.step} of {result.steps} of its test set.{person} {result.alarm}"
    ).strip()


def tags(result: GateResult) -> dict[str, str]:
    """What a model version is tagged with in the registry."""
    found = {
        "verdict": result.verdict,
        "condition": result.condition,
        "delta": f"{1 - result.reliability:.6g}",
        "method": result.method,
        "labels": str(result.labels),
        "needed": str(result.needed),
        "test_set": result.test_set,
        "evaluation": result.evaluation_id,
        "estimate": "; ".join(_estimate(clause) for clause in result.clauses) or result.sentence,
        "interval": "; ".join(f"{c.low:.6g} to {c.high:.6g}" for c in result.clauses if c.low is not None),
    }
    if result.step:
        found["step"] = f"{result.step} of {result.steps}"
    return {f"upkeep.gate.{name}": value for name, value in found.items() if value}


def _estimate(clause: ClauseVerdict) -> str:
    return "none" if clause.estimate is None else f"{clause.estimate:.6g}"


def artifact(result: GateResult) -> str:
    """Name of a result among its run's artifacts."""
    return f"gate-{re.sub(r'[^A-Za-z0-9._=-]+', '-', result.evaluation_id).lstrip('.-')}"
