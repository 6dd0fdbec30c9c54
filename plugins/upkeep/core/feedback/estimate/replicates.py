"""How the calibration would have come out on other reference rows of the same source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from upkeep.core.feedback.estimate.base import Base, Kind
from upkeep.core.feedback.estimate.curve import Curve
from upkeep.core.packing import pack, unpack
from upkeep.core.profile.stored import damaged, fields

REPLICATES = 50
_KNOTS = 64
#: Rows beyond these are drawn from; the spread is scaled for it.
_ROWS = 40_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replicates:
    """Bootstrap replicates of a calibration's curves, minus the curves themselves.

    Attributes
    ----------
    at : ndarray of float, shape (curves, knots)
        Scores at which they are kept.
    value : ndarray of float, shape (B, curves, knots)
    draw : ndarray of float, shape (B,)
        Standard normal quantiles in random order: where each replicate stands in the error of the way itself.
    """

    at: NDArray[np.float64]
    value: NDArray[np.float64]
    draw: NDArray[np.float64]

    @classmethod
    def fit(
        cls, base: Base, scores: NDArray[np.float64], labels: NDArray[np.float64], rng: np.random.Generator
    ) -> Replicates:
        """Poisson bootstrap: every row counts 0, 1, 2 ... times, with mean 1."""
        if len(scores) > _ROWS:
            drawn = rng.choice(len(scores), _ROWS, replace=False)
            narrower = float(np.sqrt(_ROWS / len(scores)))
            scores, labels = scores[drawn], labels[drawn]
        else:
            narrower = 1.0
        several = scores if base.kind == "multiclass" else scores[:, None]
        places = [several[:, 0]] * len(base.curves) if base.kind == "regression" else list(several.T)
        at = np.stack([np.quantile(place, np.linspace(0, 1, _KNOTS)) for place in places])
        whole = Base.fit(base.kind, scores, labels)
        middle = _on(whole, at)
        value = np.zeros((REPLICATES, *at.shape))
        for b in range(REPLICATES):
            weights = rng.poisson(1.0, len(scores)).astype(np.float64)
            if weights.any():
                value[b] = narrower * (_on(Base.fit(base.kind, scores, labels, weights), at) - middle)
        value -= value.mean(axis=0)
        draw = ndtri((rng.permutation(REPLICATES) + 0.5) / REPLICATES)
        return cls(at=at, value=value, draw=draw)

    def base(self, base: Base, number: int) -> Base:
        """The calibration moved as the replicate says; chances stay in [0, 1]."""
        moved = []
        for curve, at, value in zip(base.curves, self.at, self.value[number], strict=True):
            place = np.unique(np.concatenate([curve.at, at]))
            level = curve(place) + np.interp(place, *_rising(at, value))
            moved.append(Curve(at=place, value=level if base.kind == "regression" else np.clip(level, 0.0, 1.0)))
        return Base(kind=base.kind, curves=tuple(moved))

    def to_json(self) -> dict[str, Any]:
        small: dict[str, NDArray[Any]] = {"at": self.at, "value": self.value.astype(np.float32), "draw": self.draw}
        return {name: pack(values) for name, values in small.items()}

    @classmethod
    def from_json(cls, record: object, curves: int) -> Replicates:
        """Inverse of `to_json`, to seven digits; InputError unless they are of so many curves."""
        held: Mapping[str, Any] = fields("stored replicates", record, ["at", "value", "draw"])
        at, value, draw = (unpack(held[name]).astype(np.float64) for name in ("at", "value", "draw"))
        if at.ndim != 2 or len(at) != curves or value.shape != (len(draw), *at.shape):
            raise damaged(f"stored replicates must be of {curves} curves", list(held))
        return cls(at=at, value=value, draw=draw)


def moved_outcome(kind: Kind, outcome: NDArray[np.float64], error: float, draw: float) -> NDArray[np.float64]:
    """Expected outcomes, shape (m, t), with a mean that is off by `error` x `draw`; sure rows are moved least."""
    if not len(outcome) or not error:
        return outcome
    if kind == "regression":
        level = float(outcome[:, 1].mean())
        factor = max(0.0, 1 + error * draw / level) if level else 1.0
        return np.asarray(outcome * np.array([1.0, factor, factor**2]) + np.array([error * draw, 0.0, 0.0]))
    room = outcome * (1 - outcome)
    mean = float(room.mean())
    return np.asarray(np.clip(outcome + error * draw * room / mean, 0.0, 1.0)) if mean else outcome


def _on(base: Base, at: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([curve(place) for curve, place in zip(base.curves, at, strict=True)])


def _rising(at: NDArray[np.float64], value: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    place, first = np.unique(at, return_index=True)
    return place, value[first]
