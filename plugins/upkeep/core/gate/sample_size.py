"""How many labelled rows a gate needs before its verdict keeps its promise."""

from __future__ import annotations

import math
from typing import Literal

from upkeep.core.gate.condition import Clause, Condition
from upkeep.errors import InputError

Adaptivity = Literal["none", "full", "firstChange"]


def required_labels(
    condition: Condition, *, reliability: float, steps: int = 1, adaptivity: Adaptivity = "none"
) -> int:
    """Labelled rows for which every clause's estimate is within its tolerance, for a test set's whole life.

    Parameters
    ----------
    condition : Condition
        Of k clauses.
    reliability : float
        1 - δ, in (0, 1): probability that no verdict on this test set is wrong.
    steps : int
        H, how many models the test set will judge, those included whose accuracy on it is read and that are thrown away.
    adaptivity : {"none", "full", "firstChange"}
        Who sees the verdicts: nobody who builds models until the set is retired; the builders, each time;
        the builders, but the set is retired at the first pass.

    Returns
    -------
    int
        The largest need of the clauses.

    Notes
    -----
    Assumes rows drawn independently from the population the model will meet. A clause over m variables with
    factors c and tolerance ε needs ``n = (Σ|c|)² ln(m k H' / δ) / (2 ε²)`` rows [1]_: one-sided Hoeffding bounds
    on the variables, their tolerances chosen proportional to the factors, a union bound over variables, clauses and
    verdicts. H' is H for "none" and "firstChange" (there only the all-fail history goes on), and 2^H for
    "full", the number of histories of passes and fails; it is kept as a logarithm, since 2^H overflows.

    A model counts as one of the H from the moment somebody reads its accuracy on these rows, whether or not a gate judged
    it: of 200 equal models, the one with the best accuracy is above its true accuracy nearly for sure, and one verdict on
    it errs far more often than 1 - reliability. The promise is for models chosen without looking at these rows. Test sets
    that share rows are one test set.

    References
    ----------
    .. [1] Renggli et al. (2019). Continuous integration of machine learning models with ease.ml/ci. MLSys.

    Examples
    --------
    >>> from upkeep.core.gate.condition import parse
    >>> required_labels(parse("n > 0.8 +/- 0.05"), reliability=0.9999, steps=32)
    2536
    >>> required_labels(parse("n - o > 0.02 +/- 0.01"), reliability=0.9999, steps=32, adaptivity="full")
    641684
    """
    if not 0.0 < reliability < 1.0:
        raise InputError(f"reliability must lie in (0, 1), got {reliability}. 0.95 lets 5 % of the sets err.")
    if steps < 1:
        raise InputError(f"steps must be at least 1, got {steps}. It is the number of models a test set judges.")
    log_histories = _log_histories(steps, adaptivity)
    # 1 - reliability carries the rounding of a decimal such as 0.9999; it moves n by less than 1e-11.
    log_inverse_delta = -math.log1p(-reliability)
    clauses = condition.clauses
    return max(_clause_labels(clause, math.log(len(clauses)) + log_histories + log_inverse_delta) for clause in clauses)


def _log_histories(steps: int, adaptivity: Adaptivity) -> float:
    if adaptivity == "full":
        return steps * math.log(2.0)
    if adaptivity in ("none", "firstChange"):
        return math.log(steps)
    raise InputError(f"adaptivity must be none, full or firstChange, got {adaptivity!r}. Choose who sees verdicts.")


def _clause_labels(clause: Clause, log_tests: float) -> int:
    ratio = sum(abs(factor) for _, factor in clause.weights) / clause.tolerance
    rows = ratio * ratio * (math.log(len(clause.weights)) + log_tests) / 2.0
    if not math.isfinite(rows):
        raise InputError(f"the tolerance of {str(clause)!r} is too small for any data. Use one like 0.02.")
    return math.ceil(rows)
