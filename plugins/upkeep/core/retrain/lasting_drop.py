"""A drop of accuracy that several windows show together, where none of them has rows enough to show it alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import hypergeom

from upkeep.core.drift.spending import spend
from upkeep.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class LastingDrop:
    """The last `windows` windows against an earlier stretch of the model's life.

    `change` is accuracy now minus then, [low, high] its interval; `high` is below 0 only if the exact test, whose
    `p_value` is that of these two stretches alone, says that accuracy fell.
    """

    windows: int
    labelled: int
    change: float
    low: float
    high: float
    p_value: float


def lasting_drop(
    *,
    reference_correct: int,
    reference_rows: int,
    correct: Sequence[float],
    labelled: Sequence[int],
    alpha: float,
    enough: int | None = None,
    without: int = 0,
) -> LastingDrop:
    """Whether a model does worse than it did, at acceptance or later.

    Parameters
    ----------
    reference_correct, reference_rows : int
        Held-out rows that the model was accepted on, and those of them predicted rightly.
    correct : sequence of float
        Expected number of right predictions among as many rows as are labelled; one per window of the model since it
        was accepted, oldest first. The last one is the look.
    labelled : sequence of int
        Rows with a label, per window.
    alpha : float
        Chance that a drop is ever called certain where there is none, over all windows of the model's life.
    enough : int, optional
        If given, the fewest windows are told that have so many labelled rows and show a certain drop; if there are none,
        no drop is certain. Else the windows that show a drop most surely.
    without : int
        The drop told must be certain too if so many of its windows, those with most errors beyond the expected, are left
        out: so many bad windows are never enough. Only with `enough`.

    Notes
    -----
    The last 1, 2, 4, 8, ... windows are held against the reference, against everything before them, and against the
    1, 2, 4, ... windows before them: small windows add up, and a model that got better first can fall from there.
    Look k may use 6 alpha / (pi^2 k^2) (`core.drift.spending`), shared evenly by its pairs of stretches. For each the
    one-sided exact test of Fisher [1]_ compares two shares: given how many rows are right in all, the right ones among
    the later are hypergeometric if nothing fell. So the promise holds for windows of any size, where rows are
    independent. The interval is that of Agresti and Caffo [2]_, widened to hold 0 unless the test rejects.

    References
    ----------
    .. [1] Fisher (1935). The logic of inductive inference. JRSS 98.
    .. [2] Agresti & Caffo (2000). Simple and effective confidence intervals for proportions. Am. Stat. 54.

    Examples
    --------
    Four windows, each of 100 rows, lose ten points: none shows it alone, all of them do together.

    >>> found = lasting_drop(reference_correct=1600, reference_rows=2000, correct=[70] * 4, labelled=[100] * 4, alpha=0.05)
    >>> found.windows, round(found.change, 2), found.high < 0
    (4, -0.1, True)
    """
    looks = len(labelled)
    if not looks or looks != len(correct) or not 0 <= reference_correct <= reference_rows or not reference_rows:
        raise InputError(
            "a drop needs a reference with rows and one count of right and labelled rows per window, got "
            f"{reference_correct} of {reference_rows} rows, {len(correct)} and {looks} windows."
        )
    right = np.cumsum(
        [0.0, reference_correct, *correct]
    )  # the reference is a stretch like the windows, and before them
    rows = np.cumsum([0, reference_rows, *labelled])
    pairs = np.array(_pairs(looks))
    first, cut, last = pairs.T
    counts = np.array(
        [right[cut] - right[first], rows[cut] - rows[first], right[-1] - right[last], rows[-1] - rows[last]]
    )
    p, level = _fisher(counts), spend(alpha, looks) / len(pairs)
    surest = int(np.argmin(p))
    found = _told(looks + 1 - int(last[surest]), counts[:, surest], float(p[surest]), level)
    if enough is None:
        return found
    for one in np.lexsort((p, -last)):  # the fewest windows first, the surest of as many before others
        if p[one] > level or counts[3, one] < enough:
            continue
        start = int(last[one]) - 1
        told = _told(looks - start, counts[:, one], float(p[one]), level)
        rest = _left_out(counts[:, one], np.array([correct[start:], labelled[start:]]), without)
        if told.high < 0 and _fisher(rest)[0] <= level:
            return told
    return replace(found, high=max(found.high, 0.0))


def _fisher(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """One-sided p-values of right and all rows then, right and all rows now; counts of shape (4, tests)."""
    then, before, now, after = counts
    most, least = np.ceil(now - 1e-9), np.floor(then + 1e-9)  # rounded against a drop
    judged = np.flatnonzero((before > 0) & (after > 0))
    p = np.ones(counts.shape[1])
    p[judged] = hypergeom.cdf(most[judged], (before + after)[judged], (least + most)[judged], after[judged])
    return p


def _left_out(counts: NDArray[np.float64], windows: NDArray[np.float64], without: int) -> NDArray[np.float64]:
    """The same counts, shape (4, 1), without the worst of the windows (2, m): right and labelled rows."""
    then, before, _, _ = counts
    kept = np.argsort(windows[0] - windows[1] * then / before)[without:]
    return np.array([[then], [before], *windows[:, kept].sum(axis=1, keepdims=True)])


def _pairs(looks: int) -> list[tuple[int, int, int]]:
    """Stretches [first, cut) and [last, end); stretch 0 is the reference, window i is stretch i."""
    end = looks + 1
    pairs: list[tuple[int, int, int]] = []
    for span in _doubling(looks):
        last = end - span
        earlier = [(last - length, last, last) for length in _doubling(last - 1)]
        pairs += dict.fromkeys([(0, 1, last), (0, last, last), *earlier])
    return pairs


def _doubling(most: int) -> list[int]:
    """1, 2, 4, ... below `most`, and `most` itself; nothing for 0.

    >>> _doubling(5), _doubling(0)
    ([1, 2, 4, 5], [])
    """
    return sorted({min(2**i, most) for i in range(most.bit_length() + 1)}) if most else []


def _told(windows: int, counts: NDArray[np.float64], p: float, level: float) -> LastingDrop:
    then, before, now, after = counts.tolist()
    a, b = (then + 1) / (before + 2), (now + 1) / (after + 2)
    reach = -float(ndtri(level / 2)) * math.sqrt(a * (1 - a) / (before + 2) + b * (1 - b) / (after + 2))
    high = b - a + reach
    return LastingDrop(
        windows=windows,
        labelled=int(after),
        change=now / after - then / before if after else 0.0,
        low=max(-1.0, b - a - reach),
        high=min(1.0, high if p <= level else max(high, 0.0)),
        p_value=p,
    )
