"""Regression: what is expected of the residuals of pending rows, and the error metrics with their intervals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.metrics.regression import regression_metrics
from upkeep.core.feedback.partial.blend import Blend, blend, unmoved
from upkeep.core.feedback.partial.cells import Cells
from upkeep.core.feedback.partial.intervals import interval
from upkeep.core.feedback.partial.laplace import Mode, Prior, loadings
from upkeep.core.feedback.partial.result import MetricEstimate
from upkeep.core.feedback.partial.shift import Shift
from upkeep.core.feedback.partial.window import Window

MOMENTS = ("bias", "absolute", "squared")
_METRIC = {"bias": "bias", "absolute": "mae", "squared": "rmse"}
#: A labelled row counts at most as this many; chances of a label below that are too rare to divide by.
_HEAVIEST = 50.0
#: An expected error is at least this share of the reference's.
_LEAST = 0.02
#: Where all labels should be in, rows still wait this often.
_RAREST = 0.01
_FEW = 30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moment:
    """One moment of the residual: expected value and variance of each row, and what it was learned from."""

    expected: NDArray[np.float64]
    variance: NDArray[np.float64]
    scale: NDArray[np.float64]
    cells: Cells
    blend: Blend


def fill_residuals(
    reference: NDArray[np.float64], predictions: NDArray[np.float64], window: Window, before: dict[str, Shift]
) -> dict[str, Moment]:
    """Moments of the residuals (prediction - label) of a window; exact where the label is in.

    Parameters
    ----------
    reference : ndarray of float, shape (m, 3)
        Expected residual, its absolute value and its square.
    predictions : ndarray of float, shape (m,)
    window : Window
    before : dict of str to Shift
        By moment; of one feature and one coordinate, in units of the reference's expected error.

    Notes
    -----
    The live moment of row i is reference_i + scale_i (shift + bucket + cell), where scale_i is the reference's expected
    absolute error, or square. The effects have normal priors and are found by weighted least squares; a labelled
    row has weight (1 - G) / G, G = P(labelled by now | bucket, age): as many as wait for each that is in. The weights are
    scaled to sum to Kish's effective size.
    """
    known = window.known
    cells = Cells.of(predictions, window.bucket, known=before["absolute"].buckets)
    residual = predictions - window.labels
    law = window.labelled_by_now(1)[:, 0]
    weight = _weights(law[known]) if law.any() else np.ones(int(known.sum()))
    found = {}
    for at, (name, outcome) in enumerate(zip(MOMENTS, (residual, np.abs(residual), residual**2), strict=True)):
        scale = np.maximum(reference[:, 2 if name == "squared" else 1], 1e-12)
        prior = before[name].over(cells.buckets)
        off = (outcome[known] - reference[known, at]) / scale[known]
        noise = _noise(off, weight, reference, name)
        live = unmoved(prior, cells)
        if known.any():
            live = blend(
                prior,
                len(cells.owner),
                partial(_explain, off, weight / noise, cells.of_rows(np.flatnonzero(known)), prior),
            )
        expected = reference[:, at] + scale * sum(
            w * shift[:, 0] for w, shift in live.shifts(np.ones((len(known), 1)), cells)
        )
        if name != "bias":
            expected = np.maximum(expected, _LEAST * reference[:, at])
        found[name] = Moment(
            expected=np.where(known, outcome, expected),
            variance=np.where(known, 0.0, noise * scale**2),
            scale=np.where(known, 0.0, scale),
            cells=cells,
            blend=live,
        )
    return found


def measure_residuals(
    moments: dict[str, Moment], window: Window, alpha: float, assumption: str
) -> dict[str, MetricEstimate]:
    """Mean absolute error, root mean squared error and bias, with both intervals."""
    known, rows = window.known, len(window.labels)
    values = regression_metrics(*(moments[name].expected for name in MOMENTS))
    found = {}
    for name, moment in moments.items():
        metric = _METRIC[name]
        value = values[metric]
        learned = moment.blend.spread(moment.scale[:, None] / rows, np.ones((rows, 1)), moment.cells)
        drawn = float(moment.variance.sum()) / rows**2
        sampled = float(np.var(moment.expected)) / rows + drawn
        root = 4 * max(value, 1e-12) ** 2 if metric == "rmse" else 1.0  # of a square root, by the delta method
        low, high = interval(metric, value, (learned + drawn) / root, alpha)
        rate_low, rate_high = interval(metric, value, (learned + sampled) / root, alpha)
        found[metric] = MetricEstimate(
            value=value,
            low=low,
            high=high,
            rate_low=rate_low,
            rate_high=rate_high,
            rows=rows,
            labelled=int(known.sum()),
            assumption=assumption,
        )
    return found


def _weights(labelled_by_now: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pending rows of the same bucket and age that a labelled one stands for, to an effective number of rows."""
    likely = np.maximum(labelled_by_now, max(1e-9, labelled_by_now.max(initial=0.0) / _HEAVIEST))
    weight = np.maximum(1 - likely, _RAREST) / likely
    return np.asarray(weight * weight.sum() / (weight**2).sum())


def _noise(off: NDArray[np.float64], weight: NDArray[np.float64], reference: NDArray[np.float64], name: str) -> float:
    """Variance of one row's moment in units of its scale squared: that of the labels, as far as there are some."""
    bias, absolute, squared = reference.T
    if name == "squared":
        first = 2.0  # of a normal residual; heavier tails are seen once labels are in
    else:
        least = np.maximum(absolute, 1e-12) ** 2
        first = float(np.mean((squared - (bias if name == "bias" else absolute) ** 2) / least))
    if len(off) < 2:
        return max(first, 1e-6)
    centre = float(weight @ off / weight.sum())
    seen = float(weight @ (off - centre) ** 2 / weight.sum()) * len(off) / (len(off) - 1)
    share = len(off) / (len(off) + _FEW)
    return max(share * seen + (1 - share) * first, 1e-6)


def _explain(
    off: NDArray[np.float64],
    precision: NDArray[np.float64],
    cells: Cells,
    before: Shift,
    prior: Prior,
    _start: NDArray[np.float64] | None,
) -> Mode:
    """Weighted least squares under a normal prior: exact."""
    load = loadings(before.features, before.own, cells.owner, len(cells.buckets))[:, :, 0]
    rows = np.bincount(cells.cell, weights=precision, minlength=len(load))
    sums = np.bincount(cells.cell, weights=precision * off, minlength=len(load))
    curvature = prior.precision + (load.T * rows) @ load
    covariance = np.asarray(np.linalg.inv(curvature), dtype=np.float64)
    mean = covariance @ (prior.precision @ prior.mean + load.T @ sums)
    left = off - (load @ mean)[cells.cell]
    away = mean - prior.mean
    height = -(float(precision @ left**2) + float(away @ prior.precision @ away)) / 2
    determinant = float(np.linalg.slogdet(curvature)[1])
    return Mode(mean=mean, covariance=covariance, log_evidence=height + (prior.log_determinant - determinant) / 2)
