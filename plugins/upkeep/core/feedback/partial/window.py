"""A window as it is looked at: rows, labels that are in, and how likely the others are still to be out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from upkeep.core.feedback.delay.model import DelayModel
from upkeep.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """Checked input.

    Attributes
    ----------
    labels : ndarray of float, shape (m,)
        NaN while pending.
    bucket : ndarray of int, shape (m,)
    age_h : ndarray of float, shape (m,), or None
    delays : DelayModel or None
        Not used without `age_h`.
    """

    labels: NDArray[np.float64]
    bucket: NDArray[np.int64]
    age_h: NDArray[np.float64] | None
    delays: DelayModel | None

    @classmethod
    def of(
        cls,
        rows: int,
        labels: ArrayLike,
        age_h: ArrayLike | None,
        delays: DelayModel | None,
        buckets: ArrayLike | None,
    ) -> Window:
        """InputError unless all have one value per row, and ages are known if there is a delay model."""
        if not rows:
            raise InputError("a window must have rows, got none. Leave it out.")
        if delays is not None and age_h is None:
            raise InputError("a delay model says nothing without the age of each row. Pass age_h, or leave out delays.")
        bucket = np.zeros(rows, dtype=np.int64) if buckets is None else np.asarray(buckets)
        if bucket.dtype.kind not in "iu":
            raise InputError(f"buckets must be whole numbers, one per row, got {bucket.dtype}. Number them.")
        window = cls(
            labels=np.asarray(labels, dtype=np.float64),
            bucket=bucket.astype(np.int64),
            age_h=None if age_h is None else np.asarray(age_h, dtype=np.float64),
            delays=delays,
        )
        for name in ("labels", "bucket", "age_h"):
            values = getattr(window, name)
            if values is not None and values.shape != (rows,):
                raise InputError(f"{name} must have one value for each of {rows} rows, got shape {values.shape}.")
        if window.age_h is not None and not (window.age_h >= 0).all():
            raise InputError("age_h must be hours since the prediction, 0 or more, without gaps. Leave out later rows.")
        return window

    @property
    def known(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.labels)

    def labelled_by_now(self, classes: int) -> NDArray[np.float64]:
        """P(label is in | bucket, age, class), shape (m, k); all zero without a delay model."""
        if self.delays is None or self.age_h is None:
            return np.zeros((len(self.labels), classes))
        each = [
            self.delays.labelled_by(self.age_h, buckets=self.bucket, classes=np.full(len(self.labels), float(k)))
            for k in range(classes)
        ]
        return np.column_stack(each)

    def check_classes(self, classes: int) -> None:
        """InputError unless every label that is in is the number of a class."""
        known = self.labels[self.known]
        bad = (known < 0) | (known >= classes) | (known != np.rint(known))
        if bad.any():
            raise InputError(
                f"a label must be a class from 0 to {classes - 1}, or NaN while pending; {int(bad.sum())} of {len(known)} "
                f"are not, first {known[bad][0]}. Number the classes."
            )

    def delay_errors(self, classes: int) -> Iterator[tuple[NDArray[np.intp], int, float]]:
        """Rows whose label is in, a class, and the variance of the log of P(in | class) there, by bucket and class."""
        if self.delays is None or self.age_h is None:
            return
        for bucket in np.unique(self.bucket[self.known]):
            rows = np.flatnonzero(self.known & (self.bucket == bucket))
            for k in range(classes):
                keys: list[tuple[int | None, int | None]] = [
                    (int(bucket), k),
                    (None, k),
                    (int(bucket), None),
                    (None, None),
                ]
                curve = next(self.delays.curves[key] for key in keys if key in self.delays.curves)
                share = np.maximum(curve.labelled_by(self.age_h[rows]), 1e-6)
                yield rows, k, float(np.mean(np.minimum(curve.standard_error(self.age_h[rows]) / share, 1.0) ** 2))
