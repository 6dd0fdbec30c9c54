"""A model corrected on recent labels, and how it fared on the labels that came next, look by look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upkeep.core.retrain.recoverable import Recoverable, certainly_won, recoverable

#: Newest labelled rows that a correction is fitted on.
ROWS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GainLook:
    """What came of one correction: on the labels that came in until the window's end, `rows` of them, it alone was right on
    `better`, and the model as it is on `worse`. `since` is the begin of the window, ISO 8601."""

    window: str
    since: str
    better: int
    worse: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundGain:
    """What is to be won, at least how much of it certainly, and the look at which that begins."""

    first: GainLook
    result: Recoverable
    low: float


def judged(
    *,
    window: str,
    since: str,
    label: NDArray[np.bool_],
    predicted: NDArray[np.bool_],
    corrected: NDArray[np.bool_],
) -> GainLook:
    """Hold a correction against the model as it is, row by row; shape (n,) each.

    Examples
    --------
    >>> yes, no = np.array([True, True, False]), np.array([False, False, True])
    >>> judged(window="b", since="a", label=yes, predicted=no, corrected=np.array([True, False, False])).better
    2
    """
    right, instead = predicted == label, corrected == label
    return GainLook(
        window=window,
        since=since,
        better=int((instead & ~right).sum()),
        worse=int((right & ~instead).sum()),
        rows=len(label),
    )


def teachable(label: NDArray[np.bool_], least: int) -> bool:
    """Whether a correction can be fitted on these labels: enough of them, and both classes."""
    return len(label) >= max(least, 2) and 0 < int(label.sum()) < len(label)


def found_gain(looks: Sequence[GainLook], *, tolerated: float, alpha: float, least: int) -> FoundGain | None:
    """What the looks at one model, oldest first, show together; None with fewer than `least` labels judged in all.

    Looks without a label count as none: they take nothing of alpha.
    """
    told = [look for look in looks if look.rows]
    if not told or sum(look.rows for look in told) < least:
        return None
    better, worse, rows = [look.better for look in told], [look.worse for look in told], [look.rows for look in told]
    result = recoverable(better=better, worse=worse, rows=rows, tolerated=tolerated, alpha=alpha)
    low = certainly_won(better=better, worse=worse, rows=rows, alpha=alpha)
    return FoundGain(first=told[-result.looks], result=result, low=low)
