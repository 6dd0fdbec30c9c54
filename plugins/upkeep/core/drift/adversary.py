"""One-pass adversarial validation: can a classifier that watches the stream tell live rows from reference rows?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from upkeep.core.columns import Table, row_count
from upkeep.core.drift.adversary_cells import cell_numbers
from upkeep.core.drift.adversary_features import Features, Seen
from upkeep.core.drift.adversary_judge import AdversaryReport, BatchScore, ColumnShare, judge, score
from upkeep.core.drift.adversary_learner import Learner
from upkeep.core.drift.adversary_reference import Reference, turn
from upkeep.core.drift.adversary_weights import Moved, Weights
from upkeep.errors import InputError

#: Live rows after which what was learned counts half.
HALF_LIFE = 20_000
#: An AUC of .55 is what a shift of .18 standard deviations in one column gives.
TOLERANCE = 0.05
#: Rows that past windows count as in a new one.
MEMORY = 500
_FEWEST, _MOST = 256, 1 << 14
#: Of a larger mini-batch every second row or so is learned from, and so many judges are asked; all rows are tested.
_LEARNED = 1 << 12
_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Adversary:
    """A classifier that is tested on every live row before it learns from it, and the figures of the current window.

    Notes
    -----
    Cells, scores and weights come from one half of the reference sample. AUC and log-loss come from the other half,
    the judges, from which nothing is ever learned: a reference row that was learned from looks less like live the
    longer it is used, and a finite sample has to be used again and again. The judges may be used again because no
    classifier depends on them, and the error is divided over the looks of the life by the union bound, which holds
    however the looks depend on each other.

    Attributes
    ----------
    reference : Reference
    taught : Seen
        The rows to learn from, as the learner sees them.
    judges : ndarray, shape (judges, columns)
        The cells of the rows that only judge.
    learner : Learner
    half_life : float
    learned_rows : int
        Live rows learned from; says whose turn it is among the reference rows.
    batches : tuple of BatchScore
        Of the current window.
    """

    reference: Reference
    taught: Seen
    judges: NDArray[np.intp]
    learner: Learner
    half_life: float
    learned_rows: int
    batches: tuple[BatchScore, ...]

    @classmethod
    def start(
        cls,
        sample: Table,
        *,
        rng: np.random.Generator,
        weights: ArrayLike | None = None,
        half_life: float = HALF_LIFE,
        bins: int = 192,
        top: int = 50,
    ) -> Adversary:
        """An adversary that knows nothing yet.

        Parameters
        ----------
        sample : mapping of str to ndarray or Coded, each shape (n,)
            Rows of the reference, at least 100; 10,000 or more let small shifts be seen.
        rng : numpy.random.Generator
            Draws the halves and their order; nothing is drawn later.
        weights : array_like, shape (n,), optional
            How many reference rows each row stands for, where some were more likely to be sampled: one over that
            chance, up to a factor.
        half_life : float
            Live rows after which what was learned counts half.
        bins, top : int
            Cells per number column (fewer in samples below 9,216 rows), and categories with a cell of their own.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> adversary = Adversary.start({"fare": rng.normal(size=9_000), "miles": rng.normal(size=9_000)}, rng=rng)
        >>> live = {"fare": rng.normal(0.6, 1.0, 4_000), "miles": rng.normal(size=4_000)}
        >>> report = adversary.update(live).report(look=1)
        >>> report.drifted, report.columns[0].column
        (True, 'fare')
        """
        if not half_life > 0:
            raise InputError(f"half_life must be a positive number of rows, got {half_life}.")
        reference = Reference.split(sample, weights, rng, bins=bins, top=top)
        learner = Learner.start(_features(reference))
        return cls._with(reference, learner, half_life=half_life, learned_rows=0, batches=())

    def update(self, rows: Table) -> Adversary:
        """The adversary after more live rows of the window, in mini-batches: test, then learn."""
        many, state, first = row_count(rows), self, 0
        while first < many:
            size = min(state._batch(many), many - first)
            state = state._step(state._flat({name: values[first : first + size] for name, values in rows.items()}))
            first += size
        return state

    def next_window(self, *, memory: float = MEMORY) -> Adversary:
        """The same adversary, with the figures of a new window still to come.

        What it learned before counts as at most `memory` rows: enough to know again what is still there, and few enough
        to see what is new as soon as one that starts from nothing.
        """
        return replace(self, learner=self.learner.faded(memory), batches=())

    def report(self, *, look: int, alpha: float = 0.05, tolerance: float = TOLERANCE) -> AdversaryReport:
        """What the window shows.

        Parameters
        ----------
        look : int
            How often this reference has been compared with a window, this one included.
        alpha : float
            Chance that the AUC of any window of the life ever leaves its band without cause.
        tolerance : float
            How far above one half an AUC is nobody's concern.
        """
        found = self.learner.separations()
        above = np.maximum(found, 0.0)
        shares = above / (above.sum() or 1.0)
        names = self.learner.features.columns
        columns = tuple(
            ColumnShare(column=names[j], separation=float(found[j]), share=float(shares[j]))
            for j in np.argsort(-found, kind="stable")
        )
        return judge(self.batches, len(self.judges), columns, alpha=alpha, look=look, tolerance=tolerance)

    def scores(self, rows: Table) -> NDArray[np.float64]:
        """Probability that each row is live and not of the reference, shape (n,); the highest are least like it."""
        return np.asarray(expit(self.learner.log_odds(self._flat(rows))))

    def to_json(self) -> dict[str, Any]:
        """All of it as builtins: what is restored goes on to the same bits."""
        return {
            "format": _FORMAT,
            "reference": self.reference.to_json(),
            "cells": self.learner.cells.to_json(),
            "products": self.learner.products.to_json(),
            "moved": self.learner.moved.to_json(),
            "half_life": self.half_life,
            "learned_rows": self.learned_rows,
            "batches": [asdict(batch) for batch in self.batches],
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Adversary:
        """Inverse of `to_json`; InputError for another format."""
        if record.get("format") != _FORMAT:
            raise InputError(
                f"a stored adversary must have format {_FORMAT}, got {record.get('format')!r}. Start a new one from the sample."
            )
        reference = Reference.from_json(record["reference"])
        learner = Learner(
            features=_features(reference),
            cells=Weights.from_json(record["cells"]),
            products=Weights.from_json(record["products"]),
            moved=Moved.from_json(record["moved"]),
        )
        batches = tuple(BatchScore(**batch) for batch in record["batches"])
        return cls._with(
            reference, learner, half_life=record["half_life"], learned_rows=record["learned_rows"], batches=batches
        )

    @classmethod
    def _with(
        cls,
        reference: Reference,
        learner: Learner,
        *,
        half_life: float,
        learned_rows: int,
        batches: tuple[BatchScore, ...],
    ) -> Adversary:
        return cls(
            reference=reference,
            taught=learner.features.see(learner.features.flat(reference.learned)),
            judges=learner.features.flat(reference.judges),
            learner=learner,
            half_life=half_life,
            learned_rows=learned_rows,
            batches=batches,
        )

    @property
    def _asked(self) -> int:
        """Rows of the reference that teach, and that judge, one mini-batch at most."""
        return min(_LEARNED, len(self.taught), len(self.judges))

    def _batch(self, rows: int) -> int:
        """Rows of the next mini-batch: few at first, so that what follows is tested by what has been learned."""
        known = int(self.learner.moved.rows)
        return min(max(_FEWEST, known // 2), max(min(4 * _FEWEST, self._asked), rows // 16), _MOST)

    def _flat(self, rows: Table) -> NDArray[np.intp]:
        return self.learner.features.flat(cell_numbers(self.reference.grid, rows))

    def _step(self, live: NDArray[np.intp]) -> Adversary:
        every = slice(None, None, -(-len(live) // self._asked))
        rows = len(live[every])
        odds = self.learner.log_odds(live)
        against = self.learner.log_odds(self.judges[turn(self.learned_rows, rows, len(self.judges))])
        place = turn(self.learned_rows, rows, len(self.taught))
        learner = self.learner.learn(
            self.learner.features.see(live[every]),
            odds[every],
            self.taught[place],
            self.reference.weights[place],
            keep=0.5 ** (rows / self.half_life),
        )
        batches = (*self.batches, score(odds, against))
        return replace(self, learner=learner, learned_rows=self.learned_rows + rows, batches=batches)


def _features(reference: Reference) -> Features:
    return Features.of(reference.grid, reference.learned, reference.weights)
