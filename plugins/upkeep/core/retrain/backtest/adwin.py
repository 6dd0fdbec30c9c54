"""A retrain where an adaptive window over the errors is cut."""

from __future__ import annotations

from upkeep.core.retrain.backtest.errors_in_turn import ErrorsInTurn
from upkeep.core.retrain.backtest.policy import Look, Retrain


class Adwin:
    """ADWIN [1]_ as river comes with it, on the errors in the order of their labels; a fall of the error is no reason.

    References
    ----------
    .. [1] Bifet & Gavaldà (2007). Learning from time-changing data with adaptive windowing. SDM.
    """

    def __init__(self) -> None:
        from river.drift import ADWIN

        self._new, self._detector = ADWIN, ADWIN()
        self._errors = ErrorsInTurn()

    def look(self, look: Look, /) -> Retrain | None:
        if look.model.version != self._errors.version:
            self._detector = self._new()
        worse = False
        for error in self._errors.since_last(look).tolist():
            before = self._detector.estimation
            self._detector.update(int(error))
            worse |= self._detector.drift_detected and self._detector.estimation > before
        return Retrain(cause="ADWIN: the error rose") if worse else None
