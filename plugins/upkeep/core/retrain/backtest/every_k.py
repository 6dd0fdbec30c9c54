"""A retrain by the calendar."""

from __future__ import annotations

from upkeep.core.retrain.backtest.policy import Look, Retrain
from upkeep.errors import InputError


class EveryK:
    """Retrains after every k live windows, whatever they hold."""

    def __init__(self, k: int) -> None:
        if k < 1:
            raise InputError(f"k must be 1 window or more, got {k}.")
        self._k, self._looks = k, 0

    def look(self, _look: Look, /) -> Retrain | None:
        self._looks += 1
        return Retrain(cause="calendar") if self._looks % self._k == 0 else None
