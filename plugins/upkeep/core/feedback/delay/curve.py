"""How late labels are: P(labelled by an age), with pending rows counted as still waiting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from upkeep.core.feedback.delay.kaplan_meier import Floats, count
from upkeep.core.feedback.delay.knots import lay_knots
from upkeep.core.feedback.delay.plateau import Plateau, find_plateau
from upkeep.core.profile import stored
from upkeep.errors import InputError

FORMAT = 1
#: Knots of a curve that is not told otherwise.
KNOTS = 200
_ROUNDING = 1e-12
_ARRAYS = ("ages", "before", "after", "error", "at_risk")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DelayCurve:
    """P(labelled by age), a line between knots that jumps at them.

    Attributes
    ----------
    ages : ndarray of float, shape (k,)
        Hours, rising; the last is the longest age seen, labelled or pending.
    before, after : ndarray of float, shape (k,)
        P(labelled) just before each age and at it. 0 before the first; as at the last from there on.
    error : ndarray of float, shape (k,)
        Standard error of `after`.
    at_risk : ndarray of float, shape (k,)
        Rows that were without a label just before each age, in rows of equal weight.
    rows : float
        Weight of all rows.
    moved : float
        The most that any value differs from the curve of all steps; 0 while every step is a knot.
    """

    ages: Floats
    before: Floats
    after: Floats
    error: Floats
    at_risk: Floats
    rows: float
    moved: float

    @classmethod
    def fit(
        cls, hours: ArrayLike, pending: ArrayLike, *, weights: ArrayLike | None = None, knots: int = KNOTS
    ) -> DelayCurve:
        """The Kaplan-Meier curve [1]_ of labels, pending rows right-censored at their age.

        Parameters
        ----------
        hours : array of float, shape (n,)
            Delay of labelled rows, age of pending ones; at least 0.
        pending : array of bool, shape (n,)
        weights : array of float, shape (n,), optional
            How many rows each stands for; above 0.
        knots : int
            Most knots that are kept, at least 40. With more steps than that, knots are laid at equal rises of the curve,
            closer at both ends, and at its quartiles, which stay as they are. No value moves by as much as 1.7 / knots;
            how much it really is, is in `moved`.

        Notes
        -----
        Whether a row is pending must not depend on its delay beyond its age: rows are looked at when they are, not
        because a label is about to come.

        Standard errors are Greenwood's [2]_; with weights each set at risk counts as (sum w)^2 / sum w^2 rows [3]_,
        and as no more than its weight.

        References
        ----------
        .. [1] Kaplan & Meier (1958). Nonparametric estimation from incomplete observations. JASA 53.
        .. [2] Greenwood (1926). The natural duration of cancer. Reports on Public Health 33.
        .. [3] Xie & Liu (2005). Adjusted Kaplan-Meier estimator and log-rank test with inverse probability of
           treatment weighting for survival data. Statist. Med. 24.

        Examples
        --------
        Labels after 2, 4 and 6 hours, one row of 5 hours without: 3/4 are left after 2 hours, 3/4 x 2/3 after 4.

        >>> curve = DelayCurve.fit([2, 4, 6, 5], [False, False, False, True])
        >>> curve.labelled_by([1, 2, 4, 5.9]).round(6).tolist()
        [0.0, 0.25, 0.5, 0.5]
        >>> curve.quantile(0.5)
        4.0
        """
        if knots < 40:
            raise InputError(f"a curve must have room for 40 knots or more, got {knots}.")
        steps = count(np.asarray(hours), np.asarray(pending), None if weights is None else np.asarray(weights))
        laid = lay_knots(steps, knots)
        return cls(rows=float(steps.at_risk[0]), moved=float(laid.pop("moved")), **laid)

    @property
    def longest(self) -> float:
        """Hours of the longest age seen: nothing is known beyond."""
        return float(self.ages[-1])

    @property
    def plateau(self) -> Plateau:
        """P(ever labelled), or that it is not known yet."""
        return find_plateau(self)

    def labelled_by(self, age_h: ArrayLike) -> Floats:
        """P(labelled by each age), of the shape of `age_h`; beyond `longest` the last value, which is a lower bound."""
        return self._line(_ages(age_h), self.before, self.after)

    def standard_error(self, age_h: ArrayLike) -> Floats:
        """Greenwood's standard error of `labelled_by`."""
        flat = self.before == np.append(0.0, self.after[:-1])
        return self._line(_ages(age_h), np.where(flat, np.append(0.0, self.error[:-1]), self.error), self.error)

    def interval(self, age_h: ArrayLike, *, alpha: float = 0.05) -> tuple[Floats, Floats]:
        """Limits of `labelled_by`, each age by itself: they miss with chance alpha.

        Notes
        -----
        log(-log(1 - P)) is taken as normal [1]_. It has no variance before the first label and after the last one
        if none is pending: there the exact limits for the rows at risk are used, 0 or all of them labelled.

        References
        ----------
        .. [1] Kalbfleisch & Prentice (2002). The statistical analysis of failure time data, 2nd ed. Section 1.4.
        """
        if not 0 < alpha < 1:
            raise InputError(f"alpha must lie strictly between 0 and 1, got {alpha}. For 95 % confidence pass 0.05.")
        labelled, error = self.labelled_by(age_h), self.standard_error(age_h)
        inside = (labelled > 0) & (labelled < 1)
        left = np.where(inside, 1 - labelled, 0.5)
        spread = _log_log(alpha, left, error)
        low, high = 1 - left ** np.exp(-spread), 1 - left ** np.exp(spread)
        none = (alpha / 2) ** (1 / np.maximum(self._followed(_ages(age_h)), _ROUNDING))
        low = np.where(inside, low, np.where(labelled > 0, self._all_came(alpha), 0.0))
        return low, np.where(inside, high, np.where(labelled > 0, 1.0, 1 - none))

    def _all_came(self, alpha: float) -> float:
        """Lower limit of P(labelled) where the last ones at risk were all labelled."""
        at = int(np.searchsorted(self.after, 1.0))
        if at == len(self.ages):
            return 0.0
        hazard = (alpha / 2) ** (1 / self.at_risk[at])  # less than this, and not all of them would have come
        left = 1 - float(self.before[at])
        if left < 1:
            left **= float(np.exp(_log_log(alpha, left, -float(self.error[at - 1]))))
        return float(1 - left * (1 - hazard))

    def _followed(self, age: Floats) -> Floats:
        """Rows at risk up to this age or a later one, 0 beyond the last."""
        at = np.searchsorted(self.ages, age)
        return np.where(at < len(self.ages), self.at_risk[np.minimum(at, len(self.ages) - 1)], 0.0)

    def _line(self, age: Floats, before: Floats, after: Floats) -> Floats:
        """Value by age of what is `before` and `after` each knot, and a line between them."""
        last = np.searchsorted(self.ages, age, side="right") - 1
        start, end = np.maximum(last, 0), np.minimum(last + 1, len(self.ages) - 1)
        width = np.where(end > start, self.ages[end] - self.ages[start], 1.0)
        rise = np.where(end > start, before[end] - after[start], 0.0)
        inside = after[start] + rise * ((age - self.ages[start]) / width)
        return np.where(last < 0, 0.0, inside)

    def quantile(self, q: float) -> float | None:
        """Age by which a share q of all labels is in; None if that has not been seen.

        Examples
        --------
        >>> DelayCurve.fit([1, 2, 3, 3], [False, False, True, True]).quantile(0.75) is None
        True
        """
        if not 0 < q <= 1:
            raise InputError(f"q must lie in (0, 1], got {q}. For the median pass 0.5.")
        age = float(self.quantiles(np.array([q]))[0])
        return None if np.isnan(age) else age

    def quantiles(self, q: Floats) -> Floats:
        """`quantile` of each q; NaN where it has not been seen."""
        at = np.searchsorted(self.after, q - _ROUNDING)
        seen = at < len(self.ages)
        at = np.minimum(at, len(self.ages) - 1)
        before = np.maximum(at - 1, 0)
        rise = self.before[at] - self.after[before]
        share = np.divide(q - self.after[before], rise, out=np.ones_like(q), where=(rise > 0) & (q < self.before[at]))
        age = self.ages[before] + np.clip(share, 0, 1) * (self.ages[at] - self.ages[before])
        return np.where(seen, age, np.nan)

    def hazard(self, edges_h: ArrayLike) -> Floats:
        """Labels per hour and waiting row between each two edges, shape (edges - 1,); NaN where nobody was waiting.

        The rate is constant within an interval: -log(share that goes on waiting) / width; infinite if none does.

        Examples
        --------
        >>> halving = DelayCurve.fit([1, 1, 2, 3], [False, False, False, True])
        >>> halving.hazard([0, 1, 2, 3, 9]).round(4).tolist()
        [0.6931, 0.6931, 0.0, nan]
        """
        edges = np.asarray(edges_h, dtype=np.float64)
        if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
            raise InputError("edges_h must be two or more rising ages.")
        left = 1 - self.labelled_by(edges)
        known = (left[:-1] > 0) & (edges[1:] <= self.longest)
        with np.errstate(divide="ignore"):
            rate = -np.log(np.divide(left[1:], left[:-1], out=np.ones(len(known)), where=known)) / np.diff(edges)
        return np.where(known, rate + 0.0, np.nan)

    def to_json(self) -> dict[str, Any]:
        record = {name: getattr(self, name).tolist() for name in _ARRAYS}
        return record | {"format": FORMAT, "rows": self.rows, "moved": self.moved}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> DelayCurve:
        """Inverse of `to_json`; InputError for another format, and for a record that cannot be a curve."""
        held = stored.fields("a stored delay curve", record, ["format", *(f.name for f in fields(cls))])
        if held["format"] != FORMAT:
            raise InputError(f"a stored delay curve must have format {FORMAT}, got {held['format']!r}. Fit it again.")
        lists = [held[name] for name in _ARRAYS]
        if not all(isinstance(v, list) and len(v) == len(lists[0]) > 0 and stored.are_numbers(v) for v in lists):
            raise stored.damaged("a stored delay curve must have lists of numbers of one length", lists)
        sizes = [held["rows"], held["moved"]]
        if not stored.are_numbers(sizes) or min(sizes) < 0:
            raise stored.damaged("rows and moved of a delay curve must be numbers of at least 0", sizes)
        arrays = {name: np.array(held[name], dtype=np.float64) for name in _ARRAYS}
        path = np.stack([arrays["before"], arrays["after"]], axis=1).ravel()
        if not (np.diff(arrays["ages"]) > 0).all() or not (np.diff(path) >= 0).all() or path[0] < 0 or path[-1] > 1:
            raise stored.damaged("a delay curve must rise with age within [0, 1]", path.tolist())
        if (arrays["error"] < 0).any() or (arrays["at_risk"] < 0).any() or arrays["ages"][0] < 0:
            raise stored.damaged("ages, errors and rows at risk of a delay curve must be at least 0", lists)
        return cls(**arrays, rows=float(held["rows"]), moved=float(held["moved"]))


def _log_log(alpha: float, left: Floats | float, error: Floats | float) -> Floats:
    """How far log(-log(left)) may be from the truth; negative for a negative error."""
    return np.asarray(ndtri(alpha / 2) * error / (left * np.log(left)))


def _ages(age_h: ArrayLike) -> Floats:
    age = np.asarray(age_h, dtype=np.float64)
    if not (age >= 0).all():
        raise InputError("an age must be 0 hours or more, but some are negative or missing. Take those rows out.")
    return age
