"""What a condition says about measured accuracies: true, false, or that the data cannot tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from upkeep.core.gate.condition import Clause, Condition
from upkeep.errors import InputError

Truth = Literal["true", "false", "unknown"]
Mode = Literal["fp-free", "fn-free"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseVerdict:
    """One clause: the estimate of its left side, the interval estimate ± tolerance, and what follows."""

    clause: str
    estimate: float
    low: float
    high: float
    truth: Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All clauses, their conjunction, and whether the gate opens."""

    clauses: tuple[ClauseVerdict, ...]
    truth: Truth
    passed: bool


def evaluate(condition: Condition, *, n: float, o: float | None, d: float | None, mode: Mode) -> Verdict:
    """Three-valued verdict from the measured accuracies.

    Parameters
    ----------
    condition : Condition
    n, o, d : float
        Accuracy of the new model, of the old model, and share of rows on which they differ; None where there is
        no old model.
    mode : {"fp-free", "fn-free"}
        What "unknown" means: fp-free keeps the gate shut (no bad model passes), fn-free opens it (no good
        model is held up).

    Returns
    -------
    Verdict

    Notes
    -----
    With at least `sample_size.required_labels` rows, a wrong "true" has at most the probability 1 - reliability,
    and so has a wrong "false". With fewer rows nothing is promised; the caller must not ask.

    Examples
    --------
    >>> from upkeep.core.gate.condition import parse
    >>> better = parse("n - o > 0.02 +/- 0.01")
    >>> verdict = evaluate(better, n=0.845, o=0.82, d=0.1, mode="fp-free")
    >>> verdict.truth, verdict.passed
    ('unknown', False)
    """
    if mode not in ("fp-free", "fn-free"):
        raise InputError(f"mode must be fp-free or fn-free, got {mode!r}. fp-free never lets a worse model in.")
    measured = {name: value for name, value in (("n", n), ("o", o), ("d", d)) if value is not None}
    absent = sorted(condition.variables - set(measured))
    if absent:
        raise InputError(
            f"condition {str(condition)!r} needs {', '.join(absent)}, but there is no old model to measure it on. "
            "Use a condition on n alone for the first model."
        )
    clauses = tuple(_clause(clause, measured) for clause in condition.clauses)
    truth = conjunction(tuple(clause.truth for clause in clauses))
    return Verdict(clauses=clauses, truth=truth, passed=truth == "true" or (truth == "unknown" and mode == "fn-free"))


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


def _clause(clause: Clause, measured: dict[str, float]) -> ClauseVerdict:
    estimate = float(sum(factor * measured[name] for name, factor in clause.weights))
    low, high = estimate - clause.tolerance, estimate + clause.tolerance
    above: Truth = "true" if low > clause.threshold else "false" if high < clause.threshold else "unknown"
    below: Truth = "true" if high < clause.threshold else "false" if low > clause.threshold else "unknown"
    truth = above if clause.comparison == ">" else below
    return ClauseVerdict(clause=str(clause), estimate=estimate, low=low, high=high, truth=truth)
