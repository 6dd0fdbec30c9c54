"""What the labels of rows are likely to be while none is in, learned from rows held out from the model's training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Table
from upkeep.core.feedback.estimate.base import Base, Kind
from upkeep.core.feedback.estimate.checks import check_rows, check_stored, live_scores
from upkeep.core.feedback.estimate.coding import BINS, FINE_BINS, Coding
from upkeep.core.feedback.estimate.crossfit import asked_for, crossfit
from upkeep.core.feedback.estimate.outcomes import expected_outcomes, judged, outcomes, restored, seen_scores
from upkeep.core.feedback.estimate.ways import (
    METHODS,
    Learned,
    Method,
    Way,
    learn,
    way_from_json,
)
from upkeep.core.feedback.metrics.binary import binary_metrics
from upkeep.core.feedback.metrics.multiclass import multiclass_metrics
from upkeep.core.feedback.metrics.regression import regression_metrics
from upkeep.errors import InputError

FORMAT = 2
#: Records of format 1 hold bootstrap replicates too, which nothing is asked of any more.
_READ = (1, FORMAT)
#: With fewer rows the ways cannot be told apart.
_LEAST_ROWS = 400


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EstimateReference:
    """Learned from a reference; says of live rows what their labels are likely to be.

    Attributes
    ----------
    kind : {"binary", "multiclass", "regression"}
    threshold : float
        A row of two classes is predicted 1 if its score is at least this.
    method : str
        One of `METHODS`: "calibrated" asks the score alone (isotonic), as CBPE does; "regrouped" does too, and corrects rows by
        their cell of a column where the window is the reference in another mix of that column's cells; "score buckets" and
        "bucketing tree" weigh the reference's buckets by their live rows, as the paper does; "boosted" goes on from
        "calibrated" with small trees on features and score; "weighted" calibrates on reference rows weighted by how live
        they look.
    share : float
        How much of it is mixed into "calibrated", 0 to 1.
    error : float
        Root mean squared error of the estimated accuracy (mean absolute residual) on windows made of the reference, beyond that
        of chance in their labels.
    gains : mapping of str to (float, float)
        What each method gained there: mean squared error minus that of "calibrated", of a regressor that of "boosted", and
        its standard error.

    Notes
    -----
    All rest on one assumption: rows that look alike have labels as in the reference (no concept shift). "calibrated" and "score
    buckets" need it of rows of one score, the others of rows of one score and alike features. Which holds cannot be seen
    without labels.
    """

    kind: Kind
    threshold: float
    method: Method
    share: float
    error: float
    gains: Mapping[str, tuple[float, float]]
    base: Base = field(repr=False)
    coding: Coding | None = field(repr=False)
    way: Way | None = field(repr=False)

    @classmethod
    def fit(
        cls,
        table: Table,
        scores: NDArray[np.float64],
        labels: NDArray[Any],
        *,
        kind: Kind,
        threshold: float = 0.5,
        seed: int = 0,
        method: Method | None = None,
    ) -> EstimateReference:
        """Learn from labelled rows that the model was not trained on.

        Parameters
        ----------
        table : mapping of str to ndarray or Coded, each shape (n,)
            Features, in the order of time; may be empty, then only the score is used.
        scores : ndarray of float
            P(label = 1), shape (n,), if `binary`; P(class), shape (n, k), if `multiclass`; predictions, shape (n,), if
            `regression`.
        labels : ndarray, shape (n,)
            0 or 1; numbers of classes from 0 to k - 1; numbers.
        seed : int
            Of all that is drawn.
        method : str, optional
            One of `METHODS`; chosen by `crossfit` if left out.

        Examples
        --------
        The score is twice too sure of itself: of rows with .9, .7 are positive.

        >>> score = np.repeat([0.1, 0.9], 500)
        >>> label = np.concatenate([np.arange(500) % 10 < 3, np.arange(500) % 10 < 7])
        >>> reference = EstimateReference.fit({}, score, label, kind="binary")
        >>> reference.method, reference.metrics({}, np.array([0.1, 0.9, 0.9]))["accuracy"]
        ('calibrated', 0.7)
        """
        number = check_rows(table, scores, labels, kind)
        if method is not None and method not in METHODS:
            raise InputError(f"method must be one of {', '.join(METHODS)}, or left out, got {method!r}.")
        if method == "regrouped" and kind == "regression":
            raise InputError("method 'regrouped' is for classifiers, got kind 'regression'. Leave method out.")
        score, rng = scores.astype(np.float64), np.random.default_rng(seed)
        base = Base.fit(kind, score, number)
        if method == "calibrated" or (method is None and len(score) < _LEAST_ROWS):
            return cls(kind=kind, threshold=threshold, method="calibrated", share=0.0, error=0.0, gains={}, base=base,
                       coding=None, way=None)  # fmt: skip
        seen = seen_scores(kind, score)
        right = outcomes(kind, score, number, threshold)[:, judged(kind)]
        coding = Coding.fit(table, seen, right, bins=FINE_BINS if kind == "regression" else BINS)
        rows = Learned.of(base, threshold, coding.codes(table, seen), score, number)
        settings = crossfit(rows, rng) if method is None else asked_for(method, kind)
        choice = settings.choice
        way = learn(choice.method, rows, rng, rounds=settings.rounds, alpha=settings.alpha)
        return cls(
            kind=kind,
            threshold=threshold,
            method=choice.method,
            share=choice.share,
            error=choice.error,
            gains=choice.gains,
            base=base,
            coding=coding if way else None,
            way=way,
        )

    def chances(self, table: Table, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """What is expected of each live row.

        Parameters
        ----------
        table : mapping of str to ndarray or Coded, each shape (m,)
            Must have the features of the reference, unless the method is "calibrated".
        scores : ndarray of float
            As in `fit`.

        Returns
        -------
        ndarray of float
            Binary: P(label = 1), shape (m,). Multiclass: P(class), shape (m, k), rows summing to 1. Regression, shape
            (m, 3): the expected residual (prediction - label), its absolute value and its square.
        """
        score = live_scores(scores, self.kind, len(self.base.curves))
        expected = self.base.expected(score)
        return self._shaped(expected, self._outcome(table, score, expected), score)

    def metrics(self, table: Table, scores: NDArray[np.float64]) -> dict[str, float]:
        """Every metric of the window that these rows are, expected."""
        chances = self.chances(table, scores)
        if self.kind == "binary":
            return binary_metrics(chances, scores, threshold=self.threshold)
        if self.kind == "multiclass":
            return multiclass_metrics(chances, scores)
        return regression_metrics(*chances.T)

    def to_json(self) -> dict[str, Any]:
        """JSON builtins, at most 2 MB."""
        return {
            "format": FORMAT,
            "kind": self.kind,
            "threshold": self.threshold,
            "method": self.method,
            "share": self.share,
            "error": self.error,
            "gains": {name: list(gain) for name, gain in self.gains.items()},
            "base": self.base.to_json(),
            "coding": self.coding.to_json() if self.coding else None,
            "way": self.way.to_json() if self.way else None,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> EstimateReference:
        """Inverse of `to_json`; InputError for another format or a damaged record."""
        held = check_stored(record, _READ, METHODS)
        base = Base.from_json(held["base"])
        coding = Coding.from_json(held["coding"]) if held["coding"] is not None else None
        columns = len(coding.grid.cells) if coding else 0
        return cls(
            kind=base.kind,
            threshold=float(held["threshold"]),
            method=held["method"],
            share=float(held["share"]),
            error=float(held["error"]),
            gains={name: (gain[0], gain[1]) for name, gain in held["gains"].items()},
            base=base,
            coding=coding,
            way=way_from_json(held["method"], base.kind, held["way"], columns),
        )

    def _outcome(self, table: Table, score: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
        start = expected_outcomes(self.kind, expected, score, self.threshold)
        if self.way is None or self.coding is None or not len(score):
            return start
        codes = self.coding.codes(table, seen_scores(self.kind, score))
        return start + self.share * (self.way.expected(start, codes, score) - start)

    def _shaped(
        self, expected: NDArray[np.float64], outcome: NDArray[np.float64], score: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        whole = restored(self.kind, expected, outcome, score, self.threshold)
        return whole[:, 1] if self.kind == "binary" else whole
