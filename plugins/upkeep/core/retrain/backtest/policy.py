"""What a retrain policy is shown at the end of a window, and what it may answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns
from upkeep.core.retrain.backtest.stream import Window

#: P(label = 1) of the rows of a table, shape (m,).
Scorer: TypeAlias = Callable[[Columns], NDArray[np.float64]]
#: Fits a model to features, labels of 0 and 1 and, if any, weights of the rows.
Fit: TypeAlias = Callable[[Columns, NDArray[np.int64], NDArray[np.float64] | None], Scorer]
#: Weights of rows to fit on, from their features.
Weights: TypeAlias = Callable[[Columns], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """The model in use and what it was accepted on; row numbers are those of the stream, `version` is 1 for the first.

    `since` is its first live row. `rows` [first, stop) are all rows of the time that it was trained in, labelled or not.
    `fitted` and `held_out` are the labelled rows that it has and has not seen, `held_out_scores` its scores of the latter.
    """

    version: int
    since: int
    rows: tuple[int, int]
    fitted: NDArray[np.int64] = field(repr=False)
    held_out: NDArray[np.int64] = field(repr=False)
    held_out_scores: NDArray[np.float64] = field(repr=False)
    scorer: Scorer = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """All that is known when a window ends: rows up to now, each array of shape (stop of the window,).

    `scores` are those given at the time, NaN before the first model; `labels` are NaN and `known_at` NaT while pending.
    `windows` are all windows up to this one, which is the last.
    """

    windows: tuple[Window, ...] = field(repr=False)
    table: Columns = field(repr=False)
    when: NDArray[np.datetime64] = field(repr=False)
    scores: NDArray[np.float64] = field(repr=False)
    labels: NDArray[np.float64] = field(repr=False)
    known_at: NDArray[np.datetime64] = field(repr=False)
    model: Model

    @property
    def window(self) -> Window:
        return self.windows[-1]

    @property
    def live(self) -> Columns:
        """Features of the window's rows."""
        return _rows(self.table, self.window.start, self.window.stop)

    @property
    def accepted(self) -> Columns:
        """Features of all rows of the time that the model was trained in."""
        return _rows(self.table, *self.model.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to train: on labelled rows from `since` on, by the replay's rule if None, weighted or not."""

    name: str = "planned"
    since: np.datetime64 | None = None
    weights: Weights | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrain:
    """A policy's wish: a challenger by each recipe, of which the best on the newest rows is used."""

    cause: str
    recipes: tuple[Recipe, ...] = (Recipe(),)


class Policy(Protocol):
    """Looks at every live window once, in turn. A policy may remember, so each replay needs a new one."""

    def look(self, look: Look, /) -> Retrain | None:
        """Whether to train a new model now; None for no."""
        ...


def _rows(table: Columns, start: int, stop: int) -> Columns:
    return {name: values[start:stop] for name, values in table.items()}
