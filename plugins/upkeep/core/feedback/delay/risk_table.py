"""Who was waiting at each age at which a label came, in two windows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from upkeep.core.feedback.delay.kaplan_meier import Floats, Steps, count
from upkeep.errors import InputError

#: With fewer labels on either side nothing is said.
LEAST_LABELS = 30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskTable:
    """Ages of all strata under each other, shape (s,): rows at risk before and now, labels in all and now.

    `weight` is that of an age, `ties` the hypergeometric factor (n - d) / (n - 1).
    """

    at_risk_before: Floats
    at_risk: Floats
    came: Floats
    came_now: Floats
    weight: Floats
    ties: Floats
    labels_before: int
    labels: int

    @classmethod
    def of(
        cls,
        before: tuple[ArrayLike, ArrayLike],
        now: tuple[ArrayLike, ArrayLike],
        strata: tuple[ArrayLike, ArrayLike] | None,
        weights: tuple[float, float],
    ) -> RiskTable:
        """Count both windows, stratum by stratum; one that is not in both tells nothing."""
        if min(weights) < 0:
            raise InputError(f"weights must be two powers of at least 0, got {weights}. The log-rank test is (0, 0).")
        sides = [(np.asarray(hours, np.float64), np.asarray(pending)) for hours, pending in (before, now)]
        whole = [count(*side) for side in sides]
        groups = _strata(sides, strata)
        pairs = [tuple(whole)] if groups is None else _within(sides, groups)
        parts = [_side_by_side(first, second, weights) for first, second in pairs]
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)] or [np.zeros(0)] * 6
        return cls(
            at_risk_before=columns[0],
            at_risk=columns[1],
            came=columns[2],
            came_now=columns[3],
            weight=columns[4],
            ties=columns[5],
            labels_before=int(whole[0].came.sum()),
            labels=int(whole[1].came.sum()),
        )

    def statistic(self, log_ratio: float, *, both: bool = False) -> float:
        """Labels now, minus those expected if they come exp(log_ratio) times as fast as before, in standard errors.

        The variance is the one expected; with `both` the mean of that and of the one observed, see `compare_delays`.
        """
        share = self.at_risk / (self.at_risk + self.at_risk_before * math.exp(-log_ratio))
        squares = self.weight * self.weight * self.ties
        variance = float(squares @ (self.came * share * (1 - share)))
        if both:
            observed = self.came_now * (1 - share) ** 2 + (self.came - self.came_now) * share**2
            variance = (variance + float(squares @ observed)) / 2
        more = float(self.weight @ (self.came_now - self.came * share))
        return more / math.sqrt(variance) if variance > 0 else 0.0


def _side_by_side(before: Steps, now: Steps, weights: tuple[float, float]) -> tuple[Floats, ...]:
    ages = np.union1d(before.ages[before.came > 0], now.ages[now.came > 0])
    waiting = [_look_up(side.ages, side.at_risk, ages, exact=False) for side in (before, now)]
    came = [_look_up(side.ages, side.came, ages, exact=True) for side in (before, now)]
    rows, labels = waiting[0] + waiting[1], came[0] + came[1]
    left = np.append(1.0, np.cumprod(1 - labels / rows))[:-1]
    weight = left ** weights[0] * (1 - left) ** weights[1]
    ties = np.divide(rows - labels, rows - 1, out=np.zeros_like(rows), where=rows > 1)
    return waiting[0], waiting[1], labels, came[1], weight, ties


def _look_up(ages: Floats, values: Floats, wanted: Floats, *, exact: bool) -> Floats:
    """Value at the next age there is; 0 beyond the last, and with `exact` where the age itself is not there."""
    at = np.searchsorted(ages, wanted)
    held = np.minimum(at, len(ages) - 1)
    fine = (at < len(ages)) & ((ages[held] == wanted) | (not exact))
    return np.where(fine, values[held], 0.0)


def _strata(
    sides: list[tuple[Floats, NDArray[np.bool_]]], strata: tuple[ArrayLike, ArrayLike] | None
) -> list[NDArray[np.int64]] | None:
    if strata is None:
        return None
    groups = [np.asarray(group) for group in strata]
    for group, (hours, _) in zip(groups, sides, strict=True):
        if group.shape != hours.shape or group.dtype.kind not in "iu":
            raise InputError(
                f"strata must be whole numbers of shape {hours.shape}, got {group.dtype} of {group.shape}."
            )
    return groups


def _within(sides: list[tuple[Floats, NDArray[np.bool_]]], groups: list[NDArray[np.int64]]) -> list[tuple[Steps, ...]]:
    common = np.intersect1d(groups[0], groups[1])
    return [
        tuple(count(hours[g == name], late[g == name]) for (hours, late), g in zip(sides, groups, strict=True))
        for name in common.tolist()
    ]
