"""A retrain where the error is far above its lowest level."""

from __future__ import annotations

from upkeep.core.retrain.backtest.errors_in_turn import ErrorsInTurn
from upkeep.core.retrain.backtest.policy import Look, Retrain


class Ddm:
    """DDM [1]_ as river comes with it, on the errors in the order of their labels.

    References
    ----------
    .. [1] Gama, Medas, Castillo & Rodrigues (2004). Learning with drift detection. SBIA.
    """

    def __init__(self) -> None:
        from river.drift.binary import DDM

        self._new, self._detector = DDM, DDM()
        self._errors = ErrorsInTurn()

    def look(self, look: Look, /) -> Retrain | None:
        if look.model.version != self._errors.version:
            self._detector = self._new()
        found = False
        for error in self._errors.since_last(look).tolist():
            self._detector.update(error)
            found |= self._detector.drift_detected
        return Retrain(cause="DDM: the error rose") if found else None
