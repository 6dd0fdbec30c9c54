"""What the labels of rows are likely to be while none is in, learned from rows held out from the model's training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Table, row_count
from upkeep.core.feedback.estimate.curve import Curve
from upkeep.core.profile.stored import damaged, fields
from upkeep.errors import InputError

Kind = Literal["binary", "multiclass", "regression"]
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EstimateReference:
    """Learned from a reference; says of live rows what their labels are likely to be.

    Attributes
    ----------
    kind : {"binary", "multiclass", "regression"}
    threshold : float
        A row of two classes is predicted 1 if its score is at least this.
    method : str
        How chances are made, in words.
    curves : tuple of Curve
        Binary: one. Multiclass: one per class. Regression: of the residual, its absolute value and its square.
    """

    kind: Kind
    threshold: float
    method: str
    curves: tuple[Curve, ...]

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
    ) -> EstimateReference:
        """Learn from labelled rows that the model was not trained on.

        Parameters
        ----------
        table : mapping of str to ndarray or Coded, each shape (n,)
            Features, in the order of time.
        scores : ndarray of float
            P(label = 1), shape (n,), for `binary`; P(class), shape (n, k), for `multiclass`; predictions, shape (n,), for
            `regression`.
        labels : ndarray, shape (n,)
            0 or 1; numbers of classes from 0 to k - 1; numbers.
        seed : int
            Of all that is drawn.
        """
        rows = row_count(table) if table else len(scores)
        if not rows or len(scores) != rows or len(labels) != rows:
            raise InputError(
                f"table, scores and labels must have one length, got {rows}, {len(scores)}, {len(labels)}."
            )
        if kind == "regression":
            residual = scores - labels
            order = np.argsort(scores, kind="stable")
            buckets = [part for part in np.array_split(order, min(10, rows)) if len(part)]
            middle = np.array([np.median(scores[b]) for b in buckets])
            at, first = np.unique(middle, return_index=True)
            outcomes = (residual, abs(residual), residual**2)
            curves = tuple(Curve(at=at, value=np.array([o[b].mean() for b in buckets])[first]) for o in outcomes)
        elif kind == "multiclass":
            curves = tuple(Curve.isotonic(scores[:, k], (labels == k) * 1.0) for k in range(scores.shape[1]))
        else:
            curves = (Curve.isotonic(scores, labels.astype(np.float64)),)
        return cls(kind=kind, threshold=threshold, method="calibrated", curves=curves)

    def chances(self, table: Table, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """What is expected of each live row.

        Returns
        -------
        ndarray of float
            Binary: P(label = 1), shape (m,). Multiclass: P(class), shape (m, k), rows summing to 1. Regression, shape
            (m, 3): the expected residual (prediction - label), its absolute value and its square.
        """
        if self.kind == "binary":
            return self.curves[0](scores)
        if self.kind == "regression":
            return np.stack([curve(scores) for curve in self.curves], axis=1)
        raw = np.stack([curve(scores[:, k]) for k, curve in enumerate(self.curves)], axis=1)
        total = raw.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(raw, total, out=np.full_like(raw, 1 / raw.shape[1]), where=total > 0))

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "kind": self.kind,
            "threshold": self.threshold,
            "method": self.method,
            "curves": [curve.to_json() for curve in self.curves],
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> EstimateReference:
        """Inverse of `to_json`; InputError for another format or a damaged record."""
        held = fields("a stored estimate", record, ["format"])
        if held["format"] != FORMAT:
            raise InputError(f"a stored estimate must have format {FORMAT}, got {held['format']!r}. Train again.")
        fields("a stored estimate", held, ["kind", "threshold", "method", "curves"])
        if held["kind"] not in ("binary", "multiclass", "regression"):
            raise damaged("the kind of a stored estimate must be binary, multiclass or regression", held["kind"])
        return cls(
            kind=held["kind"],
            threshold=held["threshold"],
            method=held["method"],
            curves=tuple(Curve.from_json(curve) for curve in held["curves"]),
        )
