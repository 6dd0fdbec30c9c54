"""What was agreed about a test set before it judged anybody: the condition, the promise, who is told what."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from upkeep.core.gate.promise import Adaptivity, Mode, Promise

Told = Literal["nothing", "answer", "estimates"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The condition and its promise. A contract that differs in any field is another one, and has an account of its own.

    Conditions are kept as ``str(parse(text))`` prints them, so that a space opens no new account. `first_condition` is asked
    while there is no champion. The other fields are those of `Promise`.
    """

    condition: str
    first_condition: str
    reliability: float
    steps: int = 1
    adaptivity: Adaptivity = "none"
    releases: int = 0
    mode: Mode = "fp-free"
    answers: int = 2

    def __post_init__(self) -> None:
        self.promise()  # refuses what cannot be promised

    def promise(self, prior: float = 0.0) -> Promise:
        """The promise about rows that have told the builders exp(`prior`) histories under other contracts."""
        return Promise(
            reliability=self.reliability,
            steps=self.steps,
            adaptivity=self.adaptivity,
            releases=self.releases,
            mode=self.mode,
            answers=self.answers,
            prior=prior,
        )

    @property
    def digest(self) -> str:
        """Id of the contract, 16 hex digits."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def delta(self) -> float:
        """Chance that any verdict under this contract is wrong, per test set."""
        return 1.0 - self.reliability

    @property
    def told(self) -> Told:
        """What builders of models learn from a verdict while the test set is in use."""
        if self.adaptivity == "none":
            return "nothing"
        return "estimates" if self.answers > (3 if self.mode == "investigate" else 2) else "answer"

    @property
    def kinds(self) -> int:
        """How many different answers builders can get."""
        return max(self.answers, 3) if self.mode == "investigate" else self.answers

    def retires(self, passes: int) -> bool:
        """Whether so many passes end the life of a test set."""
        return self.adaptivity in ("firstChange", "releases") and passes > self.releases

    def log_histories_after(self, answers: int) -> float:
        """ln of how many models can be the next one, after so many answers on its rows that did not retire them."""
        if self.adaptivity == "none":
            return 0.0
        refusals = math.log(self.kinds - 1)
        if self.adaptivity == "full":
            return answers * math.log(self.kinds)
        few = range(min(self.releases, answers) + 1)
        return float(np.logaddexp.reduce([_log_choose(answers, j) + (answers - j) * refusals for j in few]))

    def log_seen(self, answers: Sequence[str]) -> float:
        """ln of the histories that answers on the same rows count for under another contract.

        Notes
        -----
        A builder who knows answers may write the next contract for a model that fits them. Give each history a weight such
        that the weights of all histories at which a builder may turn to another contract sum to at most 1, which holds for
        the probabilities of any random process of answers (Kraft's inequality). If a verdict after history h errs with
        probability weight(h) · δ / (histories of the new contract), a union bound gives δ. "full" takes uniform answers, so
        each costs ln(kinds). Where passes retire the rows, the share of passes is uniform (Laplace's rule): t answers with p
        passes cost ln((t + 1) C(t, p)), little for many refusals. An open entry may be either. What a person makes of
        "investigate" is no answer of the rows: it stays a refusal here.

        Examples
        --------
        >>> agreed = Contract(condition="n > 0.8 +/- 0.05", first_condition="", reliability=0.99, steps=9)
        >>> agreed.log_seen(["fail", "fail"])  # nobody who builds models is told
        0.0
        >>> from dataclasses import replace
        >>> round(math.exp(replace(agreed, adaptivity="full").log_seen(["fail", "pass", "open"])))
        8
        >>> round(math.exp(replace(agreed, adaptivity="firstChange").log_seen(["fail", "fail", "fail"])))
        4
        """
        total = len(answers)
        if self.adaptivity == "none" or not total:
            return 0.0
        if self.adaptivity == "full":
            return total * math.log(self.kinds)
        passes = answers.count("pass")
        refusals = math.log(self.kinds - 1)
        return math.log(total + 1) + max(
            _log_choose(total, p) + (total - p) * refusals for p in range(passes, passes + answers.count("open") + 1)
        )


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
