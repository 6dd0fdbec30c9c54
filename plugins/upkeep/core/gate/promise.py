"""What a gate promises about its verdicts over the whole life of a test set."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from upkeep.errors import InputError

Adaptivity = Literal["none", "full", "firstChange", "releases"]
Mode = Literal["fp-free", "fn-free", "investigate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """With probability `reliability`, no verdict that a test set gives in its life is wrong.

    Attributes
    ----------
    reliability : float
        1 - δ, in (0, 1). δ is per test set: over all `steps` models that it judges.
    steps : int
        H, how many models the test set will judge, those included whose accuracy on it is read and that are thrown away.
    adaptivity : {"none", "full", "firstChange", "releases"}
        Who sees the answers: nobody who builds models until the set is retired; the builders, each time; the
        builders, but the first pass retires the set; the builders, and pass number ``releases + 1`` retires the set.
    releases : int
        k, how many passes may be built upon with the adaptivity "releases". 0 is "firstChange".
    mode : {"fp-free", "fn-free", "investigate"}
        What an unknown truth becomes: shut (no bad model passes), open (no good model is refused), or a third
        answer that leaves it to a person, for which both a pass and a refusal must be right.
    answers : int
        How many different answers the builders can get: 2, or more where estimates are told. "investigate" has 3 at least.
    prior : float
        Logarithm of how many histories of answers on these rows led to this promise: ln 2 for each bit that builders
        saw under another condition before. 0 for rows that nobody has asked.

    Notes
    -----
    The verdict of a fixed model errs with probability q; a union bound over every model that can come to be judged
    makes δ = histories · q. A deterministic builder who gets one of a answers each time can reach a^H models at most
    [1]_. If passes retire the set, only histories with few passes go on: Σ_{t<H} Σ_{j<=k} C(t, j) (a-1)^(t-j), which
    is H for a = 2 and k = 0. All of it is kept as a logarithm, since 2^H overflows.

    References
    ----------
    .. [1] Renggli et al. (2019). Continuous integration of machine learning models with ease.ml/ci. MLSys.

    Examples
    --------
    >>> round(Promise(reliability=0.9999, steps=32).log_tests, 4)  # ln(32 / 0.0001)
    12.6761
    >>> once = Promise(reliability=0.9999, steps=32, adaptivity="releases", releases=1)
    >>> round(math.exp(once.log_histories))  # 32 histories without a pass, 496 with one
    528
    """

    reliability: float
    steps: int = 1
    adaptivity: Adaptivity = "none"
    releases: int = 0
    mode: Mode = "fp-free"
    answers: int = 2
    prior: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 < self.reliability < 1.0:
            raise InputError(
                f"reliability must lie in (0, 1), got {self.reliability}. 0.95 lets 5 % of the test sets err."
            )
        if self.steps < 1:
            raise InputError(
                f"steps must be at least 1, got {self.steps}. It is the number of models a test set judges."
            )
        if self.adaptivity not in ("none", "full", "firstChange", "releases"):
            raise InputError(
                f"adaptivity must be none, full, firstChange or releases, got {self.adaptivity!r}. Choose who sees verdicts."
            )
        if self.mode not in ("fp-free", "fn-free", "investigate"):
            raise InputError(
                f"mode must be fp-free, fn-free or investigate, got {self.mode!r}. fp-free never lets a worse model in."
            )
        if self.releases < 0 or (self.releases and self.adaptivity != "releases"):
            raise InputError(
                f"releases must be 0 or more and go with adaptivity releases, got {self.releases} with {self.adaptivity!r}."
            )
        if self.answers < 2 or not 0.0 <= self.prior < math.inf:
            raise InputError(
                f"a promise needs 2 answers or more and a finite prior of 0 or more, got {self.answers}, {self.prior}."
            )

    @property
    def log_histories(self) -> float:
        """ln of the number of models that can come to be judged, those of earlier promises on the same rows included."""
        answers = max(self.answers, 3) if self.mode == "investigate" else self.answers
        if self.adaptivity == "none":
            return self.prior + math.log(self.steps)
        if self.adaptivity == "full":
            return self.prior + self.steps * math.log(answers)
        return self.prior + _log_few_passes(self.steps, self.releases, math.log(answers - 1))

    @property
    def log_tests(self) -> float:
        """ln(1/q), q the probability with which one verdict on one fixed model may err."""
        # 1 - reliability carries the rounding of a decimal such as 0.9999; it moves a sample size by less than 1e-11.
        sides = math.log(2.0) if self.mode == "investigate" else 0.0
        return self.log_histories + sides - math.log1p(-self.reliability)


def _log_few_passes(steps: int, releases: int, log_refusals: float) -> float:
    """ln Σ_{t<steps} Σ_{j<=releases} C(t, j) r^(t-j), with r answers that are no pass."""
    terms = [
        math.lgamma(t + 1) - math.lgamma(j + 1) - math.lgamma(t - j + 1) + (t - j) * log_refusals
        for t in range(steps)
        for j in range(min(releases, t) + 1)
    ]
    most = max(terms)
    return most + math.log(math.fsum(math.exp(term - most) for term in terms))
