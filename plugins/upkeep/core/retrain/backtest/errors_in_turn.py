"""The errors of the model in use, in the order in which their labels come in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from upkeep.core.retrain.backtest.policy import Look


class ErrorsInTurn:
    """Hands out each error once, as detectors on a stream take them; `version` is the model that made them."""

    def __init__(self) -> None:
        self.version = 0
        self._given = np.empty(0, dtype=bool)

    def since_last(self, look: Look) -> NDArray[np.bool_]:
        """Whether the model was wrong, for each of its rows whose label came in since the last look; shape (labels,)."""
        if look.model.version != self.version:
            self.version, self._given = look.model.version, np.empty(0, dtype=bool)
        first = look.model.since
        given = np.zeros(len(look.labels) - first, dtype=bool)
        given[: len(self._given)] = self._given
        new = np.flatnonzero(~np.isnan(look.labels[first:]) & ~given)
        given[new] = True
        self._given = given
        rows = first + new[np.argsort(look.known_at[first:][new], kind="stable")]
        return np.asarray((look.scores[rows] >= 0.5) != (look.labels[rows] == 1))
