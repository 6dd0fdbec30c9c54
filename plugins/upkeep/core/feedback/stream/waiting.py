"""Rows that wait for their other half, in bounded memory: adaptive threshold sampling on the hash of the id."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import select
from upkeep.core.feedback.stream.runs import Run, empty_run, shared, united, without
from upkeep.errors import InputError

#: Chance has no part in a larger weight, and sums of smaller ones fit into 64 bits.
MOST_WEIGHT = 2**40


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Waiting:
    """At most `capacity` rows; a row that comes is kept iff its hash lies below the threshold of the moment.

    Attributes
    ----------
    capacity : int
    weight : int
        One over the threshold for rows that come next.
    rows : Run
        With `key` and `weight` (int64): one over the least threshold that the row has been held against.
    dropped : int
        Rows that did not meet a threshold, ever.

    Notes
    -----
    Thresholds are 1/w with a whole number w, so that weighted sums are whole numbers and exact. A buffer that is too full
    raises w step by step to the first that lets the rest fit, and survivors that were kept under a smaller w now have that
    one. When rows leave, w falls to the one at which the *estimated* number of rows waiting would just fit; rows that are here
    keep their own.

    Why a total weighted by w is unbiased. Fix all other rows, and let w* be the weight that row i would end with if its hash
    were 0. Every decision looks at how many rows lie below a threshold that is being considered, from the largest down. While row
    i's hash lies below 1/w*, each of these counts is the same as if the hash were 0, so the row stays and ends with w*. If its
    hash lies above, the decisions are the same up to the first threshold that it does not meet, where it is dropped for good. So
    the row is kept with chance 1/w* exactly, and counts w* then. The same holds for two rows at a time, so their errors are
    uncorrelated and the sum of w (w - 1) y**2 over kept rows is an unbiased estimate of the variance [1]_, [2]_.

    References
    ----------
    .. [1] Ting (2017). Adaptive threshold sampling and estimation. arXiv:1708.04970.
    .. [2] Ting (2022). Adaptive threshold sampling. SIGMOD.
    """

    capacity: int
    weight: int = 1
    rows: Run = field(repr=False)
    dropped: int = 0

    @classmethod
    def empty(cls, capacity: int, columns: Mapping[str, Any]) -> Waiting:
        """Nobody waits; rows will have these columns beside `key` and `weight`."""
        return cls(capacity=capacity, rows=empty_run({**columns, "weight": np.int64}))

    def __len__(self) -> int:
        return len(self.rows["key"])

    @property
    def estimated(self) -> int:
        """Estimated number of rows that wait, with those that were dropped."""
        return int(self.rows["weight"].sum())

    def add(self, come: Run, weight: int) -> Waiting:
        """With the rows below the threshold 1/weight of a run of which no key is held; as few of all as fit.

        A row must lie below the threshold of its own weight as well.
        """
        kept = _first(come, below(come["key"], weight))
        if (kept["weight"] > weight).any():
            kept = select(kept, np.flatnonzero(_meets(kept)))
        kept = kept | {"weight": np.maximum(kept["weight"], weight)}
        dropped = self.dropped + len(come["key"]) - len(kept["key"])
        return replace(self, rows=united(self.rows, kept), dropped=dropped)._fitted()

    def take(self, positions: NDArray[np.intp]) -> Waiting:
        """Without the rows at these positions."""
        return replace(self, rows=without(self.rows, positions))

    def again(self, come: Run, weight: int) -> tuple[Waiting, NDArray[np.intp], NDArray[np.intp]]:
        """Rows that come a second time while the first one waits, and positions of both.

        They would have been kept now as well, had they not been kept then: the threshold is the larger of the two.
        """
        here, there = shared(self.rows, come)
        if not len(here):
            return self, here, there
        weights = self.rows["weight"].copy()
        weights[here] = np.minimum(weights[here], np.maximum(come["weight"][there], weight))
        return replace(self, rows=self.rows | {"weight": weights}), here, there

    def expired(self, column: str, before: int) -> tuple[Waiting, int]:
        """Without rows whose time lies before, and the estimated number of those."""
        old = np.flatnonzero(self.rows[column] < before)
        return self.take(old), int(self.rows["weight"][old].sum())

    def relaxed(self) -> Waiting:
        """With the threshold for later rows as high as the estimated number of rows allows; never lower than it is."""
        return replace(self, weight=min(self.weight, max(1, math.ceil(self.estimated / self.capacity))))

    def _fitted(self) -> Waiting:
        key = self.rows["key"]
        if len(key) <= self.capacity:
            return self
        # the least w of which no more than `capacity` keys lie below 2**64 // w
        weight = 2**64 // (int(key[self.capacity]) + 1) + 1
        if weight > MOST_WEIGHT:
            raise InputError(
                f"hashes of ids must be spread evenly, but {self.capacity + 1} of those that wait lie below 2**-40. "
                "Whoever made the ids knew the seed: choose another one."
            )
        rows = _first(self.rows, below(key, weight))
        rows = rows | {"weight": np.maximum(rows["weight"], weight)}
        dropped = self.dropped + len(key) - len(rows["key"])
        return replace(self, rows=rows, weight=max(self.weight, weight), dropped=dropped)


def below(keys: NDArray[np.uint64], weight: int) -> int:
    """How many of ascending keys lie below the threshold."""
    return len(keys) if weight == 1 else int(np.searchsorted(keys, np.uint64(2**64 // weight)))


def _meets(run: Run) -> NDArray[np.bool_]:
    """Which rows lie below the threshold of their weight."""
    weight = run["weight"].astype(np.uint64)
    # 2**64 // w without 2**64, which has no place in 64 bits
    threshold = (np.uint64(2**64 - 1) - (weight - np.uint64(1))) // weight + np.uint64(1)
    return np.asarray((weight == 1) | (run["key"] < threshold))


def _first(run: Run, rows: int) -> Run:
    return {name: values[:rows] for name, values in run.items()}
