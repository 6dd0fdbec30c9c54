"""Ours: windows are judged as the monitor judges them, and `core.retrain.decide` decides."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from upkeep.core.retrain.backtest.policy import Look, Recipe, Retrain
from upkeep.core.retrain.backtest.stream import Window
from upkeep.core.retrain.backtest.window_health import Watch
from upkeep.core.retrain.decide import decide
from upkeep.core.retrain.decision import Decision, DecisionPolicy, DecisionState, HealthFacts
from upkeep.core.retrain.recipe_weights import recipe_weights
from upkeep.core.retrain.recipes import Recipe as Suggested

#: The defaults but for two: evidence of several windows needs neither to be seen twice nor a pause after it.
POOLED = DecisionPolicy(windows_needed=1, cooldown_windows=0)

#: Retrains after the first one for a loss that it did not win back, each at twice as many labels as the one before.
MOST_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What a retrain is to win back: half of the drop at least, begin of the windows that show it, labels since then."""

    half_way: float
    since: np.datetime64
    rows: int
    tries: int


class UpkeepPolicy:
    """Retrains when the decision says so, by its recipes and by the replay's rule; the best on the newest rows is used.

    Parameters
    ----------
    policy : DecisionPolicy, optional
    alpha : float
        Chance that a health report of one model ever calls out something that is not so, as in `MonitorPolicy`.

    Notes
    -----
    A drop is looked for in the last windows together (`lasting_drop`), so that one that lasts is certain however small
    the windows are. Its certainty holds over the model's whole life; seeing it once is enough, and nothing cools
    down: a new model has a life of its own. Soon after a change few rows know of it. So if a new model
    is accepted with an accuracy that wins back less than half of the drop, it is tried again when twice as many labels
    are in since the drop began.

    A window waits until `min_labels` of its model's labels are in, but for no more than `windows_looked` windows.
    Recorded data cannot be mended, so a column that was named as broken is taken as looked at and accepted from the
    next window on.
    """

    def __init__(self, *, policy: DecisionPolicy | None = None, alpha: float = 0.05) -> None:
        self._policy, self._alpha = policy or POOLED, alpha
        self._state: DecisionState = {}
        self._facts: list[HealthFacts] = []
        self._waiting: list[Window] = []
        self._watch: Watch | None = None
        self._lost: Loss | None = None
        self.decisions: list[Decision] = []

    def look(self, look: Look, /) -> Retrain | None:
        if self._watch is None or self._watch.version != look.model.version:
            accepted = self._watch.accepted if self._watch else frozenset(self._policy.accepted)
            self._watch, self._waiting = Watch(look, self._policy, self._alpha, accepted), []
            if self._lost and self._watch.accuracy >= self._lost.half_way:
                self._lost = None
        self._waiting.append(look.window)
        while self._waiting and self._ready(look):
            decision = self._decide(self._watch.health(look, self._waiting.pop(0)))
            if decision.due:
                return self._retrain(look, decision)
        return self._again(look)

    def _retrain(self, look: Look, decision: Decision) -> Retrain:
        now, before = self._facts[-1], self._watch.accuracy if self._watch else 0.0
        since = np.datetime64(now.since)
        self._lost = Loss(half_way=before + now.change / 2, since=since, rows=_labelled(look, since), tries=0)
        return Retrain(cause=decision.cause, recipes=(Recipe(), *map(_recipe, decision.recipes)))

    def _again(self, look: Look) -> Retrain | None:
        """A new model that won back little may have had too few rows since the change: once more at twice as many."""
        lost = self._lost
        if lost is None or lost.tries == MOST_TRIES or (rows := _labelled(look, lost.since)) < 2 * lost.rows:
            return None
        self._lost = replace(lost, rows=rows, tries=lost.tries + 1)
        return Retrain(cause="loss not won back", recipes=(Recipe(), Recipe(name="recent_window", since=lost.since)))

    def _ready(self, look: Look) -> bool:
        first = self._waiting[0]
        labelled = int((~np.isnan(look.labels[look.model.since : first.stop])).sum())
        return labelled >= self._policy.min_labels or len(self._waiting) > self._policy.windows_looked

    def _decide(self, facts: HealthFacts) -> Decision:
        self._facts.append(facts)
        decision, self._state = decide(self._facts, policy=self._policy, state=self._state)
        self.decisions.append(decision)
        return decision


def _labelled(look: Look, since: np.datetime64) -> int:
    return int((~np.isnan(look.labels[np.searchsorted(look.when, since) :])).sum())


def _recipe(suggested: Suggested) -> Recipe:
    name = suggested["name"]
    if name == "recent_window":
        return Recipe(name=name, since=np.datetime64(suggested["since"]))
    if name == "upsample":
        return Recipe(name=name, weights=lambda table: recipe_weights(suggested, table))
    return Recipe(name=name, since=np.datetime64(0, "us"))
