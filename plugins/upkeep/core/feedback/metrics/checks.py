"""What the weighted metrics can be computed from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from upkeep.errors import InputError

#: Chances of a row may miss a sum of 1 by this much: they come out of a division.
_SLACK = 1e-6


def check_chances(chances: NDArray[np.float64], scores: NDArray[np.float64]) -> None:
    """InputError unless both have one shape, all numbers lie in [0, 1], and rows of several classes sum to 1."""
    if chances.shape != scores.shape:
        raise InputError(f"chances and scores must have one shape, got {chances.shape} and {scores.shape}.")
    for name, values in (("chances", chances), ("scores", scores)):
        bad = ~((values >= 0) & (values <= 1))
        if bad.any():
            raise InputError(
                f"{name} are probabilities and must lie in [0, 1]; {int(bad.sum())} do not, first {values[bad][0]}. "
                "Fill in pending labels with their chances."
            )
    if chances.ndim == 2 and len(chances) and abs(chances.sum(axis=1) - 1).max() > _SLACK:
        row = int(abs(chances.sum(axis=1) - 1).argmax())
        raise InputError(f"the chances of a row must sum to 1, but row {row} has {chances[row].tolist()}.")


def check_weights(weights: NDArray[np.float64] | None, rows: int) -> NDArray[np.float64]:
    """The weights scaled to sum to 1; equal ones if left out. InputError unless they are finite and not negative."""
    if weights is None:
        return np.full(rows, 1 / max(rows, 1))
    weight = np.asarray(weights, dtype=np.float64)
    if weight.shape != (rows,) or not np.isfinite(weight).all() or (weight < 0).any():
        raise InputError(f"weights must be {rows} finite numbers of at least 0, one per row.")
    total = float(weight.sum())
    return weight / total if total else weight
