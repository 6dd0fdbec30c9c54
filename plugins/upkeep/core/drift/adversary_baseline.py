"""The adversary of a model that was just accepted, and how well the reference's own windows can be told apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, select
from upkeep.core.drift.adversary import TOLERANCE, Adversary
from upkeep.core.drift.baseline import windows_of
from upkeep.core.profile.samples import RowSample

#: Rows of the reference sample; half of them teach and half judge.
SIZE = 10_000


#: An AUC of .95 is told apart from the reference whatever its past was.
MOST = 0.45
#: Fewer rows of the reference than this give no adversary.
FEWEST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdversaryBaseline:
    """An adversary that knows nothing yet, and what lead over one half an AUC has by natural variation."""

    start: Adversary
    tolerance: float

    @classmethod
    def fit(
        cls,
        table: Columns,
        ids: NDArray[Any],
        loss: NDArray[np.float64],
        when: NDArray[np.datetime64],
        *,
        days: int,
        seed: int,
    ) -> AdversaryBaseline:
        """Sample the reference, and pass its own windows by an adversary.

        Parameters
        ----------
        table : mapping of str to ndarray, each shape (n,), n >= 1000
        ids : ndarray, shape (n,)
            Whole numbers or text that name the rows.
        loss : ndarray of float, shape (n,)
            Training loss, at least 0, NaN where it is not known. Rows that the model gets wrong are what a change is first seen
            in; they are sampled more often, and stand for fewer rows each.
        when : ndarray of datetime64, shape (n,)
        days : int
            Length of a window.
        seed : int

        Notes
        -----
        A row's weight is its loss plus the mean loss (which is also put where it is not known): then no row stands for very many.
        """
        known = loss[~np.isnan(loss)]
        mean = float(known.mean()) if len(known) and known.any() else 1.0
        weights = np.nan_to_num(loss, nan=mean) + mean
        sample = RowSample.empty(size=SIZE, seed=seed).update(table, ids, weights=weights)
        start = Adversary.start(sample.rows, rng=np.random.default_rng(seed), weights=1 / sample.inclusion)
        state, leads = start, [0.0]
        for look, rows in enumerate(reversed(windows_of(when, days)), 1):
            state = state.next_window().update(select(table, rows))
            leads.append(state.report(look=look).auc - 0.5)
        return cls(start=start, tolerance=min(max(TOLERANCE, *leads), MOST))

    def to_json(self) -> dict[str, Any]:
        return {"start": self.start.to_json(), "tolerance": self.tolerance}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> AdversaryBaseline:
        """Inverse of `to_json`."""
        return cls(start=Adversary.from_json(record["start"]), tolerance=float(record["tolerance"]))
