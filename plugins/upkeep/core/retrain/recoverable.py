"""How much of a model's loss a correction on recent labels wins back, and whether that is certain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from upkeep.core.drift.spending import spend
from upkeep.errors import InputError

#: Shares of the stake that is laid on a gain above what is tolerated; small ones find small gains, large ones large gains.
BETS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8)
#: Of the normal distribution: 95 % lie within.
Z = 1.96
#: The certain gain is found to 2^-16.
HALVINGS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Recoverable:
    """What a corrected model won over the model as it is.

    `gain` is the accuracy won in the last `looks` looks, those that show it most surely, on `rows` labelled rows; `high` is
    the upper end of its plain 95 % interval. `certain` says that `log_evidence`, natural log, has reached log(1 / alpha).
    """

    looks: int
    rows: int
    gain: float
    high: float
    log_evidence: float
    certain: bool


def recoverable(
    *, better: Sequence[int], worse: Sequence[int], rows: Sequence[int], tolerated: float, alpha: float
) -> Recoverable:
    """Whether more than a tolerated loss can be won back.

    Parameters
    ----------
    better, worse : sequence of int
        Labelled rows that only the corrected model has right, and that only the model as it is has right; one per look,
        oldest first.
    rows : sequence of int
        All labelled rows of the look.
    tolerated : float
        Gain of accuracy that does not matter, in [0, 1).
    alpha : float
        Chance, over all looks of the model's life, that a gain is called certain where there never was one above what is
        tolerated.

    Notes
    -----
    A row's gain is 1, 0 or -1. Who bets a share b of his stake that it is above the tolerated t multiplies the stake by
    1 + b (gain - t); no bet wins on average while the gain that a row has to expect, given all rows before it, is at most t,
    if the correction was fitted before the label came in [1]_. So stakes are spread over bets and over the look to begin
    at (look k gets 6 / (pi^2 k^2), `core.drift.spending`), as a gain may begin late [2]_. All of them together are a
    supermartingale from 1, and reach 1 / alpha with a chance of at most alpha, however often one looks (Ville).

    References
    ----------
    .. [1] Waudby-Smith & Ramdas (2024). Estimating means of bounded random variables by betting. JRSS B 86.
    .. [2] Shin, Ramdas & Rinaldo (2024). E-detectors: a nonparametric framework for sequential change detection. NEJSDS 2.

    Examples
    --------
    Ten quiet looks, then a correction has 12 rows in 100 right that the model has wrong, and 2 the other way round.

    >>> quiet, turned = [3] * 10, [12] * 5
    >>> found = recoverable(better=quiet + turned, worse=[3] * 10 + [2] * 5, rows=[100] * 15, tolerated=0.03, alpha=0.05)
    >>> found.looks, round(found.gain, 2), found.certain
    (5, 0.1, True)
    >>> round(found.high, 2)
    0.13
    """
    counts = _counts(better, worse, rows)
    if not 0 <= tolerated < 1:
        raise InputError(f"a tolerated loss must lie in [0, 1), got {tolerated}.")
    stakes, kept = _stakes(counts, tolerated, alpha)
    evidence = float(logsumexp([*stakes, kept]))
    first = int(np.argmax(stakes))
    won_since, lost_since, count = counts[:, first:].sum(axis=1).tolist()
    gain = (won_since - lost_since) / count if count else 0.0
    spread = max((won_since + lost_since) / count - gain**2, 0.0) if count else 0.0
    return Recoverable(
        looks=counts.shape[1] - first,
        rows=count,
        gain=gain,
        high=min(1.0, gain + Z * math.sqrt(spread / count)) if count else 1.0,
        log_evidence=evidence,
        certain=bool(evidence >= -np.log(alpha)),
    )


def certainly_won(*, better: Sequence[int], worse: Sequence[int], rows: Sequence[int], alpha: float) -> float:
    """The largest gain that certainly was there to be won, 0 if none is certain; arguments as for `recoverable`.

    It is a lower limit for all looks of the model's life: that it is ever above every gain there was to expect has a
    chance of at most `alpha`, as evidence falls where more is tolerated.

    Examples
    --------
    >>> round(certainly_won(better=[12] * 5, worse=[2] * 5, rows=[100] * 5, alpha=0.05), 3)
    0.053
    """
    counts, low, high = _counts(better, worse, rows), 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        stakes, kept = _stakes(counts, middle, alpha)
        low, high = (middle, high) if logsumexp([*stakes, kept]) >= -np.log(alpha) else (low, middle)
    return low


def _counts(better: Sequence[int], worse: Sequence[int], rows: Sequence[int]) -> NDArray[np.int64]:
    won, lost, judged = (np.asarray(counts, dtype=np.int64) for counts in (better, worse, rows))
    if (
        not len(won)
        or not len(won) == len(lost) == len(judged)
        or ((won < 0) | (lost < 0) | (won + lost > judged)).any()
    ):
        raise InputError(
            "a gain needs one count of rows won, of rows lost and of all rows per look, of which won and lost are parts, got "
            f"{list(better)}, {list(worse)} and {list(rows)}."
        )
    return np.array([won, lost, judged])


def _stakes(counts: NDArray[np.int64], tolerated: float, alpha: float) -> tuple[NDArray[np.float64], float]:
    """Log of what each look's stake has become, and of what is kept for later looks."""
    won, lost, judged = counts
    bets = np.array(BETS)[:, None] / (1 + tolerated)  # no row takes the whole stake
    grown = won * np.log1p(bets * (1 - tolerated)) + lost * np.log1p(-bets * (1 + tolerated))
    grown += (judged - won - lost) * np.log1p(-bets * tolerated)
    since = np.cumsum(grown[:, ::-1], axis=1)[:, ::-1]  # of a stake that is laid from a look on
    share = np.array([spend(alpha, look) / alpha for look in range(1, len(won) + 1)])
    stakes = np.log(share) + logsumexp(since, axis=0) - np.log(len(BETS))
    return stakes, float(np.log1p(-share.sum()))
