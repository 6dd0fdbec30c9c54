"""Why accuracy changed: other rows, or other answers to the same rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from upkeep.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Decomposition:
    """Parts of a change of accuracy; `covariate` + `concept` + `outside` = `change`."""

    change: float
    covariate: float
    concept: float
    outside: float


def kitagawa(
    *,
    reference_rows: ArrayLike,
    reference_correct: ArrayLike,
    live_rows: ArrayLike,
    live_correct: ArrayLike,
) -> Decomposition:
    """Split the change of accuracy from reference to live.

    Parameters
    ----------
    reference_rows, reference_correct, live_rows, live_correct : array_like of float, each shape (buckets,)
        Rows per bucket and how many of them were predicted rightly (an expected number will do).

    Returns
    -------
    Decomposition
        `covariate`: the sum of (w_live - w_ref) acc_ref, the rows fall into other buckets; `concept`: the sum of
        w_live (acc_live - acc_ref), the same bucket is answered otherwise; `outside`: live rows in buckets that the
        reference did not have, for which no such question can be asked.

    References
    ----------
    Kitagawa (1955). Components of a difference between two rates. JASA 50.

    Examples
    --------
    >>> kitagawa(reference_rows=[50, 50], reference_correct=[40, 30], live_rows=[25, 75], live_correct=[20, 30])
    Decomposition(change=-0.2, covariate=-0.05, concept=-0.15, outside=0.0)
    """
    n, c, m, d = (
        np.asarray(part, dtype=float) for part in (reference_rows, reference_correct, live_rows, live_correct)
    )
    if not (n.shape == c.shape == m.shape == d.shape and n.ndim == 1 and n.sum() > 0 and m.sum() > 0):
        raise InputError("counts must be four lists of one length with rows on both sides, one entry per bucket.")
    if ((c < 0) | (c > n) | (d < 0) | (d > m)).any():
        raise InputError("in each bucket the rows predicted rightly must lie between 0 and the bucket's rows.")
    common = n > 0
    accuracy = np.divide(c, n, out=np.zeros(len(n)), where=common)
    w, v = n / n.sum(), m / m.sum()
    right = d / m.sum()
    return Decomposition(
        change=float(right.sum() - (w * accuracy).sum()),
        covariate=float(((v - w) * accuracy)[common].sum()),
        concept=float((right - v * accuracy)[common].sum()),
        outside=float(right[~common].sum()),
    )
