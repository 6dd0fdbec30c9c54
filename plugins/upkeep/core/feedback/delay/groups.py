"""Which groups of rows have delays of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Table, row_count
from upkeep.core.feedback.late.coding import Coding
from upkeep.core.profile.cells import Cells

#: Groups of a number column, and of a text column; all other levels share one.
CELLS, LEVELS = 6, 12
#: A column that explains less of who is labelled by the median delay tells no groups apart.
LEAST_ASSOCIATION = 0.02


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DelayGroups:
    """Cells of one column, each a group; of none where no column tells delays apart.

    Examples
    --------
    >>> zone = np.repeat(np.array(["Bronx", "Kings"], dtype=object), 500)
    >>> groups = DelayGroups.find({"zone": zone}, np.repeat([9.0, 2.0], 500), np.zeros(1000, dtype=bool))
    >>> groups.column, groups.of({"zone": zone[498:502]}).tolist()
    ('zone', [0, 0, 1, 1])
    """

    coding: Coding

    @classmethod
    def find(cls, table: Table, hours: NDArray[np.float64], pending: NDArray[np.bool_]) -> DelayGroups:
        """The column that tells most about who is labelled by the median delay.

        Parameters
        ----------
        table : mapping of str to ndarray or Coded, each shape (n,)
        hours : ndarray of float, shape (n,)
            Delay of labelled rows, age of pending ones.
        pending : ndarray of bool, shape (n,)

        Notes
        -----
        Rows that were observed for the median delay or longer are judged. Columns are ranked by phi^2, the share of the
        variance of "labelled by then" that lies between the groups, less what chance puts there [1]_.

        References
        ----------
        .. [1] Bergsma (2013). A bias-correction for Cramér's V and Tschuprow's T. J. Korean Stat. Soc. 42.
        """
        if pending.all():
            return cls(coding=Coding(cells={}))
        middle = float(np.median(hours[~pending]))
        judged = np.flatnonzero(~pending | (hours >= middle))
        early = ~pending[judged] & (hours[judged] <= middle)
        row_count(table)
        most, cells = LEAST_ASSOCIATION, dict[str, Cells]()
        for name, values in table.items():  # one by one: it does not matter how many cells they have together
            column = {name: values[judged]}
            coding, codes = Coding.fit(column, cells=CELLS, levels=LEVELS).read(column)
            told = max((_association(code, early) for code in codes), default=0.0)
            if told > most or (told == most and not cells):
                most, cells = told, dict(coding.cells)
        return cls(coding=Coding(cells=cells))

    @property
    def column(self) -> str:
        """Name of the column, empty without groups."""
        return next(iter(self.coding.names), "")

    def of(self, table: Table) -> NDArray[np.int64]:
        """Group of each row, shape (n,); InputError if the column is not there."""
        if not self.column:
            return np.zeros(row_count(table), dtype=np.int64)
        return np.asarray(self.coding.encode(table)[0], dtype=np.int64)

    def to_json(self) -> dict[str, Any]:
        return self.coding.to_json()

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> DelayGroups:
        """Inverse of `to_json`; InputError for another format."""
        return cls(coding=Coding.from_json(record))


def _association(codes: NDArray[np.uint8], early: NDArray[np.bool_]) -> float:
    """phi^2 less its expectation where nothing hangs together, (groups - 1) / (n - 1)."""
    rows = np.bincount(codes)
    held = rows > 0
    share, mean = np.bincount(codes[early], minlength=len(rows))[held] / rows[held], early.mean()
    if not 0 < mean < 1:
        return 0.0
    between = float((rows[held] * (share - mean) ** 2).sum()) / (len(early) * mean * (1 - mean))
    return float(between - (int(held.sum()) - 1) / max(1, len(early) - 1))
