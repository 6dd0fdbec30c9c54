"""What a monitor watches, and how often it may be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from upkeep.core.drift.compare import FLOOR
from upkeep.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorPolicy:
    """What to watch, and how often to be wrong.

    Attributes
    ----------
    alpha : float
        Chance that a report ever calls out something that is not so, over the life of a model version: a quarter of it each
        for drift of any column, live rows that differ as a whole, the change of accuracy, and groups whose labels are slow.
    floor : float
        A distance up to this never counts as drift, however still the column was in the past.
    features : sequence of str
        Columns to watch; all of the reference that are logged, if empty.
    precision : float
        Labels are enough once the accuracy is known to +/- this; the report says when that will be.
    dataset : str
        Dataset whose quarantine is counted, as in ``<dataset>/quarantine``; none, if empty.
    """

    alpha: float = 0.05
    floor: float = FLOOR
    features: Sequence[str] = ()
    precision: float = 0.02
    dataset: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1 or not 0 <= self.floor < 1 or not 0 < self.precision < 1:
            raise InputError(
                f"alpha and precision must lie strictly between 0 and 1 and floor in [0, 1), got {self.alpha}, "
                f"{self.precision} and {self.floor}. "
                "Correct the section monitor of the life's file."
            )
