"""Aggregates of matched pairs per bucket and time slot: whole numbers, so that any order of pairs gives the same."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, select
from upkeep.core.feedback.stream.outcomes import Outcomes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tallies:
    """Sums over pairs, each pair weighted by one over its threshold.

    Attributes
    ----------
    newest : int or None
        Number of the latest slot in which anything was predicted.
    predicted : ndarray of int64, shape (slots + 1, buckets)
        Predictions that came, matched or not: a plain count. The last row is slot `newest`, the one before it the slot before;
        row 0 holds everything older.
    cells : ndarray of int64, shape (slots + 1, buckets, cells)
        Sum of w per cell.
    losses : ndarray of int64, shape (slots + 1, buckets, losses)
        Sum of w times the loss in whole units.
    cell_spread : ndarray of float64, shape of `cells`
        Sum of w (w - 1): the variance of `cells`. All zero while nothing was dropped.
    loss_spread : ndarray of float64, shape (slots + 1, buckets, losses, 2)
        Sum of w (w - 1) l and of w (w - 1) l**2.
    """

    newest: int | None
    predicted: NDArray[np.int64] = field(repr=False)
    cells: NDArray[np.int64] = field(repr=False)
    losses: NDArray[np.int64] = field(repr=False)
    cell_spread: NDArray[np.float64] = field(repr=False)
    loss_spread: NDArray[np.float64] = field(repr=False)

    @classmethod
    def empty(cls, outcomes: Outcomes, *, slots: int, buckets: int) -> Tallies:
        """Nothing was predicted yet."""
        cells, losses = (slots + 1, buckets, outcomes.cells), (slots + 1, buckets, len(outcomes.losses))
        return cls(
            newest=None,
            predicted=np.zeros(cells[:2], dtype=np.int64),
            cells=np.zeros(cells, dtype=np.int64),
            losses=np.zeros(losses, dtype=np.int64),
            cell_spread=np.zeros(cells),
            loss_spread=np.zeros((*losses, 2)),
        )

    def arrived(self, slot: NDArray[np.int64], bucket: NDArray[np.int64]) -> Tallies:
        """With predictions counted, each of a slot and a bucket."""
        if not len(slot):
            return self
        moved = self._until(max(int(slot.max()), self.newest if self.newest is not None else int(slot.max())))
        predicted = moved.predicted.copy()
        np.add.at(predicted.reshape(-1), moved._place(slot, bucket), 1)
        return replace(moved, predicted=predicted)

    def add(self, outcomes: Outcomes, slot: NDArray[np.int64], pairs: Columns, *, sign: int = 1) -> Tallies:
        """With pairs counted, or taken back with sign -1."""
        if not len(slot):
            return self
        place, weight = self._place(slot, pairs["bucket"]), sign * pairs["weight"]
        at = place * self.cells.shape[2] + outcomes.cell(pairs)
        cells, losses = self.cells.copy(), self.losses.copy()
        np.add.at(cells.reshape(-1), at, weight)
        whole = outcomes.whole(pairs)
        for column, loss in enumerate(whole):
            np.add.at(losses.reshape(-1, len(whole))[:, column], place, weight * loss)
        counted = replace(self, cells=cells, losses=losses)
        sampled = np.flatnonzero(pairs["weight"] > 1)
        if not len(sampled):
            return counted
        few = select({"place": place, "at": at, "weight": pairs["weight"]}, sampled)
        worth = [loss[sampled] * unit for loss, unit in zip(whole, outcomes.units, strict=True)]
        return counted._spread(few, worth, sign)

    def _spread(self, few: Columns, losses: list[NDArray[np.float64]], sign: int) -> Tallies:
        weight = few["weight"].astype(np.float64)
        spread = sign * weight * (weight - 1)
        cell_spread, loss_spread = self.cell_spread.copy(), self.loss_spread.copy()
        np.add.at(cell_spread.reshape(-1), few["at"], spread)
        flat = loss_spread.reshape(-1, *loss_spread.shape[2:])
        for column, loss in enumerate(losses):
            np.add.at(flat[:, column, 0], few["place"], spread * loss)
            np.add.at(flat[:, column, 1], few["place"], spread * loss**2)
        return replace(self, cell_spread=cell_spread, loss_spread=loss_spread)

    def merge(self, other: Tallies) -> Tallies:
        """Sums over the pairs of both."""
        if self.newest is None or other.newest is None:
            return self if other.newest is None else other
        newest = max(self.newest, other.newest)
        one, two = self._until(newest), other._until(newest)
        summed = {name: getattr(one, name) + getattr(two, name) for name in SUMS}
        return replace(one, **summed)

    def folded(self, bucket: int, into: int) -> Tallies:
        """With one bucket's sums added to another's, and none left in it."""
        summed = {name: getattr(self, name).copy() for name in SUMS}
        for sums in summed.values():
            sums[:, into] += sums[:, bucket]
            sums[:, bucket] = 0
        return replace(self, **summed)

    def _place(self, slot: NDArray[np.int64], bucket: NDArray[np.int64]) -> NDArray[np.int64]:
        """Number of the row and bucket, counted through."""
        rows, buckets = self.predicted.shape
        row = np.maximum(slot - ((self.newest or 0) - (rows - 1)), 0)
        return np.asarray(row * buckets + bucket)

    def _until(self, newest: int) -> Tallies:
        """The same sums, with `newest` in the last row."""
        if self.newest is None or newest == self.newest:
            return replace(self, newest=newest)
        return replace(
            self, newest=newest, **{name: _moved(getattr(self, name), newest - self.newest) for name in SUMS}
        )


#: What is added up when two are merged.
SUMS = ("predicted", "cells", "losses", "cell_spread", "loss_spread")


def _moved(sums: NDArray[Any], slots: int) -> NDArray[Any]:
    """Rows moved to the front by that many slots, and summed up in row 0."""
    last = len(sums) - 1
    gone = min(slots, last)
    moved = np.zeros_like(sums)
    moved[0] = sums[: gone + 1].sum(axis=0)
    moved[1 : last + 1 - gone] = sums[gone + 1 :]
    return moved
