"""A model from what is known at a moment: recipes in, the best of their models out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import select
from upkeep.core.retrain.backtest.policy import Fit, Model, Recipe, Scorer
from upkeep.core.retrain.backtest.stream import LabelledStream, Window
from upkeep.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRule:
    """Which rows a model is fitted on if its recipe does not say: the labelled ones of the last `windows` windows.

    The newest `holdout_share` of them is held out, or of `min_labelled` rows where fewer came. With fewer labels than
    that nothing is trained.
    """

    windows: int = 8
    holdout_share: float = 0.3
    min_labelled: int = 100

    def __post_init__(self) -> None:
        if self.windows < 1 or not 0 < self.holdout_share < 1 or self.min_labelled < 2:
            raise InputError(
                "a training rule needs 1 window or more, a holdout_share in (0, 1) and min_labelled of 2 or more, got "
                f"{self.windows}, {self.holdout_share} and {self.min_labelled}."
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Challenger:
    """A fitted recipe, and the labelled rows that it has and has not seen."""

    recipe: Recipe
    first: int
    fitted: NDArray[np.int64]
    held_out: NDArray[np.int64]
    scorer: Scorer


def train(
    stream: LabelledStream,
    windows: Sequence[Window],
    recipes: Sequence[Recipe],
    fit: Fit,
    *,
    rule: TrainingRule,
    version: int,
) -> tuple[Model, Recipe] | None:
    """Fit a challenger by each recipe on labels that are in when the last window ends, and keep the best.

    Returns
    -------
    (Model, Recipe) or None
        None if no recipe finds enough labels of both classes.

    Notes
    -----
    The newest labelled rows are held out from every fit, as many as the rule holds out, or its share of what the recipe
    has. A later recipe replaces an earlier one only if it is right more often on the rows that all were kept
    from, by more than one standard error: the best of several on few rows is often only lucky.
    """
    found = [c for recipe in recipes if (c := _challenger(stream, windows, recipe, fit, rule)) is not None]
    if not found:
        return None
    unseen = max(found, key=lambda c: int(c.held_out[0])).held_out
    best = found[0]
    for other in found[1:]:
        if _better(stream, other.scorer, best.scorer, unseen):
            best = other
    stop = windows[-1].stop
    model = Model(
        version=version,
        since=stop,
        rows=(best.first, stop),
        fitted=best.fitted,
        held_out=best.held_out,
        held_out_scores=best.scorer(select(stream.table, best.held_out)),
        scorer=best.scorer,
    )
    return model, best.recipe


def _challenger(
    stream: LabelledStream, windows: Sequence[Window], recipe: Recipe, fit: Fit, rule: TrainingRule
) -> _Challenger | None:
    now = windows[-1]
    since = windows[-rule.windows :][0].since if recipe.since is None else recipe.since
    first = int(np.searchsorted(stream.when[: now.stop], since))
    known = first + np.flatnonzero(stream.known_at[first : now.stop] <= now.until)
    if len(known) < rule.min_labelled:
        return None
    usual = max(int((known >= windows[-rule.windows :][0].start).sum()), rule.min_labelled)
    cut = stream.when[known[len(known) - math.ceil(usual * rule.holdout_share)]]
    older = stream.when[known] < cut  # rows of one moment stay on one side
    fitted, held_out = known[older], known[~older]
    labels = stream.labels[fitted].astype(np.int64)
    if not 0 < labels.sum() < len(labels):
        return None
    table = select(stream.table, fitted)
    scorer = fit(table, labels, None if recipe.weights is None else recipe.weights(table))
    return _Challenger(recipe=recipe, first=first, fitted=fitted, held_out=held_out, scorer=scorer)


def _better(stream: LabelledStream, one: Scorer, other: Scorer, rows: NDArray[np.int64]) -> bool:
    """Whether the one is right more often, by more than a standard error of the paired difference."""
    table, labels = select(stream.table, rows), stream.labels[rows] == 1
    gain = ((one(table) >= 0.5) == labels).astype(float) - ((other(table) >= 0.5) == labels)
    return bool(gain.mean() > gain.std() / math.sqrt(len(gain)))
