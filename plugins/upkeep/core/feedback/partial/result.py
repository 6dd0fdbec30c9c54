"""What is said of a window."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricEstimate:
    """A metric of a window, and two intervals around it.

    Attributes
    ----------
    value : float
        NaN where the metric is not defined.
    low, high : float
        Hold, with the nominal chance, what this very window's metric will be once all its labels are in. The
        value itself, twice, if they are.
    rate_low, rate_high : float
        Hold, with the nominal chance, the metric of an endless stream of such rows: wider, as the window is a sample.
    rows, labelled : int
    assumption : str
        What must be true for the intervals, in a sentence.
    """

    value: float
    low: float
    high: float
    rate_low: float
    rate_high: float
    rows: int
    labelled: int
    assumption: str
