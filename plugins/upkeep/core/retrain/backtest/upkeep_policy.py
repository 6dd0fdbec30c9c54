"""Ours: windows are judged as the monitor judges them, and `core.retrain.decide` decides, as in a life."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, select
from upkeep.core.retrain.backtest.policy import Fit, Look, Recipe, Retrain, Scorer
from upkeep.core.retrain.backtest.replay import THRESHOLD
from upkeep.core.retrain.backtest.window_health import Watch
from upkeep.core.retrain.correction import ROWS, FoundGain, GainLook, found_gain, judged, teachable
from upkeep.core.retrain.decide import decide
from upkeep.core.retrain.decision import Decision, DecisionPolicy, DecisionState, HealthFacts
from upkeep.core.retrain.recipe_weights import recipe_weights
from upkeep.core.retrain.recipes import Recipe as Suggested


@dataclass(slots=True, kw_only=True)
class _Corrections:
    """Of the model in use: the rows whose labels were in at the last look, and what came of each look."""

    known: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    corrected: Scorer | None = None
    looks: list[GainLook] = field(default_factory=list)


class UpkeepPolicy:
    """Retrains when the decision says so, by its recipes and by the replay's rule; the best on the newest rows is used.

    Parameters
    ----------
    fit : callable
        Fits the correction, as it fits models: on the features, and on the score of the model in use as one more.
    policy : DecisionPolicy, optional
    alpha : float
        Chance that a health report of one model ever calls out something that is not so, as in `MonitorPolicy`.

    Notes
    -----
    At each look a correction is fitted on the newest labelled rows that the model in use has predicted. The labels that come
    in until the next look judge it, row by row, against the model as it is (`recoverable`), so no label judges what it has
    taught. A new model has a life of its own.

    Recorded data cannot be mended, so a column that was named as broken is taken as looked at and accepted from the
    next window on.
    """

    def __init__(self, fit: Fit, *, policy: DecisionPolicy | None = None, alpha: float = 0.05) -> None:
        self._fit, self._policy, self._alpha = fit, policy or DecisionPolicy(), alpha
        self._state: DecisionState = {}
        self._facts: list[HealthFacts] = []
        self._watch: Watch | None = None
        self._corrections = _Corrections()
        self.decisions: list[Decision] = []

    def look(self, look: Look, /) -> Retrain | None:
        if self._watch is None or self._watch.version != look.model.version:
            accepted = self._watch.accepted if self._watch else frozenset(self._policy.accepted)
            self._watch, self._corrections = Watch(look, self._policy, self._alpha, accepted), _Corrections()
        facts = replace(self._watch.health(look, look.window), gain=self._gain(look))
        self._facts.append(facts)
        decision, self._state = decide(self._facts, policy=self._policy, state=self._state)
        self.decisions.append(decision)
        if not decision.due:
            return None
        return Retrain(cause=decision.cause, recipes=(Recipe(), *map(_recipe, decision.recipes)))

    def _gain(self, look: Look) -> FoundGain | None:
        """What is to be won by labels that came in since the last look; the next correction learns from them."""
        mine, policy = self._corrections, self._policy
        known = look.model.since + np.flatnonzero(~np.isnan(look.labels[look.model.since :]))
        came = np.setdiff1d(known, mine.known, assume_unique=True)
        if mine.corrected is not None and len(came):
            mine.looks.append(
                judged(
                    window=look.window.name,
                    since=str(look.window.since),
                    label=look.labels[came] == 1,
                    predicted=look.scores[came] >= THRESHOLD,
                    corrected=mine.corrected(_scored(look, came)) >= THRESHOLD,
                )
            )
        mine.known, mine.corrected = known, self._corrected(look, known[-ROWS:])
        return found_gain(mine.looks, tolerated=policy.max_loss, alpha=policy.gain_alpha, least=policy.min_labels)

    def _corrected(self, look: Look, rows: NDArray[np.int64]) -> Scorer | None:
        labels = look.labels[rows] == 1
        if not teachable(labels, self._policy.min_labels):
            return None
        return self._fit(_scored(look, rows), labels.astype(np.int64), None)


def _scored(look: Look, rows: NDArray[np.int64]) -> Columns:
    return select(look.table, rows) | {"score": look.scores[rows]}


def _recipe(suggested: Suggested) -> Recipe:
    name = suggested["name"]
    if name == "recent_window":
        return Recipe(name=name, since=np.datetime64(suggested["since"]))
    if name == "upsample":
        return Recipe(name=name, weights=lambda table: recipe_weights(suggested, table))
    return Recipe(name=name, since=np.datetime64(0, "us"))
