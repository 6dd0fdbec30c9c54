"""Quantiles of a number column in bounded memory, for histograms that follow the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.profile.sketch_records import packed, readable, unpacked
from upkeep.errors import InputError

_QUANTILES = 200  # the library's k: mass of an interval off by at most 1.65 % of the rows, in 99 of 100 sketches


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantileHistogram:
    """A histogram for people, with bins of about equal mass.

    Attributes
    ----------
    edges : ndarray, shape (m + 1,)
        Bin i is [edges[i], edges[i + 1]), the last one with its right end. A column of one value has it twice.
    masses : ndarray, shape (m,)
        Shares of the finite values; they add up to 1.
    rank_error : float
        Each mass is within this share of the rows in 99 of 100 sketches; 0 where the column was held whole.
    """

    edges: NDArray[np.float64]
    masses: NDArray[np.float64]
    rank_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileSketch:
    """Quantiles of a number column, for a histogram that follows the data where the frozen grid stands still.

    Notes
    -----
    KLL [1]_ keeps or drops by coin flips of its own that cannot be seeded: beyond a few hundred rows two sketches of
    the same rows differ, each within its error. They are for display, and never decide anything. Until then all rows are
    held, and the sketch is exact. Missing values and infinities are counted as nulls, as on the grid's line.

    References
    ----------
    .. [1] Karnin, Lang & Liberty (2016). Optimal quantile approximation in streams. FOCS.

    Examples
    --------
    >>> made = QuantileSketch.empty().update(np.array([1.0, 2.0, 3.0, 4.0, np.nan])).histogram(bins=2)
    >>> made.edges.tolist(), made.masses.tolist(), made.rank_error
    ([1.0, 3.0, 4.0], [0.5, 0.5], 0.0)
    """

    rows: int
    nulls: int
    state: bytes = field(repr=False)

    @classmethod
    def empty(cls) -> QuantileSketch:
        """The sketch of no rows."""
        from datasketches import kll_doubles_sketch

        return cls(rows=0, nulls=0, state=kll_doubles_sketch(_QUANTILES).serialize())

    def update(self, values: NDArray[Any]) -> QuantileSketch:
        """The sketch with a batch of numbers added."""
        number = values.astype(np.float64)
        number = number[np.isfinite(number)]
        made = self._open()
        made.update(number)
        nulls = self.nulls + len(values) - len(number)
        return QuantileSketch(rows=self.rows + len(values), nulls=nulls, state=made.serialize())

    def merge(self, other: QuantileSketch) -> QuantileSketch:
        """The sketch of both parts' rows, within the error stated."""
        made = self._open()
        made.merge(other._open())
        return QuantileSketch(rows=self.rows + other.rows, nulls=self.nulls + other.nulls, state=made.serialize())

    def histogram(self, bins: int = 30) -> QuantileHistogram:
        """At most `bins` bins of about equal mass; fewer where one value holds more than a bin, none without values."""
        if bins < 1:
            raise InputError(f"a histogram must have at least 1 bin, got bins={bins}.")
        made = self._open()
        if made.is_empty():
            return QuantileHistogram(edges=np.empty(0), masses=np.empty(0), rank_error=0.0)
        between = made.get_quantiles(np.arange(1, bins) / bins) if bins > 1 else []
        edges = np.unique([made.get_min_value(), *between, made.get_max_value()])
        inner = edges[1:-1]
        below = np.asarray(made.get_cdf(inner)[:-1] if len(inner) else [], dtype=np.float64)
        error = made.normalized_rank_error(True) if made.is_estimation_mode() else 0.0
        if len(edges) == 1:
            edges = np.repeat(edges, 2)
        return QuantileHistogram(edges=edges, masses=np.diff(below, prepend=0.0, append=1.0), rank_error=error)

    def to_json(self) -> dict[str, Any]:
        """Builtins: counts, and the library's own bytes in base64 with their digest."""
        return packed("quantiles", self.rows, self.nulls, [self.state])

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> QuantileSketch:
        """Inverse of `to_json`, to the bit; InputError for another format and for damaged bytes."""
        rows, nulls, (state,) = unpacked("quantiles", record, 1)
        made = cls(rows=rows, nulls=nulls, state=state)
        readable(made._open)
        return made

    def _open(self) -> Any:
        from datasketches import kll_doubles_sketch

        return kll_doubles_sketch.deserialize(self.state)
