"""Which cell each of many numbers falls into: exact, and several times cheaper than sorting them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: A lattice is good enough when fewer of the rows than this need a search, and useless when more than `_USELESS` do.
_GOOD, _USELESS = 0.02, 0.3
#: Differences of numbers beyond this may overflow.
HUGE = 1e307
_SIZES = (1 << 13, 1 << 16)
_COMPARES = (1, 2, 3)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lattice:
    """Equally wide steps across the cuts, each knowing how many cuts lie in the steps before it.

    Notes
    -----
    The step of a number is ``trunc((min(max(x, low), high) - low) * scale)``; for columns of long right tails the
    numbers' bit patterns, which grow like their logarithms, take the place of the numbers. Each of these operations
    is monotone, rounding included, so a cut in an earlier step than x is below x, and one in a later step is above
    it. What is left to compare are the cuts in the step of x itself: `compares` of them for every number, and a
    binary search in the few steps that are `crowded`. The result is ``searchsorted(cuts, x, side="right")`` for every
    input.
    """

    cuts: NDArray[np.float64]
    padded: NDArray[np.float64]  # the cuts, and infinity
    logarithmic: bool
    scale: float
    start: NDArray[np.intp]  # shape (steps,): cuts in the steps before
    crowded: NDArray[np.bool_] | None
    compares: int

    @classmethod
    def across(cls, cuts: NDArray[np.float64]) -> Lattice | None:
        """The lattice of sorted, finite, different cuts, or None where sorting the numbers is cheaper.

        That is so when most cuts crowd into few steps, as those of a column with two long tails do.

        Examples
        --------
        >>> lattice = Lattice.across(np.array([1.0, 2.0, 5.0]))
        >>> lattice.cells(np.array([0.0, 1.0, 4.9, 5.0])).tolist()
        [0, 1, 2, 3]
        """
        cuts = cuts + 0.0  # a stored cut may be -0.0, whose bits are those of a negative number
        if len(cuts) < 2 or max(-cuts[0], cuts[-1]) > HUGE:
            return None
        best, least = None, _USELESS
        for logarithmic in (False, True) if cuts[0] >= 0 else (False,):
            for size in _SIZES:
                for compares in _COMPARES:
                    searched, lattice = _lattice(cuts, logarithmic, size, compares)
                    if searched < _GOOD:
                        return lattice
                    if searched < least:
                        best, least = lattice, searched
        return best

    def cells(self, values: NDArray[np.float64]) -> NDArray[np.intp]:
        """Number of cuts at or below each value, shape (n,); values must be finite."""
        step = _steps(values, self.cuts, self.logarithmic, self.scale)
        cell = self.start.take(step)
        for _ in range(self.compares):
            cell += values >= self.padded.take(cell)
        if self.crowded is not None:
            rest = np.flatnonzero(self.crowded.take(step))
            cell[rest] = np.searchsorted(self.cuts, values[rest], side="right")
        return cell


def _lattice(cuts: NDArray[np.float64], logarithmic: bool, size: int, compares: int) -> tuple[float, Lattice | None]:
    """A lattice, and the share of cuts, which is about that of the rows, that need a search."""
    span = float((_bits(cuts[-1:]) - _bits(cuts[:1]))[0] if logarithmic else cuts[-1] - cuts[0])
    scale = (size - 1) / span
    if not np.isfinite(scale):  # the cuts are closer than their own rounding
        return 1.0, None
    held = np.bincount(_steps(cuts, cuts, logarithmic, scale), minlength=size)
    crowded = held > compares
    lattice = Lattice(
        cuts=cuts,
        padded=np.append(cuts, np.inf),
        logarithmic=logarithmic,
        scale=scale,
        start=np.cumsum(held) - held,
        crowded=crowded if crowded.any() else None,
        compares=compares,
    )
    return float(held[crowded].sum() / len(cuts)), lattice


def _steps(values: NDArray[np.float64], cuts: NDArray[np.float64], logarithmic: bool, scale: float) -> NDArray[np.intp]:
    at = np.clip(values, cuts[0], cuts[-1])
    if logarithmic:
        at += 0.0  # makes -0.0 positive, whose bits would be those of a negative number
        at = (_bits(at) - _bits(cuts[:1])).astype(np.float64)
    else:
        at -= cuts[0]
    at *= scale
    return at.astype(np.intp)


def _bits(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Positive numbers as integers in the same order."""
    return values.view(np.int64)
