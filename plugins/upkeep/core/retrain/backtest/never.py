"""The first model for good."""

from __future__ import annotations

from upkeep.core.retrain.backtest.policy import Look, Retrain


class Never:
    """Never retrains."""

    def look(self, _look: Look, /) -> Retrain | None:
        return None
