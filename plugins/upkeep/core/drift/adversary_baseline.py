"""The adversary of a model that was just accepted, and how well the reference's own windows can be told apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, select
from upkeep.core.drift.adversary import TOLERANCE, Adversary
from upkeep.core.drift.baseline import windows_of
from upkeep.core.drift.tolerance import ENOUGH
from upkeep.core.profile.samples import RowSample

#: Rows of the reference sample; half of them teach and half judge.
SIZE = 10_000
#: An AUC of .95 is told apart from the reference whatever its past was.
MOST = 0.45
#: Fewer rows of the reference than this give no adversary.
FEWEST = 1_000
#: Lengths of windows, in hours, and how many rows one must have for its AUC to say more than chance does.
LENGTHS_H = (24, 168, 672)
LEAST_ROWS = 300


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdversaryBaseline:
    """An adversary that knows nothing yet, and by the hours of a window what lead over one half is natural for its AUC."""

    start: Adversary
    leads: Mapping[int, float]

    @classmethod
    def fit(
        cls,
        table: Columns,
        ids: NDArray[Any],
        loss: NDArray[np.float64],
        when: NDArray[np.datetime64],
        *,
        seed: int,
    ) -> AdversaryBaseline:
        """Sample the reference, and pass its own windows by an adversary, once for each length.

        Parameters
        ----------
        table : mapping of str to ndarray, each shape (n,), n >= 1000
        ids : ndarray, shape (n,)
            Whole numbers or text that name the rows.
        loss : ndarray of float, shape (n,)
            Training loss, at least 0, NaN where it is not known. Rows that the model gets wrong are what a change is
            first seen in; they are sampled more often, and stand for fewer rows each.
        when : ndarray of datetime64, shape (n,)
        seed : int

        Notes
        -----
        A row's weight is its loss plus the mean loss, which is also put where it is not known: then no row stands for
        very many. Windows of fewer than 300 rows teach but say nothing.
        """
        known = loss[~np.isnan(loss)]
        mean = float(known.mean()) if len(known) and known.any() else 1.0
        weights = np.nan_to_num(loss, nan=mean) + mean
        sample = RowSample.empty(size=SIZE, seed=seed).update(table, ids, weights=weights)
        start = Adversary.start(sample.rows, rng=np.random.default_rng(seed), weights=1 / sample.inclusion)
        windows = {hours: windows_of(when, hours / 24)[::-1] for hours in LENGTHS_H}
        leads = {hours: natural_lead(start, table, parts) for hours, parts in windows.items()}
        return cls(start=start, leads={hours: lead for hours, lead in leads.items() if lead is not None})

    def tolerance(self, hours: float) -> float:
        """The natural lead of windows of this length: of the longest that was seen and is no longer, else of the shortest."""
        if not self.leads:
            return TOLERANCE
        return self.leads[max((h for h in self.leads if h <= hours), default=min(self.leads))]

    def to_json(self) -> dict[str, Any]:
        return {"start": self.start.to_json(), "leads": {str(hours): lead for hours, lead in self.leads.items()}}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> AdversaryBaseline:
        """Inverse of `to_json`."""
        leads = {int(hours): float(lead) for hours, lead in record["leads"].items()}
        return cls(start=Adversary.from_json(record["start"]), leads=leads)


def natural_lead(start: Adversary, table: Columns, windows: list[NDArray[np.int64]]) -> float | None:
    """The largest lead of any window, oldest first, never below what is nobody's concern; None if too few have rows."""
    state, leads = start, list[float]()
    for look, rows in enumerate(windows, 1):
        state = state.next_window().update(select(table, rows))
        if len(rows) >= LEAST_ROWS:
            leads.append(state.report(look=look).auc - 0.5)
    return min(max([TOLERANCE, *leads]), MOST) if len(leads) >= ENOUGH else None
