"""A gate's clause judged while labels come in: looked at after every row, right for good."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from upkeep.core.gate.betting import CELLS, Wealth, bets, snapped
from upkeep.errors import InputError

Truth = Literal["true", "false", "unknown"]
_BLOCK = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Anytime:
    """What a clause's rows say so far.

    Attributes
    ----------
    estimate : float
        Mean of the rows used, NaN before the first.
    low, high : float
        Ends of the confidence sequence after these rows. Each side misses the truth, at any row of the whole stream,
        with probability exp(-log_tests) at most.
    truth : {"true", "false", "unknown"}
    rows_used : int
        Rows up to the one that decided; later ones are not looked at.
    stopped : bool
        False while "unknown" only means that more rows are needed.
    """

    estimate: float
    low: float
    high: float
    truth: Truth
    rows_used: int
    stopped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AnytimeState:
    """All that an anytime test remembers; parts fed one after the other give what all rows at once give.

    Attributes
    ----------
    span : tuple of float
        Least and largest value a row can have.
    threshold, tolerance : float
    comparison : {">", "<"}
    log_tests : float
        `Promise.log_tests`: each side may err with probability exp(-log_tests).
    rows : int
        Rows used.
    total : float
        Their sum.
    above, below : Wealth
        Bets against "the mean is the threshold or less" (and less than it by two tolerances), and mirrored.
    truth : {"true", "false", "unknown"} or None
        None while undecided.
    """

    span: tuple[float, float]
    threshold: float
    comparison: Literal[">", "<"]
    tolerance: float
    log_tests: float
    rows: int
    total: float
    above: Wealth
    below: Wealth
    truth: Truth | None

    @classmethod
    def begin(
        cls,
        *,
        span: tuple[float, float],
        threshold: float,
        comparison: Literal[">", "<"],
        tolerance: float,
        log_tests: float,
    ) -> AnytimeState:
        """The test before its first row.

        Raises
        ------
        InputError
            If the span is empty, the tolerance is not above 0, or the promise is none.
        """
        low, high = (float(end) for end in span)
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise InputError(f"span must be two finite numbers in order, got {span}. For accuracy it is (0, 1).")
        if comparison not in (">", "<"):
            raise InputError(f"comparison must be > or <, got {comparison!r}.")
        if not (0.0 < tolerance < math.inf and math.isfinite(threshold) and 0.0 < log_tests < math.inf):
            raise InputError(
                "an anytime test needs a finite threshold, a tolerance and log_tests = ln(1 / error rate) above 0, "
                f"got {threshold}, {tolerance}, {log_tests}."
            )
        null, width = (threshold - low) / (high - low), tolerance / (high - low)
        return cls(
            span=(low, high),
            threshold=float(threshold),
            comparison=comparison,
            tolerance=float(tolerance),
            log_tests=float(log_tests),
            rows=0,
            total=0.0,
            above=Wealth.begin((null, null - 2.0 * width), bets(null, width)),
            below=Wealth.begin((1.0 - null, 1.0 - null - 2.0 * width), bets(1.0 - null, width)),
            truth=None,
        )

    @property
    def result(self) -> Anytime:
        """Interval and truth after the rows used."""
        low, high = self.span
        bigger = self.truth == ("true" if self.comparison == ">" else "false")
        least = self.above.least(self.log_tests, decided=bigger)
        most = 1.0 - self.below.least(self.log_tests, decided=self.truth not in (None, "unknown") and not bigger)
        return Anytime(
            estimate=self.total / self.rows if self.rows else math.nan,
            low=low + (high - low) * least,
            high=low + (high - low) * most,
            truth=self.truth or "unknown",
            rows_used=self.rows,
            stopped=self.truth is not None,
        )

    def update(self, values: ArrayLike) -> AnytimeState:
        """The state after more rows, in the order of arrival; unchanged once decided. `InputError` names a bad row."""
        rows = np.atleast_1d(np.asarray(values, dtype=np.float64))
        low, high = self.span
        outside = np.flatnonzero(~((rows >= low) & (rows <= high)))
        if rows.ndim != 1 or len(outside):
            came = f"{rows[outside[0]]} in row {outside[0]}" if len(outside) else f"shape {rows.shape}"
            raise InputError(
                f"values must be one number per row from {low} to {high}, got {came}. Leave pending rows out."
            )
        state = self
        for start in range(0, len(rows), _BLOCK):
            if state.truth is not None:
                break
            state = state._block(rows[start : start + _BLOCK])
        return state

    def to_json(self) -> dict[str, Any]:
        """Plain lists and numbers, finite and JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> AnytimeState:
        """Read back what `to_json` wrote; anything else is an `InputError`."""
        try:
            sides = {side: Wealth.from_json(record[side]) for side in ("above", "below")}
            return cls(**{**record, **sides, "span": tuple(record["span"])})
        except (KeyError, TypeError, ValueError) as err:
            raise InputError(
                f"an anytime test's state must be what to_json wrote, got {err!r}. Start it anew."
            ) from err

    def _block(self, rows: NDArray[np.float64]) -> AnytimeState:
        low, high = self.span
        share = (rows - low) / (high - low) * CELLS
        up, down = snapped(share), snapped(CELLS - share)
        rise, fall = self.above.path(up), self.below.path(down)
        won_up, won_down = rise.log_wealth >= self.log_tests, fall.log_wealth >= self.log_tests
        near = np.logical_or.accumulate(won_up[1]) | self.above.refuted
        far = np.logical_or.accumulate(won_down[1]) | self.below.refuted
        ends = np.flatnonzero(won_up[0] | won_down[0] | (near & far))
        stop = int(ends[0]) if len(ends) else len(rows) - 1
        truth: Truth | None = None
        if len(ends):
            bigger, less = bool(won_up[0, stop]), bool(won_down[0, stop])
            truth = "unknown" if bigger == less else "true" if bigger == (self.comparison == ">") else "false"
        return replace(
            self,
            rows=self.rows + stop + 1,
            total=float(np.cumsum(np.concatenate([[self.total], rows[: stop + 1]]))[-1]),
            above=rise.until(stop, refuted=bool(near[stop])),
            below=fall.until(stop, refuted=bool(far[stop])),
            truth=truth,
        )


