"""What the score alone says of a row: the start of every estimate, and what CBPE stops at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.estimate.curve import Curve
from upkeep.core.profile.stored import damaged, fields

Kind = Literal["binary", "multiclass", "regression"]
KINDS = ("binary", "multiclass", "regression")
#: Buckets of equal mass on the prediction of a regressor; joined by lines.
_BUCKETS = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Base:
    """One curve per class of the score of this class, or of the residual, its absolute value and its square."""

    kind: Kind
    curves: tuple[Curve, ...]

    @classmethod
    def fit(
        cls,
        kind: Kind,
        scores: NDArray[np.float64],
        labels: NDArray[np.float64],
        weights: NDArray[np.float64] | None = None,
    ) -> Base:
        """Isotonic per class, or means of residuals by bucket of the prediction; rows count as `weights`."""
        if kind == "regression":
            return cls(kind=kind, curves=_residuals(scores, labels, weights))
        if kind == "binary":
            return cls(kind=kind, curves=(Curve.isotonic(scores, labels, weights),))
        each = range(scores.shape[1])
        return cls(kind=kind, curves=tuple(Curve.isotonic(scores[:, k], 1.0 * (labels == k), weights) for k in each))

    def expected(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Chances of the classes, shape (m, k), k = 2 if binary; or residual, absolute and squared, shape (m, 3)."""
        if self.kind == "regression":
            return np.stack([curve(scores) for curve in self.curves], axis=1)
        if self.kind == "binary":
            one = self.curves[0](scores)
            return np.stack([1 - one, one], axis=1)
        raw = np.stack([curve(scores[:, k]) for k, curve in enumerate(self.curves)], axis=1)
        total = raw.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(raw, total, out=np.full_like(raw, 1 / raw.shape[1]), where=total > 0))

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "curves": [curve.to_json() for curve in self.curves]}

    @classmethod
    def from_json(cls, record: object) -> Base:
        """Inverse of `to_json`; InputError if the record cannot be one."""
        held: Mapping[str, Any] = fields("a stored calibration", record, ["kind", "curves"])
        kind, curves = held["kind"], held["curves"]
        wanted = {"binary": 1, "regression": 3}
        if kind not in KINDS or not isinstance(curves, list) or len(curves) != wanted.get(kind, max(2, len(curves))):
            raise damaged(f"a stored calibration must be of a kind of {list(KINDS)} with its curves", held)
        return cls(kind=kind, curves=tuple(Curve.from_json(curve) for curve in curves))


def _residuals(
    scores: NDArray[np.float64], labels: NDArray[np.float64], weights: NDArray[np.float64] | None
) -> tuple[Curve, ...]:
    weight = np.ones(len(scores)) if weights is None else weights
    order = np.argsort(scores, kind="stable")
    order = order[weight[order] > 0]
    reached = np.cumsum(weight[order])
    bucket = np.minimum((_BUCKETS * (reached - weight[order] / 2) / reached[-1]).astype(np.intp), _BUCKETS - 1)
    tied = np.searchsorted(scores[order], scores[order], side="left")
    bucket = bucket[tied]  # equal predictions are never parted
    mass = np.bincount(bucket, weights=weight[order], minlength=_BUCKETS)
    kept = mass > 0
    residual = (scores - labels)[order]

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        total = np.bincount(bucket, weights=values * weight[order], minlength=_BUCKETS)
        return np.asarray(total[kept] / mass[kept])

    at, first = np.unique(mean(scores[order]), return_index=True)
    return tuple(Curve(at=at, value=mean(values)[first]) for values in (residual, abs(residual), residual**2))
