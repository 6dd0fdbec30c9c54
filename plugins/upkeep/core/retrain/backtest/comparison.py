"""Whether one policy's error is worse than another's, beyond what windows vary by themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from upkeep.core.retrain.backtest.replay import Replay
from upkeep.errors import InputError

#: Blocks of windows that a verdict rests on at least; there are as many if there are as many windows.
LEAST_BLOCKS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDifference:
    """Mean error of the one minus that of the other, on the same rows.

    It is `worse` above two standard errors and `no_worse` up to there, and neither if it is not `told`: a standard error
    of fewer than eight blocks is itself a guess.
    """

    value: float
    standard_error: float
    blocks: int

    @property
    def told(self) -> bool:
        return self.blocks >= LEAST_BLOCKS

    @property
    def worse(self) -> bool:
        return self.told and self.value > 2 * self.standard_error

    @property
    def no_worse(self) -> bool:
        return self.told and self.value <= 2 * self.standard_error


def error_difference(ours: Replay, other: Replay) -> ErrorDifference:
    """Paired difference of two replays of one stream.

    Notes
    -----
    A retrain is felt for many windows, so differences of neighbouring windows hang together. Windows are therefore taken in
    blocks of about the square root of their number, but in no fewer than eight, and the standard error is that of the
    ratio sum(differences) / sum(rows) over blocks [1]_.

    References
    ----------
    .. [1] Cochran (1977). Sampling techniques, 3rd ed., section 6.3 (ratio estimate).

    Examples
    --------
    >>> def fared(*wrong):
    ...     rows = np.full(4, 100)
    ...     return Replay(windows=("a", "b", "c", "d"), rows=rows, wrong=np.array(wrong), retrains=())
    >>> found = error_difference(fared(10, 10, 20, 20), fared(10, 14, 22, 26))
    >>> found.value, round(found.standard_error, 4), found.blocks  # -12 of 400; sqrt(4/3 * 20) / 400
    (-0.03, 0.0129, 4)
    """
    if ours.windows != other.windows or (ours.rows != other.rows).any():
        raise InputError("two replays must have the same live windows to be compared. Replay one stream with one rule.")
    count = len(ours.rows)
    length = max(1, min(round(math.sqrt(count)), count // LEAST_BLOCKS))
    starts = np.arange(0, count - length + 1, length)
    moved = np.add.reduceat(ours.wrong - other.wrong, starts).astype(float)
    rows = np.add.reduceat(ours.rows, starts).astype(float)
    value = float(moved.sum() / rows.sum())
    blocks = len(starts)
    left = float(((moved - value * rows) ** 2).sum())
    error = math.sqrt(left * blocks / (blocks - 1)) / float(rows.sum()) if blocks > 1 else math.inf
    return ErrorDifference(value=value, standard_error=error, blocks=blocks)