def anytime(
    values: ArrayLike,
    *,
    span: tuple[float, float],
    threshold: float,
    comparison: Literal[">", "<"],
    tolerance: float,
    log_tests: float,
) -> Anytime:
    """Judge ``mean of the rows  >  threshold  +/-  tolerance`` row by row, and stop as soon as the answer is certain.

    Parameters
    ----------
    values : array of shape (t,)
        One value per row of a paired clause, e.g. 1 for right, or new right minus old right, in the order of arrival.
    span, threshold, comparison, tolerance, log_tests
        See `AnytimeState`.

    Returns
    -------
    Anytime
        "true" or "false" once the interval leaves the threshold; "unknown", stopped, once it shows that the mean is
        within two tolerances of the threshold, which is what "unknown" says of a test of fixed size.

    Raises
    ------
    InputError
        See `AnytimeState.begin` and `AnytimeState.update`.

    Notes
    -----
    Assumes rows drawn independently; what is needed is that the mean of each, given those before, is the same.
    How the interval comes about is said in `upkeep.core.gate.betting` [1]_.

    The row at which a test stopped says more than its answer. Keep it from builders as estimates are kept.

    References
    ----------
    .. [1] Waudby-Smith & Ramdas (2024). Estimating means of bounded random variables by betting. J. Roy. Stat. Soc. B 86.

    Examples
    --------
    >>> right = [1, 1, 1, 1, 0] * 1000
    >>> test = {"span": (0, 1), "threshold": 0.7, "comparison": ">", "tolerance": 0.02, "log_tests": 5.0}
    >>> found = anytime(right, **test)
    >>> found.truth, found.rows_used, round(found.low, 3)
    ('true', 259, 0.701)
    >>> half = AnytimeState.begin(**test).update(right[:200])
    >>> half.result.stopped, AnytimeState.from_json(half.to_json()).update(right[200:]).result == found
    (False, True)
    """
    test = AnytimeState.begin(
        span=span, threshold=threshold, comparison=comparison, tolerance=tolerance, log_tests=log_tests
    )
    return test.update(values).result
