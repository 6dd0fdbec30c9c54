"""Labels that a condition takes on average if it is judged label by label, where no rule of a fixed size saves enough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from upkeep.core.gate.anytime import anytime
from upkeep.core.gate.condition import Clause, parse
from upkeep.core.gate.promise import Promise

STREAMS = 40


@dataclass(frozen=True, slots=True)
class Stream:
    """Average labels at one truth, and its standard error; no stream goes on beyond the rows of Hoeffding's inequality."""

    truth: str
    labels: float
    error: float
    wrong: int


def streams(text: str, promise: Promise, most: int, *, seed: int) -> Iterator[Stream]:
    """At the threshold, where the answer must not be wrong, and two tolerances beyond it, where it must be clear."""
    clause = parse(text).clauses[0]
    sign = 1.0 if (clause.comparison == ">") == (promise.mode == "fp-free") else -1.0
    far = clause.threshold + 2.0 * sign * clause.tolerance
    if 0.0 <= far <= 1.0:
        yield _stream(clause, promise, clause.threshold, "at the threshold", most, seed)
        yield _stream(clause, promise, far, "two tolerances beyond", most, seed)


def _stream(clause: Clause, promise: Promise, truth: float, where: str, most: int, seed: int) -> Stream:
    rng = np.random.default_rng(seed)
    used, wrong = [], 0
    forbidden = "true" if promise.mode == "fp-free" else "false"
    for _ in range(STREAMS):
        right = (rng.random(most) < truth).astype(np.float64)
        found = anytime(
            right,
            span=clause.span,
            threshold=clause.threshold,
            comparison=clause.comparison,
            tolerance=clause.tolerance,
            log_tests=promise.log_tests,
        )
        used.append(found.rows_used)
        wrong += where == "at the threshold" and found.truth == forbidden
    return Stream(where, float(np.mean(used)), float(np.std(used) / np.sqrt(STREAMS)), wrong)
