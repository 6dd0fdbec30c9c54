"""P(labelled by age) for each bucket and class of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from upkeep.core.feedback.delay.curve import DelayCurve
from upkeep.core.feedback.delay.fitting import Key, class_shares, fit_cells
from upkeep.core.feedback.delay.kaplan_meier import Floats
from upkeep.core.profile import stored
from upkeep.errors import InputError

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DelayModel:
    """Delay curves by (bucket, class); None stands for all of them.

    Attributes
    ----------
    curves : mapping of (int or None, int or None) to DelayCurve
        That of all rows is always there.
    """

    curves: Mapping[Key, DelayCurve]

    @classmethod
    def fit(
        cls,
        hours: ArrayLike,
        pending: ArrayLike,
        *,
        buckets: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        chances: ArrayLike | None = None,
    ) -> DelayModel:
        """Curves of all rows, of each class, of each bucket, and of each class within a bucket.

        Parameters
        ----------
        hours : array of float, shape (n,)
            Delay of labelled rows, age of pending ones.
        pending : array of bool, shape (n,)
        buckets : array of int, shape (n,), optional
        classes : array of float, shape (n,), optional
            0, 1, ... by label; NaN = pending.
        chances : array of float, shape (n,) or (n, k), optional
            P(label = 1), or of each class, from the row alone: *not* given that it still waits, which is accounted for here.
            Only those of pending rows are read.

        Notes
        -----
        *Thin cells.* The curve of a bucket leans on that of all rows, and so does that of a class; the curve of a class within
        a bucket leans on that of the class. It does so by adding rows drawn from the curve above, as many as
        the variance of one row is larger than the variance between the cells, between 2 and 10,000: cells that do not
        differ are pooled, cells that do stand on their own. Beyond the oldest row of a cell the hazard is that from above.

        *Class of pending rows.* Without `chances` they are split as the labels that come in the end, within the bucket if it
        has 30 labels; that is right if labels of all classes come in the end equally often, and the ages reach far enough.
        Then their waiting is held against the curves of the classes, see `classes.pending_chances`: when positive labels
        are early, a row that still waits is less likely one.

        Examples
        --------
        Bucket 0 has its labels after one or two hours, bucket 1 later; bucket 2 was never seen.

        >>> hours = np.tile([1.0, 2.0, 3.0, 4.0], 100)
        >>> model = DelayModel.fit(hours, hours > 3, buckets=np.tile([0, 0, 1, 1], 100))
        >>> model.labelled_by([2.5, 2.5, 2.5], buckets=[0, 1, 2]).round(2).tolist()
        [1.0, 0.0, 0.5]
        """
        ages, late = np.asarray(hours, dtype=np.float64), np.asarray(pending)
        everything = DelayCurve.fit(ages, late)
        cells, labels = _buckets(ages, buckets), _classes(ages, classes)
        shares = None if labels is None else class_shares(ages, late, cells, labels, chances)
        return cls(curves=fit_cells(ages, late, cells, shares, everything))

    def labelled_by(
        self, age_h: ArrayLike, *, buckets: ArrayLike | None = None, classes: ArrayLike | None = None
    ) -> Floats:
        """P(labelled by each age), shape (m,), by the finest curve there is for its row.

        Parameters
        ----------
        age_h : array of float, shape (m,)
        buckets : array of int, shape (m,), optional
        classes : array of float, shape (m,), optional
            NaN = unknown: the curve of the bucket. A bucket without rows has the curve of the class, a class that was never
            seen that of all rows.
        """
        age = np.asarray(age_h, dtype=np.float64)
        found = self.curves[None, None].labelled_by(age)
        bucket, label = _buckets(age, buckets), _classes(age, classes)
        for (b, c), curve in sorted(self.curves.items(), key=lambda item: _fineness(item[0])):
            if (b is None or bucket is not None) and (c is None or label is not None) and (b, c) != (None, None):
                rows = np.ones(age.shape, dtype=bool)
                rows &= True if b is None or bucket is None else bucket == b
                rows &= True if c is None or label is None else label == c
                found[rows] = curve.labelled_by(age[rows])
        return found

    def to_json(self) -> dict[str, Any]:
        cells = [{"bucket": b, "class": c, "curve": curve.to_json()} for (b, c), curve in self.curves.items()]
        return {"format": FORMAT, "cells": cells}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> DelayModel:
        """Inverse of `to_json`; InputError for another format, and for a record that cannot be a model."""
        held = stored.fields("a stored delay model", record, ["format", "cells"])
        if held["format"] != FORMAT:
            raise InputError(f"a stored delay model must have format {FORMAT}, got {held['format']!r}. Fit it again.")
        if not isinstance(held["cells"], list):
            raise stored.damaged("a stored delay model must have a list of cells", held["cells"])
        curves: dict[Key, DelayCurve] = {}
        for cell in held["cells"]:
            parts = stored.fields("a cell of a delay model", cell, ["bucket", "class", "curve"])
            key = (parts["bucket"], parts["class"])
            if not all(part is None or (type(part) is int and abs(part) < 2**63) for part in key) or key in curves:
                raise stored.damaged("a cell of a delay model must have a bucket and a class of its own", key)
            curves[key] = DelayCurve.from_json(parts["curve"])
        if (None, None) not in curves:
            raise stored.damaged("a stored delay model must have the curve of all rows", list(curves))
        return cls(curves=curves)


def _fineness(key: Key) -> tuple[bool, bool]:
    """All, bucket, class, class within a bucket: the later one counts."""
    return key[1] is not None, key[0] is not None


def _buckets(ages: Floats, values: ArrayLike | None) -> NDArray[np.int64] | None:
    if values is None:
        return None
    array = np.asarray(values)
    if array.shape != ages.shape or (array.dtype.kind not in "iu" and len(array)):
        raise InputError(f"buckets must be whole numbers of shape {ages.shape}, got {array.dtype} of {array.shape}.")
    return array.astype(np.int64)


def _classes(ages: Floats, values: ArrayLike | None) -> Floats | None:
    if values is None:
        return None
    array = np.asarray(values, dtype=np.float64)
    if array.shape != ages.shape:
        raise InputError(f"classes must have the shape {ages.shape} of the ages, got {array.shape}.")
    return array
