"""A stream lived through again: predict a window, look at what is known, retrain or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from upkeep.core.retrain.backtest.policy import Fit, Look, Model, Policy, Recipe
from upkeep.core.retrain.backtest.stream import LabelledStream, Window
from upkeep.core.retrain.backtest.training import TrainingRule, train
from upkeep.errors import InputError

THRESHOLD = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrained:
    """A retrain at the end of live window number `window`, counted from 0; the new model serves from the next one on."""

    window: int
    name: str
    cause: str
    recipe: str
    fitted_rows: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replay:
    """How one policy fared; `rows` and `wrong` are per live window, shape (windows,)."""

    windows: tuple[str, ...] = field(repr=False)
    rows: NDArray[np.int64] = field(repr=False)
    wrong: NDArray[np.int64] = field(repr=False)
    retrains: tuple[Retrained, ...]

    @property
    def mean_error(self) -> float:
        """Share of live rows predicted wrongly, each before its label was used for anything."""
        return float(self.wrong.sum() / self.rows.sum())


def replay(
    stream: LabelledStream,
    windows: Sequence[Window],
    policy: Policy,
    fit: Fit,
    *,
    rule: TrainingRule,
    advance: Callable[[], None] = lambda: None,
) -> Replay:
    """Live through the windows under a policy.

    Parameters
    ----------
    stream : LabelledStream
    windows : sequence of Window
        In the order of time. The first `rule.windows` of them train the first model; the others are live.
    policy : Policy
        A new one, as it may remember.
    fit : callable
        ``fit(table, labels, weights)`` gives a function from a table to P(label = 1).
    rule : TrainingRule
    advance : callable
        Called after each live window.

    Notes
    -----
    A window is predicted by the model in use before anything of it is known (prequential, [1]_). At its end the policy
    sees features and scores up to then, and labels that have come in by then. A new model is fitted on
    labels that are in by then; the newest of them are held out, and are what it is accepted on. If too few are in,
    the model in use stays and no retrain is counted.

    References
    ----------
    .. [1] Dawid (1984). Statistical theory: the prequential approach. JRSS A 147.
    """
    if len(windows) <= rule.windows:
        raise InputError(
            f"a replay needs more windows than the {rule.windows} that train the first model, got {len(windows)}. "
            "Take shorter windows."
        )
    run = _Run(stream, tuple(windows), fit, rule)
    for number in range(rule.windows, len(windows)):
        run.live(number, policy)
        advance()
    return Replay(
        windows=tuple(window.name for window in windows[rule.windows :]),
        rows=np.array([window.stop - window.start for window in windows[rule.windows :]]),
        wrong=np.array(run.wrong),
        retrains=tuple(run.retrains),
    )


class _Run:
    """What changes during a replay."""

    def __init__(self, stream: LabelledStream, windows: tuple[Window, ...], fit: Fit, rule: TrainingRule) -> None:
        self.stream, self.windows, self.fit, self.rule = stream, windows, fit, rule
        self.scores = np.full(stream.rows, np.nan)
        self.wrong: list[int] = []
        self.retrains: list[Retrained] = []
        first = self._trained(rule.windows - 1, (Recipe(),), version=1)
        if first is None:
            raise InputError(
                f"the first {rule.windows} windows must bring {rule.min_labelled} labels of both classes in time to "
                "train a first model, but do not. Take longer windows, or more of them."
            )
        self.model = first[0]

    def live(self, number: int, policy: Policy) -> None:
        """Predict a window, count its errors, let the policy look at what is known when it ends."""
        window = self.windows[number]
        rows = slice(window.start, window.stop)
        self.scores[rows] = self.model.scorer({name: values[rows] for name, values in self.stream.table.items()})
        self.wrong.append(int(((self.scores[rows] >= THRESHOLD) != (self.stream.labels[rows] == 1)).sum()))
        wish = policy.look(self._look(number))
        trained = self._trained(number, wish.recipes, version=self.model.version + 1) if wish else None
        if wish and trained:
            self.model, recipe = trained
            self.retrains.append(
                Retrained(
                    window=number - self.rule.windows,
                    name=window.name,
                    cause=wish.cause,
                    recipe=recipe.name,
                    fitted_rows=len(self.model.fitted),
                )
            )

    def _look(self, number: int) -> Look:
        window, stream = self.windows[number], self.stream
        seen = slice(0, window.stop)
        came = stream.known_at[seen] <= window.until  # never true of NaT
        return Look(
            windows=self.windows[: number + 1],
            table={name: values[seen] for name, values in stream.table.items()},
            when=stream.when[seen],
            scores=self.scores[seen].copy(),
            labels=np.where(came, stream.labels[seen], np.nan),
            known_at=np.where(came, stream.known_at[seen], np.datetime64("NaT", "us")),
            model=self.model,
        )

    def _trained(self, number: int, recipes: Sequence[Recipe], version: int) -> tuple[Model, Recipe] | None:
        return train(self.stream, self.windows[: number + 1], recipes, self.fit, rule=self.rule, version=version)
