"""Why accuracy changed: other rows, or other answers to the same rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from upkeep.errors import InputError

Floats: TypeAlias = NDArray[np.float64]
PartName: TypeAlias = Literal["covariate", "concept"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketPart:
    """What one bucket adds to the parts: shares of the rows, accuracies (None without rows), and its summands.

    The covariate summand is (share - share_before) x (accuracy_before - accuracy of the whole reference): it says what
    rows that came here instead of elsewhere did, and the summands of all buckets add up to the part.
    """

    bucket: int
    name: str
    share_before: float
    share: float
    accuracy_before: float | None
    accuracy: float | None
    covariate: float
    concept: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decomposition:
    """Parts of a change of accuracy; `covariate` + `concept` + `outside` = `change`.

    `covariate_error` and `concept_error` are standard errors, None where counts were not kept. `blind` is the share
    of live rows in buckets without any label, whose concept part is taken to be nothing.
    """

    change: float
    covariate: float
    concept: float
    outside: float
    covariate_error: float | None = None
    concept_error: float | None = None
    blind: float = 0.0
    buckets: tuple[BucketPart, ...] = ()

    def interval(self, part: PartName, alpha: float = 0.05) -> tuple[float, float]:
        """Interval of a part that misses with chance `alpha`, for this window; the point itself without an error."""
        value, error = getattr(self, part), getattr(self, f"{part}_error")
        reach = float(-ndtri(alpha / 2)) * (error or 0.0)
        return value - reach, value + reach

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Decomposition:
        """From a stored report, of any age: the first ones knew nothing but the four sums."""
        known = {name: record[name] for name in cls.__slots__ if name in record and name != "buckets"}
        return cls(**known, buckets=tuple(BucketPart(**bucket) for bucket in record.get("buckets", ())))


def kitagawa(
    *,
    reference_rows: ArrayLike,
    reference_correct: ArrayLike,
    live_rows: ArrayLike,
    live_correct: ArrayLike,
    live_known: ArrayLike | None = None,
    names: Sequence[str] | None = None,
) -> Decomposition:
    """Split the change of accuracy from reference to live.

    Parameters
    ----------
    reference_rows, reference_correct, live_rows, live_correct : array_like of float, each shape (buckets,)
        Rows per bucket and how many of them were predicted rightly (an expected number will do).
    live_known : array_like of float, shape (buckets,), optional
        Live rows whose label is known, on which `live_correct` rests; all, if left out.
    names : sequence of str, optional
        What the buckets are called.

    Returns
    -------
    Decomposition
        `covariate`: the sum of (w_live - w_ref) acc_ref, the rows fall into other buckets; `concept`: the sum of
        w_live (acc_live - acc_ref), the same bucket is answered otherwise; `outside`: live rows in buckets that the
        reference did not have, for which no such question can be asked.

    Notes
    -----
    Standard errors by the delta method: both sides are multinomial over buckets, and binomial within a bucket
    (independent rows; within a bucket, whether a label is in does not depend on it). With a = acc_ref, d = acc_live -
    a, shares w of n reference and v of m live rows: the covariate part has the variance
    V(v; a)/m + V(w; a)/n + sum (v - w)^2 a(1 - a)/n_b, the concept part
    V(v; d)/m + sum v^2 [acc_live (1 - acc_live)/known_b + a(1 - a)/n_b], where V(p; x) = sum p x^2 - (sum p x)^2.
    Bernoulli variances are taken at (correct + 1)/(rows + 2), which is never 0 [2]_.

    References
    ----------
    .. [1] Kitagawa (1955). Components of a difference between two rates. JASA 50.
    .. [2] Agresti & Caffo (2000). Simple and effective confidence intervals for proportions. Am. Stat. 54.

    Examples
    --------
    >>> split = kitagawa(reference_rows=[50, 50], reference_correct=[40, 30], live_rows=[25, 75], live_correct=[20, 30])
    >>> split.change, split.covariate, split.concept, split.outside
    (-0.2, -0.05, -0.15, 0.0)
    >>> [round(end, 3) for end in split.interval("concept")]
    [-0.29, -0.01]
    """
    n, c, m, d = (
        np.asarray(part, dtype=float) for part in (reference_rows, reference_correct, live_rows, live_correct)
    )
    if not (n.shape == c.shape == m.shape == d.shape and n.ndim == 1 and n.sum() > 0 and m.sum() > 0):
        raise InputError("counts must be four lists of one length with rows on both sides, one entry per bucket.")
    if ((c < 0) | (c > n) | (d < 0) | (d > m)).any():
        raise InputError("in each bucket the rows predicted rightly must lie between 0 and the bucket's rows.")
    known = m if live_known is None else np.asarray(live_known, dtype=float)
    if known.shape != m.shape or ((known < 0) | (known > m)).any():
        raise InputError("live_known must have one entry per bucket, between 0 and the bucket's live rows.")
    if names is not None and len(names) != len(n):
        raise InputError(f"each bucket must have one name, got {len(names)} names for {len(n)} buckets.")
    counts = _Counts(n=n, c=c, m=m, d=d, known=known)
    return Decomposition(
        change=float(counts.right.sum() - (counts.w * counts.before).sum()),
        covariate=float(((counts.v - counts.w) * counts.before)[counts.common].sum()),
        concept=float(counts.moved.sum()),
        outside=float(counts.right[~counts.common].sum()),
        covariate_error=_covariate_error(counts),
        concept_error=_concept_error(counts),
        blind=float(counts.v[counts.common & (known == 0)].sum()),
        buckets=_by_bucket(counts, names or [f"bucket {i + 1}" for i in range(len(n))]),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Counts:
    """Reference rows n and correct c, live rows m, correct d and known, each shape (buckets,), and what follows."""

    n: Floats
    c: Floats
    m: Floats
    d: Floats
    known: Floats

    @property
    def common(self) -> NDArray[np.bool_]:
        return np.asarray(self.n > 0)

    @property
    def w(self) -> Floats:
        return np.asarray(self.n / self.n.sum())

    @property
    def v(self) -> Floats:
        return np.asarray(self.m / self.m.sum())

    @property
    def before(self) -> Floats:
        return np.divide(self.c, self.n, out=np.zeros(len(self.n)), where=self.common)

    @property
    def right(self) -> Floats:
        return np.asarray(self.d / self.m.sum())

    @property
    def moved(self) -> Floats:
        """Summands of the concept part."""
        return np.where(self.common, self.right - self.v * self.before, 0.0)


def _covariate_error(counts: _Counts) -> float:
    n, m = counts.n.sum(), counts.m.sum()
    inside = _bernoulli(counts.c, counts.n) / np.maximum(counts.n, 1)
    spread = _variance(counts.v, counts.before) / m + _variance(counts.w, counts.before) / n
    return math.sqrt(spread + float((((counts.v - counts.w) ** 2 * inside)[counts.common]).sum()))


def _concept_error(counts: _Counts) -> float:
    seen = counts.common & (counts.known > 0)
    share = np.divide(counts.d, counts.m, out=np.zeros(len(counts.m)), where=counts.m > 0)
    here = _bernoulli(share * counts.known, counts.known) / np.maximum(counts.known, 1)
    there = _bernoulli(counts.c, counts.n) / np.maximum(counts.n, 1)
    gap = np.where(seen, share - counts.before, 0.0)
    spread = _variance(counts.v, gap) / counts.m.sum()
    return math.sqrt(spread + float(((counts.v**2 * (here + there))[seen]).sum()))


def _bernoulli(correct: Floats, rows: Floats) -> Floats:
    share = (correct + 1) / (rows + 2)
    return np.asarray(share * (1 - share))


def _variance(shares: Floats, values: Floats) -> float:
    return max(0.0, float((shares * values**2).sum() - (shares * values).sum() ** 2))


def _by_bucket(counts: _Counts, names: Sequence[str]) -> tuple[BucketPart, ...]:
    w, v, before, moved = counts.w, counts.v, counts.before, counts.moved
    whole = float((w * before).sum())
    rows = np.where(counts.common, (v - w) * (before - whole), -v * whole)
    return tuple(
        BucketPart(
            bucket=i,
            name=names[i],
            share_before=float(w[i]),
            share=float(v[i]),
            accuracy_before=float(before[i]) if counts.n[i] else None,
            accuracy=float(counts.d[i] / counts.m[i]) if counts.m[i] else None,
            covariate=float(rows[i]),
            concept=float(moved[i]),
        )
        for i in range(len(w))
    )
