"""Ours as an option: a retrain where the model, corrected on recent labels, is certainly better than as it is."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, select
from upkeep.core.retrain.backtest.policy import Fit, Look, Recipe, Retrain, Scorer
from upkeep.core.retrain.backtest.replay import THRESHOLD
from upkeep.core.retrain.decision import DecisionPolicy
from upkeep.core.retrain.recoverable import Recoverable, recoverable

#: Newest labelled rows that the correction is fitted on.
ROWS = 1_000


@dataclass(slots=True, kw_only=True)
class _Life:
    """What is remembered of the model in use: the rows whose labels were in at the last look, and what came of each look."""

    version: int = 0
    known: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    corrected: Scorer | None = None
    better: list[int] = field(default_factory=list)
    worse: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)


class RecoverablePolicy:
    """Retrains if more than `max_loss` can certainly be won back, whether or not the model got worse than it was.

    Parameters
    ----------
    fit : callable
        Fits the correction, as it fits models: on the features, and on the score of the model in use as one more.
    policy : DecisionPolicy, optional
        Its `max_loss` is tolerated, and no correction is fitted on fewer than `min_labels` rows.
    alpha : float
        Chance, over a model's life, that a retrain is wished for where no correction ever won more than `max_loss`.

    Notes
    -----
    A model that was accepted soon after a change is bad from its first day and never gets worse; a task that grows leaves
    a model behind that is as good as ever. Neither shows as a drop.

    At each look a correction is fitted on the newest labelled rows that the model in use has predicted. The labels that come
    in until the next look judge it, row by row, against the model as it is (`recoverable`), so no label judges what it has
    taught. A new model has a life of its own. A challenger is trained by the replay's rule, and one on the
    rows of the correction.
    """

    def __init__(self, fit: Fit, *, policy: DecisionPolicy | None = None, alpha: float = 0.05) -> None:
        self._fit, self._policy, self._alpha = fit, policy or DecisionPolicy(), alpha
        self._life = _Life()
        self.found: list[Recoverable] = []

    def look(self, look: Look, /) -> Retrain | None:
        if look.model.version != self._life.version:
            self._life = _Life(version=look.model.version)
        life = self._life
        known = look.model.since + np.flatnonzero(~np.isnan(look.labels[look.model.since :]))
        came, newest = np.setdiff1d(known, life.known, assume_unique=True), known[-ROWS:]
        due = self._judge(look, came)
        life.known = known
        if not due:
            life.corrected = self._correct(look, newest)
            return None
        recent = Recipe(name="recent_window", since=look.when[newest[0]])
        return Retrain(cause="recoverable loss", recipes=(Recipe(), recent))

    def _judge(self, look: Look, came: NDArray[np.int64]) -> bool:
        """Whether labels that came in since the last look make the gain certain."""
        life = self._life
        if life.corrected is None or not len(came):
            return False
        label = look.labels[came] == 1
        right = (look.scores[came] >= THRESHOLD) == label
        corrected = (life.corrected(_scored(look, came)) >= THRESHOLD) == label
        life.better.append(int((corrected & ~right).sum()))
        life.worse.append(int((right & ~corrected).sum()))
        life.rows.append(len(came))
        tolerated, alpha = self._policy.max_loss, self._alpha
        found = recoverable(better=life.better, worse=life.worse, rows=life.rows, tolerated=tolerated, alpha=alpha)
        self.found.append(found)
        return found.certain

    def _correct(self, look: Look, rows: NDArray[np.int64]) -> Scorer | None:
        labels = look.labels[rows].astype(np.int64)
        if len(rows) < max(self._policy.min_labels, 2) or not 0 < labels.sum() < len(labels):
            return None
        return self._fit(_scored(look, rows), labels, None)


def _scored(look: Look, rows: NDArray[np.int64]) -> Columns:
    return select(look.table, rows) | {"score": look.scores[rows]}
