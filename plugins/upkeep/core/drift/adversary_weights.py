"""What an adversary learned, as sums that fade: of gradients, and of how much more live rows had of everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from upkeep.core.packing import pack, unpack

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weights:
    """Weights of one shape, as the three sums that they follow from.

    Attributes
    ----------
    pull : ndarray
        Sum of step x gradient + curvature x weight.
    curvature : ndarray
        Sum of the second derivatives of the loss at probability one half, which bound it.
    noise : ndarray
        Variance of `pull` if live and reference rows are alike.
    """

    pull: Floats
    curvature: Floats
    noise: Floats

    @classmethod
    def none(cls, *shape: int) -> Weights:
        return cls(pull=np.zeros(shape), curvature=np.zeros(shape), noise=np.zeros(shape))

    def to_json(self) -> dict[str, Any]:
        return {"pull": pack(self.pull), "curvature": pack(self.curvature), "noise": pack(self.noise)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Weights:
        """Inverse of `to_json`."""
        return cls(**{name: unpack(values) for name, values in record.items()})

    def faded(self, keep: float) -> Weights:
        """The same from `keep` times as many rows."""
        return Weights(pull=keep * self.pull, curvature=keep * self.curvature, noise=keep * self.noise)

    def after(self, now: Floats, gradient: Floats, curvature: Floats, step: float, keep: float) -> Weights:
        """The sums after a batch that found the weights `now`; older batches count `keep` times."""
        old = self.faded(keep)
        return Weights(
            pull=old.pull + curvature * now + step * gradient,
            curvature=old.curvature + curvature,
            noise=old.noise + step**2 * curvature,
        )

    def values(self, threshold: Floats | float, prior: Floats | float) -> Floats:
        """The weights: Newton's, shrunk towards 0 by the positive-part rule 1 - (threshold x noise / pull)^2.

        Examples
        --------
        >>> two = np.array([1.0, 30.0])
        >>> Weights(pull=two, curvature=two * 0 + 90, noise=two * 0 + 25).values(3.0, 10.0)
        array([0.   , 0.225])
        """
        squared = self.pull**2
        left = squared - threshold**2 * self.noise
        share = np.divide(left, squared, out=np.zeros_like(squared), where=left > 0)
        return np.asarray(self.pull / (self.curvature + prior) * share)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moved:
    """How much more of each cell, and of each product of scores, live rows had than the reference; faded sums."""

    cells: Floats
    products: Floats
    rows: float

    def faded(self, keep: float) -> Moved:
        """The same from `keep` times as many rows."""
        return Moved(cells=keep * self.cells, products=keep * self.products, rows=keep * self.rows)

    def to_json(self) -> dict[str, Any]:
        return {"cells": pack(self.cells), "products": pack(self.products), "rows": self.rows}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Moved:
        """Inverse of `to_json`."""
        return cls(cells=unpack(record["cells"]), products=unpack(record["products"]), rows=record["rows"])
