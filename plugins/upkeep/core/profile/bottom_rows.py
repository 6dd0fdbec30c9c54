"""A uniform sample of a table's rows that depends on the rows' places alone; for tables that do not fit into memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, concatenate, select
from upkeep.core.identity import row_ids

_LAST = np.uint64(2**64 - 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BottomRows:
    """The `most` rows of least hash of (file, row in that file); all rows while there are no more.

    Notes
    -----
    Which rows those are does not depend on the parts they come in, nor on the order of the parts: the same table gives
    the same sample on every machine. A row costs one hash, and once the sample is full, only a row that may enter is
    looked at: of N rows about ``most * (1 + log(N / most))``. `samples.RowSample` draws by ids and weights instead, and
    can be stored.

    Examples
    --------
    >>> def drawn(*sizes):
    ...     sample, first = BottomRows(most=3), 0
    ...     for rows in sizes:
    ...         at, keys = sample.candidates(0, first, rows)
    ...         sample = sample.add({"x": first + at}, keys)
    ...         first += rows
    ...     return sample.rows()["x"].tolist()
    >>> drawn(1000) == drawn(1, 400, 599)
    True
    """

    most: int
    bound: np.uint64 = _LAST
    _keys: tuple[NDArray[np.uint64], ...] = field(default=(), repr=False)
    _rows: tuple[Columns, ...] = field(default=(), repr=False)

    def candidates(self, file: int, first: int, rows: int) -> tuple[NDArray[np.intp], NDArray[np.uint64]]:
        """Positions, within a part, of the rows that may be in the sample, and their keys, for `add`.

        Parameters
        ----------
        file : int
            What tells the part's file from others.
        first, rows : int
            Number of the part's first row in its file, and rows of the part.
        """
        place = {"file": np.full(rows, file), "row": np.arange(first, first + rows)}
        keys = row_ids(place, ["file", "row"]).view(np.uint64)
        chosen = np.flatnonzero(keys <= self.bound)
        return chosen, keys[chosen]

    def add(self, rows: Columns, keys: NDArray[np.uint64]) -> BottomRows:
        """The sample with the rows that `candidates` chose."""
        grown = BottomRows(most=self.most, bound=self.bound, _keys=(*self._keys, keys), _rows=(*self._rows, rows))
        return grown._compact() if sum(map(len, grown._keys)) > 2 * self.most else grown

    def rows(self) -> Columns:
        """The sampled rows, smallest key first."""
        return self._compact()._rows[0] if self._rows else {}

    def _compact(self) -> BottomRows:
        keys, rows = np.concatenate(self._keys), concatenate(self._rows)
        kept = np.argsort(keys, kind="stable")[: self.most]
        bound = keys[kept[-1]] if len(kept) == self.most else _LAST
        return BottomRows(most=self.most, bound=bound, _keys=(keys[kept],), _rows=(select(rows, kept),))
