"""When a conjunction is certainly later than the rest, however many were looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betainccinv, betaincinv

from upkeep.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Everything that is tested in one look, and the share of alpha that each test may use.

    Attributes
    ----------
    alpha : float
        Chance that any rule of a look is reported although its rows are not later than tolerated.
    tolerance : float
        Excess of the share of late rows that is nobody's concern.
    candidates : tuple of float
        Conjunctions that could be reported, by their number of clauses less one.
    most : int
        Rules that a look may report.

    Notes
    -----
    One half of alpha goes to the lower limits of the candidates' shares, in equal parts to conjunctions of one, two and
    three clauses and then to each of them. The other half goes to the upper limits of the rest: rows that are in none of
    the first k rules, of which there are at most ``M^k / k!``, M being all candidates. As the rest is nearly everything,
    that costs next to nothing. Both are Bonferroni's bound [1]_ over exact Clopper-Pearson limits [2]_, so the search
    may choose as it likes.

    References
    ----------
    .. [1] Dunn (1961). Multiple comparisons among means. JASA 56.
    .. [2] Clopper & Pearson (1934). The use of confidence or fiducial limits. Biometrika 26.
    """

    alpha: float
    tolerance: float
    candidates: tuple[float, ...]
    most: int

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise InputError(
                f"alpha must lie strictly between 0 and 1, got {self.alpha}. For 95 % confidence pass alpha=0.05."
            )
        if not 0 <= self.tolerance < 1:
            raise InputError(f"tolerance is a difference of shares and must lie in [0, 1), got {self.tolerance}.")

    @classmethod
    def of(cls, sizes: NDArray[np.intp], *, alpha: float, tolerance: float, most: int, clauses: int) -> Family:
        """Of all conjunctions of up to `clauses` items of different columns with `sizes` items each.

        Examples
        --------
        >>> Family.of(np.array([2, 3, 4]), alpha=0.05, tolerance=0.05, most=5, clauses=3).candidates
        (9.0, 26.0, 24.0)
        """
        held = np.zeros(clauses + 1)
        held[0] = 1.0
        for size in sizes.tolist():  # elementary symmetric polynomials of the sizes
            held[1:] += held[:-1] * size
        return cls(alpha=alpha, tolerance=tolerance, most=most, candidates=tuple(held[1:].tolist()))

    def rule_alpha(self, clauses: int) -> float:
        """Chance that a candidate's lower limit exceeds its true share."""
        levels = max(1, sum(many > 0 for many in self.candidates))
        return self.alpha / 2 / levels / max(1.0, self.candidates[clauses - 1])

    def rest_alpha(self, step: int) -> float:
        """Chance that the upper limit of the rows in none of the first `step` rules is below their true share."""
        ways = step * math.log(max(1.0, sum(self.candidates))) - math.lgamma(step + 1)
        return self.alpha / 2 / self.most * math.exp(-max(0.0, ways))


def low(late: NDArray[np.float64], rows: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    """Lower limit of a share, one-sided: exceeds the true share with chance alpha or less.

    Examples
    --------
    >>> low(np.array([8.0]), np.array([10.0]), 0.025).round(4)
    array([0.4439])
    """
    late = np.asarray(late, dtype=np.float64)
    some = late > 0
    return np.where(some, betaincinv(np.where(some, late, 1.0), rows - late + 1, alpha), 0.0)


def high(late: NDArray[np.float64], rows: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    """Upper limit of a share, one-sided: is below the true share with chance alpha or less; 1 where no row is left.

    Examples
    --------
    >>> high(np.array([8.0]), np.array([10.0]), 0.025).round(4)
    array([0.9748])
    """
    left = np.asarray(rows - late, dtype=np.float64)
    some = left > 0
    return np.where(some, betainccinv(np.asarray(late, dtype=np.float64) + 1, np.where(some, left, 1.0), alpha), 1.0)


def surely_above(
    late: NDArray[np.float64], rows: NDArray[np.float64], share: NDArray[np.float64], alpha: float
) -> NDArray[np.bool_]:
    """Whether the lower limit exceeds a share: the binomial tail, several times cheaper than the limit."""
    above: NDArray[Any] = (late > 0) & (late > rows * share) & (share < 1)
    here = np.flatnonzero(above)
    above[here] = betainc(late[here], rows[here] - late[here] + 1, share[here]) < alpha
    return above
