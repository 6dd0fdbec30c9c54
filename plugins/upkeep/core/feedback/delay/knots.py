"""A curve of a million steps as two hundred knots."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.delay.kaplan_meier import Floats, Steps


def lay_knots(steps: Steps, most: int) -> dict[str, Floats]:
    """`ages`, `before`, `after`, `error` and `at_risk` of a `DelayCurve`; `moved` with shape ()."""
    labelled = steps.labelled
    before = np.append(0.0, labelled[:-1])
    kept = _kept(steps, labelled, most)
    ages = steps.ages[kept]
    return {
        "ages": ages,
        "before": before[kept],
        "after": labelled[kept],
        "error": steps.error[kept],
        "at_risk": steps.effective[kept],
        "moved": _moved(steps.ages, labelled, before, kept),
    }


def _kept(steps: Steps, labelled: Floats, most: int) -> NDArray[np.intp]:
    """Each step if there is room; else where equal shares are reached, halving ones at both ends, and the quartiles."""
    events = np.flatnonzero(steps.came > 0)
    tail, ends, middle = most // 8, most // 16, most * 5 // 8
    if len(events) > most - tail:
        even = np.arange(1, middle + 1) / middle
        halving = 0.5 ** np.arange(1, ends) / middle
        levels = np.concatenate([labelled[-1] * np.concatenate([halving, even, 1 - halving]), [0.25, 0.5, 0.75]])
        events = np.append(events[[0, -1]], np.minimum(np.searchsorted(labelled, levels), events[-1]))
    waiting = steps.at_risk - steps.came  # no jump there, but how many were followed so far
    few = min(steps.effective[-1], waiting[0]) if waiting[0] > 0 else 1.0
    followed = np.searchsorted(-waiting, -np.geomspace(max(waiting[0], few), few, tail - 1))
    return np.unique(np.concatenate([events, np.minimum(followed, len(waiting) - 1), [len(waiting) - 1]]))


def _moved(ages: Floats, labelled: Floats, before: Floats, kept: NDArray[np.intp]) -> Floats:
    """Largest distance of the lines between knots from the steps that they stand for."""
    index = np.arange(len(ages))
    right = np.searchsorted(kept, index)
    inside = (right > 0) & (kept[right] != index)
    at, right = index[inside], right[inside]
    start, end = kept[right - 1], kept[right]
    share = (ages[at] - ages[start]) / (ages[end] - ages[start])
    line = labelled[start] + share * (before[end] - labelled[start])
    off = np.maximum(np.abs(line - labelled[at]), np.abs(line - before[at]))
    return np.asarray(off.max(initial=0.0))
