"""What a challenger must be to be let in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from upkeep.core.functions import load_function
from upkeep.core.gate.condition import Condition, parse
from upkeep.core.gate.contract import Contract
from upkeep.core.gate.measure import Loss
from upkeep.core.gate.promise import Adaptivity, Mode
from upkeep.errors import InputError

Reveal = Literal["verdict", "estimates"]
ANYTIME = "anytime"
#: Of these the labels themselves say which rows count, so that to count them is to look at labels.
BY_LABEL = ("recall", "specificity", "f1")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePolicy:
    """The condition and its promise; see `core.gate.condition` for the language and `core.gate.promise` for the promise.

    Attributes
    ----------
    condition, first_condition : str
        What a challenger must be against the champion; and alone, while there is none, which may speak of n only.
    reliability, mode, adaptivity, releases, steps
        See `core.gate.promise.Promise`. `steps` is how many challengers the same rows may judge, after which newer rows are
        needed; holdouts that overlap in time are the same rows.
    reveal : {"verdict", "estimates"}
        What builders are told while the test set is in use, where the adaptivity lets them see anything: the verdict alone, or
        estimates too, rounded to their tolerance and paid for with more labels (adaptivity "full").
    method : str
        How the number of labels is found: a name of `core.gate.plan`, or "cheapest". Or "anytime": labels are looked at as
        they come, until the answer is certain; builders must be told nothing (adaptivity "none"), since when a test stops says
        more than its answer.
    losses : dict of str to str
        Names that the condition may use as metrics, and the functions ``module:function`` that give them, in [0, 1] per row,
        from labels and scores.
    min_slice : float
        Least share of the test rows that a slice must have to count as one of ``[worst column]``.
    threshold : float
        Scores from here on are predicted 1.
    wait_h : float
        Hours that a missing label is waited for before the gate answers without it.
    """

    condition: str
    first_condition: str
    reliability: float = 0.95
    mode: Mode = "fp-free"
    adaptivity: Adaptivity = "none"
    releases: int = 0
    steps: int = 1
    reveal: Reveal = "verdict"
    method: str = "cheapest"
    losses: Mapping[str, str] = field(default_factory=dict)
    min_slice: float = 0.01
    threshold: float = 0.5
    wait_h: float = 24.0

    def __post_init__(self) -> None:
        beyond = sorted({variable.model for variable in self.asked(first=True).variables} - {"n"})
        if beyond:
            raise InputError(
                f"first_condition has no old model to speak of, but {self.first_condition!r} uses {', '.join(beyond)}. "
                "Use n alone."
            )
        if self.reveal not in ("verdict", "estimates") or (self.reveal == "estimates" and self.adaptivity != "full"):
            raise InputError(
                f"reveal must be verdict, or estimates with the adaptivity full, got {self.reveal!r} with {self.adaptivity!r}."
            )
        if self.reveal == "estimates" and any(self.asked(first=first).worst for first in (False, True)):
            raise InputError(
                "reveal must be verdict where a worst slice is asked for: it has too many estimates to tell."
            )
        if self.method == ANYTIME:
            self._check_stream()
        by_label = sorted(
            {v.metric for first in (False, True) for v in self.asked(first=first).variables} & set(BY_LABEL)
        )
        if by_label and self.adaptivity != "none":
            raise InputError(
                f"{', '.join(by_label)} must go with the adaptivity none, got {self.adaptivity!r}: how many rows such a metric "
                "rests on tells builders what labels say. Use accuracy, precision, brier or a loss."
            )
        _ = self.contract  # refuses what cannot be promised

    def _check_stream(self) -> None:
        if self.adaptivity != "none":
            raise InputError(
                f"method anytime must go with the adaptivity none, got {self.adaptivity!r}: when an answer comes tells builders "
                "more than the answer. Use method cheapest."
            )
        for asked in (self.asked(first=True), self.asked(first=False)):
            clauses = [clause for clause in asked.clauses if clause.needs_labels]
            split = next((clause for clause in clauses if not clause.paired), None)
            if split:
                raise InputError(
                    f"method anytime needs clauses that are one mean over the same rows, got {split}. Use method cheapest."
                )
            # Labels that are asked for one kind of rows would be no sample for a clause about another.
            if asked.worst or len({(c.difference is None, c.variables[0].rows) for c in clauses}) > 1:
                raise InputError(
                    f"method anytime needs clauses about the same rows, got {asked}. Use method cheapest, or a gate for each."
                )

    def asked(self, *, first: bool) -> Condition:
        """The condition, parsed."""
        return self.parsed(self.first_condition if first else self.condition)

    def parsed(self, text: str) -> Condition:
        """Any condition, with the losses that this policy names."""
        return parse(text, losses=tuple(self.losses))

    @property
    def contract(self) -> Contract:
        """What is agreed with a test set."""
        conditions = [self.asked(first=first) for first in (False, True)]
        return Contract(
            condition=str(conditions[0]),
            first_condition=str(conditions[1]),
            reliability=self.reliability,
            steps=self.steps,
            adaptivity=self.adaptivity,
            releases=self.releases,
            mode=self.mode,
            answers=max(_estimates(one) for one in conditions) if self.reveal == "estimates" else 2,
        )

    def loss_functions(self) -> dict[str, Loss]:
        """The named losses, loaded."""
        return {name: load_function(address) for name, address in self.losses.items()}


def _estimates(condition: Condition) -> int:
    """How many different answers there are where each clause's truth and its estimate, rounded to its tolerance, are told."""
    return math.prod(3 * (math.floor((c.span[1] - c.span[0]) / c.tolerance) + 2) for c in condition.clauses)
