"""The product-limit estimate of how late labels are, one step per age at which a label came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Steps:
    """Rows by age; each array has shape (s,), one entry per different age.

    `ages` rise; `came` is the weight of labels that came at this age, `at_risk` that of rows without a label just before it,
    `effective` how many rows of equal weight that is worth.
    """

    ages: Floats
    came: Floats
    at_risk: Floats
    effective: Floats

    @property
    def labelled(self) -> Floats:
        """P(labelled by each age)."""
        return np.asarray(1.0 - np.cumprod(1.0 - self.came / self.at_risk))

    @property
    def error(self) -> Floats:
        """Standard error of `labelled`; 0 where nobody is left."""
        hazard = self.came / self.at_risk
        left = np.cumprod(1.0 - hazard)
        odds = np.divide(hazard, (1.0 - hazard) * self.effective, out=np.zeros_like(hazard), where=hazard < 1)
        return np.asarray(left * np.sqrt(np.cumsum(odds)))


def count(hours: NDArray[Any], pending: NDArray[Any], weights: NDArray[Any] | None = None) -> Steps:
    """Sort rows by age and count who was at risk; at equal ages a label comes before a censoring.

    Raises
    ------
    InputError
        If there are no rows, the shapes differ, an age is negative or not finite, or a weight is not positive and finite.
    """
    ages, late = np.asarray(hours, dtype=np.float64), np.asarray(pending)
    weight = np.ones(len(ages)) if weights is None else np.asarray(weights, dtype=np.float64)
    _check(ages, late, weight)
    order = np.argsort(ages)
    ages, weight = ages[order], weight[order]
    starts = np.flatnonzero(np.append(True, ages[1:] != ages[:-1]))
    came = np.add.reduceat(np.where(late[order], 0.0, weight), starts)
    at_risk = _from_here(weight)[starts]
    at_risk = np.where(at_risk <= came * (1 + 1e-12), came, at_risk)  # what is left by rounding is nobody
    squares = at_risk if weights is None else _from_here(weight * weight)[starts]
    return Steps(
        ages=ages[starts], came=came, at_risk=at_risk, effective=np.minimum(at_risk, at_risk * at_risk / squares)
    )


def _from_here(values: Floats) -> Floats:
    return np.cumsum(values[::-1])[::-1]


def _check(ages: Floats, late: NDArray[Any], weight: Floats) -> None:
    if ages.ndim != 1 or not len(ages) or late.shape != ages.shape or weight.shape != ages.shape:
        raise InputError(
            f"hours, pending and weights must have one shape (n,) with n > 0, got {ages.shape}, {late.shape}, {weight.shape}."
        )
    if late.dtype.kind != "b":
        raise InputError(f"pending must be booleans, got {late.dtype}. Pass np.isnan(labels).")
    for name, values, fine, must in (
        ("hours", ages, np.isfinite(ages) & (ages >= 0), "finite and at least 0"),
        ("weights", weight, np.isfinite(weight) & (weight > 0), "finite and above 0"),
    ):
        if not fine.all():
            at = int(np.flatnonzero(~fine)[0])
            raise InputError(
                f"{name} must be {must}; {int((~fine).sum())} of {len(values)} are not, first at row {at}: {values[at]}. "
                "Leave those rows out."
            )
