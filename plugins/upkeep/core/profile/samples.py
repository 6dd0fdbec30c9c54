"""Samples of raw rows, by chance or by weight, that any split of the rows gives to the bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from upkeep.core.columns import Coded, Columns, Table, concatenate, row_count, select
from upkeep.core.identity import row_ids
from upkeep.core.profile.sample_records import columns_from_json, columns_to_json
from upkeep.errors import InputError

FORMAT = 1
_PARTS = ("size", "seed", "seen", "threshold", "ids", "weights", "rows")
_WEIGHTS = (1e-200, 1e200)  # outside of these a key would leave the range of float64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowSample:
    """Rows with the smallest keys, where a key is a fixed random number of the row's id over the row's weight.

    Attributes
    ----------
    size, seed : int
        Most rows that are kept, and what the keys depend on besides the ids.
    seen : int
        Rows that were offered.
    ids : ndarray of int64, shape (k,)
        Ids of the rows kept, k <= size, smallest key first. Text ids are kept as their 64-bit hash.
    weights : ndarray, shape (k,)
        All 1 in a sample without weights.
    rows : Columns
        The rows, each column of shape (k,); text columns that came coded are spelled out.
    threshold : float
        The smallest key that was not kept, infinite while every row is kept.

    Notes
    -----
    A row is kept if its key lies below the threshold, and its key is E / w with E exponential [1]_, [2]_; so row i was
    kept with the chance ``1 - exp(-w_i * threshold)``, and weighting by the inverse makes totals unbiased [3]_.
    Without weights this is a uniform sample without replacement.

    Ids name rows: no two rows have the same. A row that is offered again is kept once, but `seen` counts it again.

    References
    ----------
    .. [1] Efraimidis & Spirakis (2006). Weighted random sampling with a reservoir. Inf. Process. Lett. 97.
    .. [2] Cohen & Kaplan (2007). Summarizing data using bottom-k sketches. PODC.
    .. [3] Duffield, Lund & Thorup (2007). Priority sampling for estimation of arbitrary subset sums. J. ACM 54.

    Examples
    --------
    >>> fares = {"fare": np.arange(1000.0)}
    >>> sample = RowSample.empty(size=3, seed=7).update(fares, np.arange(1000))
    >>> sample.seen, len(sample.ids), bool((sample.rows["fare"] == sample.ids).all())
    (1000, 3, True)
    """

    size: int
    seed: int
    seen: int
    ids: NDArray[np.int64] = field(repr=False)
    weights: NDArray[np.float64] = field(repr=False)
    rows: Columns = field(repr=False)
    threshold: float

    @classmethod
    def empty(cls, *, size: int = 1000, seed: int = 0) -> RowSample:
        """The sample of no rows."""
        if size < 1:
            raise InputError(f"a sample must hold at least 1 row, got size={size}.")
        if not 0 <= seed < 2**63:
            raise InputError(f"seed must lie in [0, 2**63), got {seed}.")
        none = np.empty(0)
        ids = none.astype(np.int64)
        return cls(size=size, seed=seed, seen=0, ids=ids, weights=none, rows={}, threshold=np.inf)

    def update(self, table: Table, ids: NDArray[Any], *, weights: ArrayLike | None = None) -> RowSample:
        """The sample with a batch of rows offered.

        Parameters
        ----------
        table : mapping of str to ndarray or Coded, each shape (n,)
        ids : ndarray of whole numbers or text, shape (n,)
        weights : array_like, shape (n,), optional
            The training loss of each row, say. All must be positive: a row of weight 0 is never drawn, and averages over
            rows that cannot be drawn are not unbiased.
        """
        number, heavy = _identified(ids, row_count(table)), _weighed(weights, row_count(table))
        chosen = _smallest(_keys(number, heavy, self.seed), number, self.size + 1)
        rows = {name: _plain(values, chosen) for name, values in table.items()}
        offered = RowSample(
            size=self.size,
            seed=self.seed,
            seen=len(number),
            ids=number[chosen],
            weights=heavy[chosen],
            rows=rows,
            threshold=np.inf,
        )
        return self.merge(offered)

    def merge(self, other: RowSample) -> RowSample:
        """The sample of both parts' rows: associative and commutative to the bit; InputError if size or seed differ."""
        if (self.size, self.seed) != (other.size, other.seed):
            raise InputError(
                f"samples that are merged must share size and seed, got {self.size} and {self.seed} "
                f"against {other.size} and {other.seed}. Draw both alike."
            )
        ids, weights = np.concatenate([self.ids, other.ids]), np.concatenate([self.weights, other.weights])
        keys = _keys(ids, weights, self.seed)
        order = _smallest(keys, ids, self.size + 1)
        keep, beyond = order[: self.size], keys[order[self.size :]]
        rows = concatenate(part.rows for part in (self, other) if part.rows)
        return RowSample(
            size=self.size,
            seed=self.seed,
            seen=self.seen + other.seen,
            ids=ids[keep],
            weights=weights[keep],
            rows=select(rows, keep),
            threshold=min([self.threshold, other.threshold, *beyond.tolist()]),
        )

    @property
    def inclusion(self) -> NDArray[np.float64]:
        """Chance with which each row was kept, given the threshold, shape (k,)."""
        return np.asarray(-np.expm1(-self.weights * self.threshold))

    def mean(self, values: ArrayLike) -> float:
        """Unbiased mean over all rows seen, from `values` of the rows kept, shape (k,); NaN where none was seen.

        The Horvitz-Thompson total over `seen`. Without weights the plain mean is unbiased too, and varies less.
        """
        held = np.asarray(values, dtype=np.float64)
        if held.shape != self.ids.shape:
            raise InputError(f"values must have one entry per row kept, {self.ids.shape}, got {held.shape}.")
        return float((held / self.inclusion).sum() / self.seen) if self.seen else float("nan")

    def to_json(self) -> dict[str, Any]:
        """Finite builtins; keys follow from ids, weights and seed, and are not stored."""
        return {
            "format": FORMAT,
            "size": self.size,
            "seed": self.seed,
            "seen": self.seen,
            "threshold": self.threshold if np.isfinite(self.threshold) else "inf",
            "ids": self.ids.tolist(),
            "weights": self.weights.tolist(),
            "rows": columns_to_json(self.rows),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> RowSample:
        """Inverse of `to_json`, to the bit; InputError for another format or columns of different length."""
        if record.get("format") != FORMAT:
            raise InputError(f"a stored sample must have format {FORMAT}, got {record.get('format')!r}. Draw it again.")
        absent = sorted(name for name in _PARTS if record.get(name) is None)
        if absent:
            raise InputError(f"a stored sample must have {', '.join(_PARTS)}, but lacks {absent}. Draw it again.")
        ids, rows = np.asarray(record["ids"], dtype=np.int64), columns_from_json(record["rows"])
        lengths = {"ids": len(ids), "weights": len(record["weights"])} | ({"rows": row_count(rows)} if rows else {})
        if len(set(lengths.values())) > 1:
            raise InputError(f"a stored sample must have one id and one weight per row, got {lengths}. Draw it again.")
        return cls(
            size=record["size"],
            seed=record["seed"],
            seen=record["seen"],
            ids=ids,
            weights=_weighed(record["weights"], len(ids)),
            rows=rows,
            threshold=np.inf if record["threshold"] == "inf" else float(record["threshold"]),
        )


def _identified(ids: NDArray[Any], rows: int) -> NDArray[np.int64]:
    if ids.shape != (rows,) or ids.dtype.kind not in "iuOU":
        raise InputError(f"ids must be whole numbers or text of shape ({rows},), got {ids.dtype} of {ids.shape}.")
    return ids.astype(np.int64) if ids.dtype.kind in "iu" else row_ids({"id": ids}, ["id"])


def _weighed(weights: ArrayLike | None, rows: int) -> NDArray[np.float64]:
    if weights is None:
        return np.ones(rows)
    heavy = np.asarray(weights, dtype=np.float64)
    if heavy.shape != (rows,):
        raise InputError(f"weights must have one entry per row, shape ({rows},), got {heavy.shape}.")
    wrong = np.flatnonzero(~((heavy >= _WEIGHTS[0]) & (heavy <= _WEIGHTS[1])))
    if len(wrong):
        raise InputError(
            f"weights must lie in [{_WEIGHTS[0]}, {_WEIGHTS[1]}], but {len(wrong)} of {rows} do not, the first at row "
            f"{wrong[0]}: {heavy[wrong[0]]}. Add a floor, such as a hundredth of the mean loss, and leave unknown losses out."
        )
    return heavy


def _keys(ids: NDArray[np.int64], weights: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Exponential over weight; 52 bits at the middle of their cells, so that no key is 0 and none is infinite."""
    bits = row_ids({"seed": np.full(len(ids), seed), "id": ids}, ["seed", "id"]).view(np.uint64)
    uniform = ((bits >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    return np.asarray(-np.log1p(-uniform) / weights)


def _smallest(keys: NDArray[np.float64], ids: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Positions of the `most` smallest keys in ascending order, each id once."""
    bound = np.partition(keys, most - 1)[most - 1] if len(keys) > most else np.inf
    few = np.flatnonzero(keys <= bound)
    order = few[np.lexsort((ids[few], keys[few]))]
    first = np.sort(np.unique(ids[order], return_index=True)[1])
    if len(first) < most and len(few) < len(keys):  # an id came twice, so the next ones move up
        return _smallest(keys, ids, len(keys))[:most]
    return np.asarray(order[first][:most])


def _plain(values: NDArray[Any] | Coded, chosen: NDArray[np.int64]) -> NDArray[Any]:
    if not isinstance(values, Coded):
        return values[chosen].astype(object) if values.dtype.kind == "U" else values[chosen]
    return np.array(
        [values.levels[code] if code >= 0 else None for code in values.codes[chosen].tolist()], dtype=object
    )
