"""How many labels ever come, and whether that is known yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaincinv

if TYPE_CHECKING:
    from upkeep.core.feedback.delay.curve import DelayCurve

#: So small a share of labels that may still come is nobody's concern.
TOLERANCE = 0.02
#: With fewer labels, or fewer rows followed to the end, nothing is said.
LEAST_ROWS = 30
_MISS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Plateau:
    """The largest P(labelled) that was seen, with its 95 % limits, and the age from which on it holds.

    `reached`: no more than 0.02 are still to come, see `find_plateau`.
    """

    labelled: float
    low: float
    high: float
    age_h: float
    reached: bool

    @property
    def never(self) -> float | None:
        """Share of rows that never get a label; None while that is not known."""
        return 1 - self.labelled if self.reached else None

    @property
    def sentence(self) -> str:
        if not self.reached:
            return f"{self.labelled:.1%} of the labels come within {self.age_h:.4g} h; how many never come is not known yet."
        return f"{1 - self.labelled:.1%} ({1 - self.high:.1%} to {1 - self.low:.1%}) of the labels never come."


def find_plateau(curve: DelayCurve) -> Plateau:
    """Level at which the curve ends, and whether it has become flat there.

    Notes
    -----
    It has if, with 97.5 % confidence, at most 0.02 of all rows are either left without a label, or were labelled while the age
    doubled for the last time. That goes from t/2 to t by the exact binomial limit for the rows that still waited at t/2, if
    the curve does not rise by more than 0.02 after t/2 either. With n rows that waited for half of the longest age, t is
    the age to which n, n/2, n/4, ... of them were followed, 30 at least; the best of these counts, each at its share of the
    2.5 %. So the rule sees a curve that rises with the logarithm of age; no data can exclude that labels come after a
    longer silence than was watched.
    """
    labelled, age = float(curve.after[-1]), float(curve.ages[np.searchsorted(curve.after, curve.after[-1])])
    low, high = (float(end) for end in curve.interval(age, alpha=_MISS))
    enough = labelled * curve.rows >= LEAST_ROWS
    still = min(1 - low, _last_doubling(curve))
    return Plateau(labelled=labelled, low=low, high=high, age_h=age, reached=bool(enough and still <= TOLERANCE))


def _last_doubling(curve: DelayCurve) -> float:
    """Upper limit of the share of rows labelled while the age last doubled; 1 where nothing can be said."""
    old = np.flatnonzero(curve.ages >= curve.longest / 2)
    wanted = curve.at_risk[old[0]] * 0.5 ** np.arange(60)
    last = np.unique([old[curve.at_risk[old] >= rows][-1] for rows in wanted[wanted >= LEAST_ROWS]]).astype(np.intp)
    bounds = [_doubling(curve, int(at), _MISS / 2 / len(last)) for at in last]
    return min(bounds, default=1.0)


def _doubling(curve: DelayCurve, at: int, miss: float) -> float:
    half, full = (1 - curve.labelled_by([curve.ages[at] / 2, curve.ages[at]])).tolist()
    if half - (1 - curve.after[-1]) > TOLERANCE:
        return 1.0
    if full <= 0:
        return float(half)
    rows = float(curve.at_risk[at]) * half / full
    came = rows * (1 - full / half)
    return float(half * betaincinv(came + 1, rows - came, 1 - miss))
