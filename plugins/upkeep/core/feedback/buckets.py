"""Score buckets of a window beside those of the reference, and what their pending rows are expected to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.reference import ModelReference


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BucketCounts:
    """Per bucket, shape (buckets,): live rows, those with a label, correct ones of these; reference rows and correct."""

    live: NDArray[np.int64]
    known: NDArray[np.int64]
    correct: NDArray[np.int64]
    ref: NDArray[np.int64]
    ref_correct: NDArray[np.int64]

    @classmethod
    def of(cls, reference: ModelReference, scores: NDArray[np.float64], labels: NDArray[np.float64]) -> BucketCounts:
        """Count a window; a label is NaN while pending."""
        at, buckets = reference.bucket_of(scores), len(reference.bucket_rows)
        known = ~np.isnan(labels)
        correct = known & ((scores >= reference.threshold) == (labels == 1))
        return cls(
            live=np.bincount(at, minlength=buckets),
            known=np.bincount(at[known], minlength=buckets),
            correct=np.bincount(at[correct], minlength=buckets),
            ref=reference.bucket_rows,
            ref_correct=reference.bucket_correct,
        )

    @property
    def complete(self) -> bool:
        """Whether every label is in."""
        return bool((self.known == self.live).all())

    @property
    def ref_accuracy(self) -> NDArray[np.float64]:
        return np.asarray(self.ref_correct / self.ref)


def expected_accuracy(counts: BucketCounts) -> NDArray[np.float64]:
    """Expected accuracy over all live rows of a bucket, labelled or pending; NaN without rows, shape (buckets,)."""
    prior = _prior_rows(counts)
    shrunk = (counts.correct + prior * counts.ref_accuracy) / (counts.known + prior)
    right = counts.correct + (counts.live - counts.known) * shrunk
    return np.asarray(np.divide(right, counts.live, out=np.full(len(right), np.nan), where=counts.live > 0))


def _prior_rows(counts: BucketCounts) -> NDArray[np.float64]:
    """How many labelled rows the reference is worth in each bucket."""
    share = (counts.ref_correct + counts.correct + 0.5) / (counts.ref + counts.known + 1)
    variance = share * (1 - share)
    seen = counts.known > 0
    between = 0.0
    if seen.any():
        known, ref = counts.known[seen], counts.ref[seen]
        moved = counts.correct[seen] / known - counts.ref_accuracy[seen]
        weight = 1 / (variance[seen] * (1 / known + 1 / ref))
        between = max(0.0, float((weight * moved**2).sum() - seen.sum()) / float(weight.sum()))
    return np.asarray(variance / (variance / counts.ref + between))
