"""What a search for late rows needs to know about a window, and the items that conjunctions are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.late.coding import Coding

Counts: TypeAlias = NDArray[np.float64]
#: A conjunction: ascending numbers of items, counted through column by column.
Items: TypeAlias = tuple[int, ...]
Pair: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """A window in counts, and its late rows themselves, which are few.

    Attributes
    ----------
    coding : Coding
        Of k items in all.
    rows : float
        Rows of the window.
    pairs, late_pairs : ndarray, shape (k, k)
        Rows, and late rows, that have both items; those per item on the diagonal.
    late : ndarray of uint8, shape (columns, m)
        Codes of the late rows.
    weights : ndarray, shape (m,)
        What each late row counts: 1, or less if it fades.
    within : callable
        ``within(pair, items)``: rows that have a pair of items and each of these, of shape (i,), as well; None if that
        was not counted.
    """

    coding: Coding
    rows: float
    pairs: Counts
    late: NDArray[np.uint8]
    late_pairs: Counts
    weights: Counts
    within: Callable[[Pair, NDArray[np.intp]], Counts | None]


def places(coding: Coding, items: Items) -> list[tuple[int, int]]:
    """Column and code of each item."""
    columns = np.searchsorted(coding.first, items, side="right") - 1
    return [(int(c), int(item - coding.first[c])) for c, item in zip(columns, items, strict=True)]


def matches(codes: NDArray[np.uint8], coding: Coding, items: Items) -> NDArray[np.bool_]:
    """Which rows have all the items, shape (n,)."""
    hit = np.ones(codes.shape[1], dtype=bool)
    for column, code in places(coding, items):
        hit &= codes[column] == code
    return hit


def items_of(codes: NDArray[np.uint8], coding: Coding, weights: Counts | None = None) -> Counts:
    """Rows per item, shape (k,)."""
    counts = np.zeros(int(coding.sizes.sum()))
    for first, size, column in zip(coding.first, coding.sizes, codes, strict=True):
        counts[first : first + size] = np.bincount(column, weights, minlength=int(size))
    return counts
