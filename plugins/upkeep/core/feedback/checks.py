"""Scores and labels that an estimate can be built on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.errors import InputError


def check_scores(scores: NDArray[Any]) -> NDArray[np.float64]:
    """The scores as floats; InputError unless each lies in [0, 1]."""
    number = scores.astype(np.float64)
    bad = ~((number >= 0) & (number <= 1))
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"a score is a probability and must lie in [0, 1]; {int(bad.sum())} of {len(number)} do not, "
            f"first at row {at}: {number[at]}. Use an estimator with predict_proba."
        )
    return number


def check_labels(labels: NDArray[Any]) -> NDArray[np.float64]:
    """The labels as floats; InputError unless each is 0, 1 or NaN (pending)."""
    number = labels.astype(np.float64)
    bad = ~(np.isnan(number) | (number == 0) | (number == 1))
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"a label must be 0 or 1, or missing while pending; {int(bad.sum())} of {len(number)} are neither, "
            f"first at row {at}: {number[at]}. Map the classes to 0 and 1."
        )
    return number
