"""How far the live chances have moved from the reference's, and what is carried from window to window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.partial.laplace import Prior
from upkeep.core.profile.stored import damaged, fields, is_whole
from upkeep.errors import InputError

FORMAT = 1

#: How far the shift may move from one window to the next, in log odds (standard deviation): hardly, ..., to anywhere.
MOVES = (0.02, 0.08, 0.25, 0.7, 2.0)
#: What is believed of them before any window: as if each had been seen so often. Windows of the life are added.
MOVES_BEFORE = (1.5, 0.6, 0.4, 0.3, 0.2)
#: How much a cell differs from what the shift says of it, within one window, and how likely that is.
CELL_SPREADS = (0.05, 0.4)
CELL_SPREADS_BEFORE = (0.7, 0.3)
#: Beyond that squares overflow; and how much of the largest variance the least one may be short of none by rounding.
_LARGEST, _ROUNDING = 1e100, 1e-9
#: A law that is worse conditioned cannot be inverted.
_MOST_CONDITION = 1e15
#: A bucket moves by itself this much as far as all do together.
_BUCKET = 0.5
#: With more classes than this only the first feature acts in each bucket by itself.
_MOST_SLOPES = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shift:
    """A normal law of how far the live chances have moved, in log odds.

    Parameters
    ----------
    features, own : int
        Features of a row, the first of which is 1; the first so many act in each bucket by themselves as well.
    buckets : tuple of int
    mean : ndarray of float, shape (features + own buckets, coordinates)
        Effects of the features, and of those of each bucket. Of k classes there are 2 k - 1 features and k - 1 coordinates,
        see `contrasts`.
    covariance : ndarray of float, shape (d, d), d = (features + own buckets) coordinates
    moves : ndarray of float, shape (moves,)
        How often the life has moved by each of `MOVES` from one window to the next.
    windows : int
        Windows with labels so far.
    """

    features: int
    own: int
    buckets: tuple[int, ...] = ()
    mean: NDArray[np.float64]
    covariance: NDArray[np.float64] = field(repr=False)
    moves: NDArray[np.float64]
    windows: int = 0

    @classmethod
    def none(cls, features: int = 1, coordinates: int = 1, own: int = 1) -> Shift:
        """Before the first window."""
        size = features * coordinates
        return cls(
            features=features,
            own=own,
            mean=np.zeros((features, coordinates)),
            covariance=np.zeros((size, size)),
            moves=np.array(MOVES_BEFORE),
        )

    @property
    def coordinates(self) -> int:
        return int(self.mean.shape[1])

    @classmethod
    def of_classes(cls, classes: int) -> Shift:
        """Before the first window, for the features that `leanings` gives."""
        return cls.none(2 * classes - 1, classes - 1, classes if classes <= _MOST_SLOPES else 1)

    def over(self, buckets: tuple[int, ...]) -> Shift:
        """The same with buckets that it did not know, which have not moved by themselves."""
        new = self.own * (len(buckets) - len(self.buckets))
        old, extra = len(self.covariance), new * self.coordinates
        covariance = np.zeros((old + extra, old + extra))
        covariance[:old, :old] = self.covariance
        mean = np.vstack([self.mean, np.zeros((new, self.coordinates))])
        return replace(self, buckets=buckets, mean=mean, covariance=covariance)

    @property
    def move_chances(self) -> NDArray[np.float64]:
        return np.asarray(self.moves / self.moves.sum())

    def after_move(self, move: float) -> NDArray[np.float64]:
        """Covariance once the shift has moved by this much, shape (d, d)."""
        alone = np.concatenate([np.ones(self.features), np.full(self.own * len(self.buckets), _BUCKET)])
        return np.asarray(self.covariance + np.diag(np.repeat((move * alone) ** 2, self.coordinates)))

    def prior(self, move: float, cell_spread: float, cells: int) -> Prior:
        """Law of all effects of the next window; those of its cells are new."""
        own, inner = len(self.covariance), cells * self.coordinates
        precision = np.zeros((own + inner, own + inner))
        precision[:own, :own] = np.linalg.inv(self.after_move(move))
        precision[own:, own:] = np.eye(inner) / cell_spread**2
        return Prior(
            mean=np.concatenate([self.mean.ravel(), np.zeros(inner)]),
            precision=precision,
            log_determinant=float(np.linalg.slogdet(precision)[1]),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "features": self.features,
            "own": self.own,
            "buckets": list(self.buckets),
            "mean": self.mean.tolist(),
            "covariance": self.covariance.tolist(),
            "moves": self.moves.tolist(),
            "windows": self.windows,
        }

    @classmethod
    def from_json(cls, record: object) -> Shift:
        """Inverse of `to_json`; InputError for a record that cannot be one."""
        held = fields(
            "a stored shift", record, ["features", "own", "buckets", "mean", "covariance", "moves", "windows"]
        )
        try:
            mean, covariance, moves = (
                np.asarray(held[name], dtype=np.float64) for name in ("mean", "covariance", "moves")
            )
        except (TypeError, ValueError, OverflowError) as err:
            raise damaged("a stored shift must hold lists of numbers", str(err)) from err
        buckets, features, own, windows = (held[name] for name in ("buckets", "features", "own", "windows"))
        if not all(is_whole(number) for number in (features, own, windows)):
            raise damaged("features, own and windows of a stored shift must be whole numbers", [features, own, windows])
        if not 1 <= own <= features:
            raise damaged("own of a stored shift must lie between 1 and its features", [own, features])
        if not isinstance(buckets, list) or not all(type(b) is int and abs(b) < 2**63 for b in buckets):
            raise damaged("the buckets of a stored shift must be whole numbers", buckets)
        if len(set(buckets)) < len(buckets):
            raise damaged("a stored shift must have each bucket once", buckets)
        finite = all((np.abs(values) <= _LARGEST).all() for values in (mean, covariance, moves))
        sized = mean.ndim == 2 and mean.size > 0 and len(mean) == features + own * len(buckets)
        fits = sized and covariance.shape == (mean.size, mean.size) and moves.shape == (len(MOVES),)
        if not finite or not fits or not (moves > 0).all():
            raise damaged("a stored shift must have a finite mean and a covariance of its size", dict(held))
        shift = cls(
            features=features,
            own=own,
            buckets=tuple(buckets),
            mean=mean,
            covariance=covariance,
            moves=moves,
            windows=windows,
        )
        if not _is_covariance(covariance) or np.linalg.cond(shift.after_move(MOVES[0])) > _MOST_CONDITION:
            raise damaged("a stored shift must have a symmetric positive semi-definite covariance", covariance.tolist())
        return shift


def _is_covariance(matrix: NDArray[np.float64]) -> bool:
    """Symmetric and positive semi-definite, up to rounding."""
    rounding = _ROUNDING * float(np.abs(matrix).max())
    symmetric = bool((np.abs(matrix - matrix.T) <= rounding).all())
    return symmetric and float(np.linalg.eigvalsh(matrix)[0]) >= -rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What the windows of a life have said so far, by what it is about: `label`, or the moments of a residual."""

    shifts: Mapping[str, Shift]

    def to_json(self) -> dict[str, Any]:
        return {"format": FORMAT, "shifts": {name: shift.to_json() for name, shift in self.shifts.items()}}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Carried:
        """Inverse of `to_json`; InputError for another format and for what cannot have been stored."""
        held = fields("what earlier windows say", record, ["format", "shifts"])
        if held["format"] != FORMAT:
            raise InputError(f"what earlier windows say must have format {FORMAT}, got {held['format']!r}. Begin anew.")
        if not isinstance(held["shifts"], Mapping):
            raise damaged("what earlier windows say must be a mapping of shifts", held["shifts"])
        return cls(shifts={str(name): Shift.from_json(shift) for name, shift in held["shifts"].items()})
