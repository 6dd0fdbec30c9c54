"""What a rule must be to be reported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from upkeep.core.feedback.late.evidence import Evidence
from upkeep.core.feedback.late.limits import Family
from upkeep.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a rule must be to be reported.

    Attributes
    ----------
    alpha, tolerance : float
        See `Family`.
    clauses : int
        Clauses that a rule may have, 1 to 3.
    most : int
        Rules at most.
    least_rows : int
        Rows that a rule, and the rest, must have.
    least_share : float
        Share of all late rows that a rule must explain by itself.
    """

    alpha: float = 0.05
    tolerance: float = 0.05
    clauses: int = 3
    most: int = 5
    least_rows: int = 20
    least_share: float = 0.01

    def __post_init__(self) -> None:
        if self.clauses not in (1, 2, 3):
            raise InputError(f"a rule may have 1, 2 or 3 clauses, got {self.clauses}. Choose one of these.")
        if self.most < 1 or self.least_rows < 1:
            raise InputError(f"most and least_rows must be at least 1, got {self.most} and {self.least_rows}.")
        if not 0 <= self.least_share <= 1:
            raise InputError(f"least_share must lie in [0, 1], got {self.least_share}. For 1 % pass 0.01.")

    def family(self, evidence: Evidence) -> Family:
        """All conjunctions of items that have rows enough; which those are does not depend on what is late."""
        often = np.diag(evidence.pairs) >= self.least_rows
        first = evidence.coding.first
        sizes = np.add.reduceat(often.astype(np.intp), first) if len(first) else first
        return Family.of(sizes, alpha=self.alpha, tolerance=self.tolerance, most=self.most, clauses=self.clauses)
