"""Calibration maps: what a score means, as a rising curve that a reference draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from upkeep.core.profile.stored import are_numbers, damaged, fields


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """A function that is linear between its knots and constant beyond them; both arrays have shape (knots,), `at` rises."""

    at: NDArray[np.float64]
    value: NDArray[np.float64]

    @classmethod
    def isotonic(
        cls,
        scores: NDArray[np.float64],
        outcomes: NDArray[np.float64],
        weights: NDArray[np.float64] | None = None,
    ) -> Curve:
        """The rising step function of least weighted squared error, joined by lines as scikit-learn's is.

        Parameters
        ----------
        scores, outcomes : ndarray of float, shape (n,)
        weights : ndarray of float, shape (n,), optional
            Rows of weight 0 are left out.

        Examples
        --------
        The middle outcomes fall, so they are pooled.

        >>> curve = Curve.isotonic(np.array([0.1, 0.4, 0.6, 0.9]), np.array([0.0, 1.0, 0.0, 1.0]))
        >>> curve(np.array([0.0, 0.5, 0.75, 1.0]))
        array([0.  , 0.5 , 0.75, 1.  ])
        """
        order = np.argsort(scores, kind="stable")
        weight = np.ones(len(scores)) if weights is None else weights
        order = order[weight[order] > 0]
        ordered, weight = scores[order], weight[order]
        first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        mass = np.add.reduceat(weight, first)
        mean = np.add.reduceat(outcomes[order] * weight, first) / mass
        fitted = isotonic_regression(mean, weights=mass).x
        kept = np.ones(len(first), dtype=bool)
        kept[1:-1] = (fitted[1:-1] != fitted[:-2]) | (fitted[1:-1] != fitted[2:])
        return cls(at=ordered[first][kept], value=fitted[kept])

    def __call__(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.interp(scores, self.at, self.value))

    def to_json(self) -> dict[str, Any]:
        return {"at": self.at.tolist(), "value": self.value.tolist()}

    @classmethod
    def from_json(cls, record: object) -> Curve:
        """Inverse of `to_json`; InputError if the record cannot be one."""
        held: Mapping[str, Any] = fields("a stored curve", record, ["at", "value"])
        at, value = held["at"], held["value"]
        lists = isinstance(at, list) and isinstance(value, list) and len(at) == len(value) > 0
        if not lists or not are_numbers(at) or not are_numbers(value) or (np.diff(at) <= 0).any():
            raise damaged("a stored curve must have as many numbers `value` as rising numbers `at`", held)
        return cls(at=np.asarray(at, dtype=np.float64), value=np.asarray(value, dtype=np.float64))
