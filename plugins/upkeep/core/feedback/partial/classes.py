"""Classes: chances of pending labels, metrics and their intervals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.intervals import clopper_pearson
from upkeep.core.feedback.metrics.binary import binary_metrics
from upkeep.core.feedback.metrics.multiclass import multiclass_metrics
from upkeep.core.feedback.partial.arrivals import pace, silence
from upkeep.core.feedback.partial.blend import Blend, blend, unmoved
from upkeep.core.feedback.partial.cells import Cells, score_keys
from upkeep.core.feedback.partial.contrasts import contrasts, leanings, log_chances
from upkeep.core.feedback.partial.evidence import Evidence, moved, still_pending
from upkeep.core.feedback.partial.influence import (
    Influence,
    binary_influence,
    multiclass_influence,
    spread_of_labels,
)
from upkeep.core.feedback.partial.intervals import interval
from upkeep.core.feedback.partial.laplace import fit
from upkeep.core.feedback.partial.result import MetricEstimate
from upkeep.core.feedback.partial.shift import Shift
from upkeep.core.feedback.partial.window import Window

#: Rounds in which the pace of the labels and the chances of the pending ones are brought to agree.
_ROUNDS = 3
_SETTLED = 0.01
#: Effects at most: cells are fewer where classes are many.
_EFFECTS = 256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Filled:
    """A window with its pending labels filled in.

    chances : shape (m, k), 0 and 1 where a label is in. off_pace : whether labels come at another pace than expected.
    """

    chances: NDArray[np.float64]
    logs: NDArray[np.float64]
    cells: Cells
    blend: Blend
    off_pace: bool


def fill(reference: NDArray[np.float64], window: Window, before: Shift) -> Filled:
    """Chances of the labels of a window.

    Parameters
    ----------
    reference : ndarray of float, shape (m, k)
        Chances by the reference.
    window : Window
    before : Shift
        What earlier windows say.
    """
    known, classes = window.known, reference.shape[1]
    logs = log_chances(reference)
    limit = max(1, _EFFECTS // (classes - 1))
    cells = Cells.of(score_keys(reference), window.bucket, known=before.buckets, limit=limit)
    before = before.over(cells.buckets)
    law, factor = window.labelled_by_now(classes), np.ones(len(logs))
    live, waiting = unmoved(before, cells), np.ones_like(reference)
    chances = _live_chances(live, logs, cells) if before.windows else reference
    for _ in range(_ROUNDS if known.any() else 0):
        waiting = silence(law, factor)
        seen = Evidence.of(logs, window.labels, waiting, cells, before.own)
        live = blend(before, len(cells.owner), partial(fit, seen))
        chances = _live_chances(live, logs, cells)
        last, factor = factor, pace(chances, law, known, window.bucket)
        if not law.any() or (np.abs(factor - last) < _SETTLED).all():
            break
    if known.any():
        live = live.less_sure(_pulls_of_delays(live, chances, logs, window, cells))
    filled = still_pending(chances, waiting)
    filled[known] = np.eye(classes)[window.labels[known].astype(np.int64)]
    return Filled(chances=filled, logs=logs, cells=cells, blend=live, off_pace=bool(law.any() and (factor != 1).any()))


def _live_chances(live: Blend, logs: NDArray[np.float64], cells: Cells) -> NDArray[np.float64]:
    """Chances of every row, whether or not its label is in."""
    contrast = contrasts(logs.shape[1])
    parts = [weight * moved(logs, shift, contrast) for weight, shift in live.shifts(leanings(logs), cells)]
    return np.asarray(np.sum(parts, axis=0))


def _pulls_of_delays(
    live: Blend, chances: NDArray[np.float64], logs: NDArray[np.float64], window: Window, cells: Cells
) -> NDArray[np.float64]:
    """How errors of the delay model pull at the shift: a class whose labels are in too often looks too likely."""
    contrast, pulls = contrasts(chances.shape[1]), []
    for rows, k, variance in window.delay_errors(chances.shape[1]):
        at = chances[rows]
        slope = at[:, [k]] * (contrast[k] - at @ contrast) * np.sqrt(variance)
        pulls.append(live.gradient(slope, leanings(logs[rows]), cells.of_rows(rows)))
    return np.array(pulls).reshape(len(pulls), -1) if pulls else np.zeros((0, len(live.covariance)))


def measure(
    filled: Filled, scores: NDArray[np.float64], threshold: float, window: Window, alpha: float, assumption: str
) -> dict[str, MetricEstimate]:
    """Every metric with both of its intervals."""
    chances, known = filled.chances, window.known
    if scores.ndim == 1:
        values = binary_metrics(chances[:, 1], scores, threshold=threshold)
        influence = binary_influence(chances[:, 1], scores, threshold)
    else:
        values, influence = multiclass_metrics(chances, scores), multiclass_influence(chances, scores)
    pending = np.flatnonzero(~known)
    drawn = spread_of_labels(influence, chances[pending], pending)
    most = {"brier": 2.0} if scores.ndim > 1 else {}
    found = {}
    for name, value in values.items():
        learned = _spread_of_shift(influence[name], filled, pending)
        top = most.get(name, 1.0)
        low, high = interval(name, value, drawn[name] + learned, alpha, most=top)
        sampled = float((influence[name].weight ** 2).sum())
        rate = interval(name, value, sampled + learned, alpha, most=top)
        if name == "accuracy" and known.all():
            rate = clopper_pearson(round(value * len(known)), len(known), alpha)
        found[name] = MetricEstimate(
            value=value,
            low=low,
            high=high,
            rate_low=rate[0],
            rate_high=rate[1],
            rows=len(known),
            labelled=int(known.sum()),
            assumption=assumption,
        )
    return found


def _spread_of_shift(influence: Influence, filled: Filled, pending: NDArray[np.int64]) -> float:
    """Variance of a metric from the shift being estimated."""
    chances, slope = filled.chances[pending], influence.chance[pending]
    by_odds = chances * slope - chances * (chances * slope).sum(axis=1, keepdims=True)
    by_shift = by_odds @ contrasts(chances.shape[1])
    return filled.blend.spread(by_shift, leanings(filled.logs[pending]), filled.cells.of_rows(pending))
