"""What a condition says about measured rates: true, false, or that the data cannot tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from upkeep.core.gate.clause import Clause, Condition
from upkeep.core.gate.promise import Mode
from upkeep.errors import InputError

Truth = Literal["true", "false", "unknown"]
Answer = Literal["pass", "fail", "investigate"]

_UNKNOWN: dict[Mode, Answer] = {"fp-free": "fail", "fn-free": "pass", "investigate": "investigate"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseVerdict:
    """One clause: the estimate of its left side, the interval estimate ± tolerance, and what follows.

    Where nothing could be measured, the three numbers are None and the truth is unknown.
    """

    clause: str
    estimate: float | None
    low: float | None
    high: float | None
    truth: Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All clauses, their conjunction, what the mode makes of it, and whether the gate opens."""

    clauses: tuple[ClauseVerdict, ...]
    truth: Truth
    answer: Answer
    passed: bool


def evaluate(condition: Condition, estimates: Sequence[float | None], mode: Mode) -> Verdict:
    """Three-valued verdict from the estimates of the left sides.

    Parameters
    ----------
    condition : Condition
        Without worst slices; see `condition.expand`.
    estimates : sequence of float, or None where nothing could be measured
        One for each clause, as `measure.measure` gives.
    mode : {"fp-free", "fn-free", "investigate"}
        What "unknown" means: fp-free keeps the gate shut (no bad model passes), fn-free opens it (no good
        model is held up), investigate leaves it to a person and keeps the gate shut until then.

    Returns
    -------
    Verdict

    Notes
    -----
    A clause ``left > threshold +/- tolerance`` is true if the whole interval estimate ± tolerance lies above the
    threshold, false if it lies below, else unknown; ``<`` is the mirror image. With the rows that the promise needs,
    the estimate is within the tolerance but for the promised probability, so neither a true nor a false is wrong more
    often. With fewer rows nothing is promised; the caller must not ask.

    Examples
    --------
    >>> from upkeep.core.gate.condition import parse
    >>> better = parse("n - o > 0.02 +/- 0.01")
    >>> verdict = evaluate(better, [0.025], mode="fp-free")
    >>> verdict.truth, verdict.answer, verdict.passed
    ('unknown', 'fail', False)
    >>> evaluate(better, [0.025], mode="investigate").answer
    'investigate'
    """
    if mode not in get_args(Mode):
        raise InputError(
            f"mode must be fp-free, fn-free or investigate, got {mode!r}. fp-free never lets a worse model in."
        )
    if len(estimates) != len(condition.clauses):
        raise InputError(
            f"condition {str(condition)!r} needs one estimate for each of its {len(condition.clauses)} clauses, "
            f"got {len(estimates)}."
        )
    if condition.worst:
        raise InputError(f"condition {str(condition)!r} must be expanded before it is evaluated. Call expand.")
    clauses = tuple(_clause(*pair) for pair in zip(condition.clauses, estimates, strict=True))
    truth = conjunction(tuple(clause.truth for clause in clauses))
    answer: Answer = "pass" if truth == "true" else "fail" if truth == "false" else _UNKNOWN[mode]
    return Verdict(clauses=clauses, truth=truth, answer=answer, passed=answer == "pass")


def conjunction(truths: tuple[Truth, ...]) -> Truth:
    """False if any is false, else unknown if any is unknown, else true (Kleene's logic).

    Examples
    --------
    >>> conjunction(("true", "unknown")), conjunction(("unknown", "false"))
    ('unknown', 'false')
    """
    if "false" in truths:
        return "false"
    return "unknown" if "unknown" in truths else "true"


def _clause(clause: Clause, estimate: float | None) -> ClauseVerdict:
    if estimate is None:
        return ClauseVerdict(clause=str(clause), estimate=None, low=None, high=None, truth="unknown")
    if not math.isfinite(estimate):
        raise InputError(
            f"the estimate of {str(clause)!r} must be finite, got {estimate}. Pass None where there is none."
        )
    low, high = estimate - clause.tolerance, estimate + clause.tolerance
    above: Truth = "true" if low > clause.threshold else "false" if high < clause.threshold else "unknown"
    below: Truth = "true" if high < clause.threshold else "false" if low > clause.threshold else "unknown"
    truth = above if clause.comparison == ">" else below
    return ClauseVerdict(clause=str(clause), estimate=float(estimate), low=low, high=high, truth=truth)
