"""What the score says, corrected for the cells of one column where a window is the reference in another mix of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from upkeep.core.feedback.estimate.boosting import log_odds
from upkeep.core.feedback.estimate.coding import CELLS
from upkeep.core.feedback.estimate.mixing import moved_column
from upkeep.core.packing import pack, unpack
from upkeep.core.profile.stored import damaged, fields

#: Rows that a window is held against, and bytes that they and the effects may take; their JSON takes a third more.
_SAMPLE_ROWS, _BYTES = 10_000, 1_200_000
#: Newton's steps, none larger than 1; effects beyond `_LARGEST` in log odds are not believed.
_STEPS, _LARGEST = 8, 3.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegroupWay:
    """Of a classifier: how much likelier rows of a cell are to be right than their score says, in log odds.

    `effects` has shape (columns, CELLS), `codes`, a sample of the reference, shape (k, columns).
    """

    effects: NDArray[np.float32]
    codes: NDArray[np.uint8]

    @classmethod
    def learn(
        cls,
        codes: NDArray[np.uint8],
        start: NDArray[np.float64],
        outcome: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> RegroupWay:
        """From codes, shape (n, d), chances of being right by the score alone, and what was, shape (n,)."""
        kept = min(len(codes), _SAMPLE_ROWS, max(1, _BYTES // codes.shape[1] - 4 * CELLS))
        drawn = np.sort(rng.choice(len(codes), kept, replace=False))
        effects = np.stack([cell_effects(column, start, outcome) for column in codes.T])
        return cls(effects=effects.astype(np.float32), codes=codes[drawn])

    def expected(
        self, start: NDArray[np.float64], codes: NDArray[np.uint8], _scores: NDArray[np.float64], /
    ) -> NDArray[np.float64]:
        column = moved_column(self.codes, codes)
        if column is None:
            return start
        effect = self.effects[column].take(codes[:, column]).astype(np.float64)[:, None]
        return np.where(effect, expit(log_odds(start) + effect), start)

    def to_json(self) -> dict[str, Any]:
        return {"effects": pack(self.effects), "codes": pack(self.codes)}

    @classmethod
    def from_json(cls, record: object, columns: int) -> RegroupWay:
        """Inverse of `to_json`; InputError unless effects and sample are of so many columns."""
        held: Mapping[str, Any] = fields("stored cell effects", record, ["effects", "codes"])
        effects, codes = unpack(held["effects"]), unpack(held["codes"])
        if effects.shape != (columns, CELLS) or codes.ndim != 2 or codes.shape[1] != columns or codes.dtype != np.uint8:
            raise damaged(f"stored cell effects must be of {columns} columns, with a sample of codes", list(held))
        return cls(effects=effects.astype(np.float32), codes=codes)


def cell_effects(
    codes: NDArray[np.uint8], start: NDArray[np.float64], outcome: NDArray[np.float64]
) -> NDArray[np.float64]:
    """By how much the log odds of each cell's rows are off, shrunk by how much cells differ at all, shape (CELLS,).

    Parameters
    ----------
    codes : ndarray of uint8, shape (n,)
    start, outcome : ndarray of float, shape (n,)
        What the score alone says of a row, and what was, 0 or 1.

    Notes
    -----
    Effects are normal with mean 0 and variance t (empirical Bayes), and each is the most likely one given its rows. With
    s = sum (outcome - start) and v = sum start (1 - start) of a cell, E s^2 / v = 1 + v t up to second order, so t is
    sum (s^2 / v - 1) / sum v over the cells, or 0. Then no cell differs from what its scores say.

    Examples
    --------
    Two cells of 1,000 rows where the score says .5, and .6 and .4 are right: s = +-100, v = 250, so t = 78 / 500.

    >>> codes = np.repeat([0, 1], 1000).astype(np.uint8)
    >>> outcome = np.concatenate([np.arange(1000) < 600, np.arange(1000) < 400]).astype(float)
    >>> cell_effects(codes, np.full(2000, 0.5), outcome)[:3].round(3)
    array([ 0.395, -0.395,  0.   ])
    """
    odds, effects = log_odds(start), np.zeros(CELLS)
    slope, bend = _derivatives(codes, odds, effects, outcome)
    held = bend > 0
    between = float((slope[held] ** 2 / bend[held] - 1).sum() / bend.sum())
    if between <= 0:
        return effects
    for _ in range(_STEPS):
        slope, bend = _derivatives(codes, odds, effects, outcome)
        step = (slope - effects / between) / (bend + 1 / between)
        effects = np.clip(effects + np.clip(step, -1.0, 1.0), -_LARGEST, _LARGEST)
    return effects


def _derivatives(
    codes: NDArray[np.uint8], odds: NDArray[np.float64], effects: NDArray[np.float64], outcome: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of the log-likelihood of every cell: the slope, and the bend with its sign changed."""
    chance = expit(odds + effects.take(codes))
    slope = np.bincount(codes, weights=outcome - chance, minlength=CELLS)
    return np.asarray(slope), np.asarray(np.bincount(codes, weights=chance * (1 - chance), minlength=CELLS))
