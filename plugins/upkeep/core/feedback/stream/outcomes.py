"""What a matched pair adds to the aggregates: a cell to count it in, and losses as whole units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns
from upkeep.core.feedback.metrics.binary import binary_log_loss
from upkeep.errors import InputError

KINDS = ("binary", "multiclass", "regression")
#: A log-loss or Brier score is a whole number of these, so that sums do not depend on the order of addition.
LOSS_UNIT = 2.0**-24
#: An error of a regressor of more units counts as this many: 500 million squares fit into 64 bits.
FAR = 2**17


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """How outcomes of one kind are counted.

    Attributes
    ----------
    kind : str
        binary, multiclass or regression.
    classes : int
        Classes of a multiclass model, which are called 0, 1, ...
    bins : int
        Equal bins of the score, for the ROC AUC of a binary model.
    unit : float
        What errors of a regressor are rounded to, in units of its label: a cent, a second.
    """

    kind: str = "binary"
    classes: int = 2
    bins: int = 64
    unit: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"kind must be {', '.join(KINDS[:-1])} or {KINDS[-1]}, got {self.kind!r}.")
        if self.classes < 2 or self.bins < 2:
            raise InputError(f"classes and bins must be at least 2, got {self.classes} and {self.bins}.")
        if not 0 < self.unit < float("inf"):
            raise InputError(f"unit must be positive and finite, got {self.unit}.")

    @property
    def columns(self) -> dict[str, Any]:
        """Columns of a prediction that are needed until its label comes."""
        scores = {"score": np.float64} if self.kind == "binary" else {}
        return {**scores, "prediction": np.float64}

    @property
    def cells(self) -> int:
        """Binary: label, prediction and bin of the score; multiclass: label and prediction; regression: one."""
        return {"binary": 4 * self.bins, "multiclass": self.classes**2, "regression": 1}[self.kind]

    @property
    def losses(self) -> tuple[str, ...]:
        """Names of the sums, in their order."""
        return {"binary": ("log_loss", "brier"), "multiclass": (), "regression": ("bias", "absolute", "squared")}[
            self.kind
        ]

    @property
    def units(self) -> NDArray[np.float64]:
        """What one unit of each sum is worth."""
        if self.kind == "regression":
            return np.array([self.unit, self.unit, self.unit**2])
        return np.full(len(self.losses), LOSS_UNIT)

    def cell(self, rows: Columns) -> NDArray[np.int64]:
        """Number of the cell per pair, shape (n,)."""
        if self.kind == "regression":
            return np.zeros(len(rows["label"]), dtype=np.int64)
        label, prediction = rows["label"].astype(np.int64), rows["prediction"].astype(np.int64)
        if self.kind == "multiclass":
            return label * self.classes + prediction
        place = np.minimum((rows["score"] * self.bins).astype(np.int64), self.bins - 1)
        return (label * 2 + prediction) * self.bins + place

    def whole(self, rows: Columns) -> list[NDArray[np.int64]]:
        """Losses per pair in whole units, each shape (n,)."""
        if self.kind == "regression":
            far = np.clip((rows["prediction"] - rows["label"]) / self.unit, -FAR, FAR)
            error = np.rint(far).astype(np.int64)
            return [error, np.abs(error), error**2]
        if self.kind == "multiclass":
            return []
        losses = (binary_log_loss(rows["label"], rows["score"]), (rows["score"] - rows["label"]) ** 2)
        return [np.rint(loss / LOSS_UNIT).astype(np.int64) for loss in losses]

    def check(self, what: str, values: NDArray[Any]) -> NDArray[np.float64]:
        """Scores, predictions or labels as floats; InputError if one cannot be what it is called."""
        number = values.astype(np.float64)
        if what == "score":
            wanted, bad = "in [0, 1]", ~((number >= 0) & (number <= 1))
        elif self.kind == "regression":
            wanted, bad = "finite", ~np.isfinite(number)
        else:
            classes = 2 if self.kind == "binary" else self.classes
            wanted = f"a class from 0 to {classes - 1}"
            bad = ~((number >= 0) & (number < classes) & (number == np.floor(number)))
        if bad.any():
            at = int(np.flatnonzero(bad)[0])
            raise InputError(f"{what} must be {wanted}; {int(bad.sum())} of {len(bad)} are not, first {values[at]}.")
        return number
