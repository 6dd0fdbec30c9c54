"""What a challenger must be to be let in."""

from __future__ import annotations

from dataclasses import dataclass

from upkeep.core.gate.condition import parse
from upkeep.core.gate.promise import Mode
from upkeep.core.gate.sample_size import Adaptivity
from upkeep.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePolicy:
    """The condition and its promise; see `core.gate.condition` for the language and `core.gate.sample_size` for the promise.

    `first_condition` is used while there is no champion and may speak of n alone. `steps` is how many challengers
    the same rows may judge, after which newer rows are needed; holdouts that overlap in time count as the same rows.
    Scores from `threshold` on are predicted 1.
    """

    condition: str
    first_condition: str
    reliability: float = 0.95
    mode: Mode = "fp-free"
    adaptivity: Adaptivity = "none"
    steps: int = 1
    threshold: float = 0.5

    def __post_init__(self) -> None:
        beyond = sorted({variable.model for variable in parse(self.first_condition).variables} - {"n"})
        if beyond:
            raise InputError(
                f"first_condition has no old model to speak of, but {self.first_condition!r} uses {', '.join(beyond)}. "
                "Use n alone."
            )
        plain = {"n", "o", "d"}
        further = sorted({str(variable) for variable in parse(self.condition).variables} - plain)
        further += sorted({str(variable) for variable in parse(self.first_condition).variables} - plain)
        if further:
            raise InputError(
                f"the gate measures n, o and d on all rows, but a condition speaks of {', '.join(further)}."
            )
