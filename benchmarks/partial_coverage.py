"""How often intervals hold a chunk's accuracy: resampled reference chunks, whose concept cannot have changed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from accuracy_sets import DataSet, Rows
from partial_late import Law, ages
from upkeep.core.feedback.estimate.reference import EstimateReference
from upkeep.core.feedback.partial.beginning import begin
from upkeep.core.feedback.partial.performance import estimate_performance

ROWS, CHUNKS_PER_SPLIT, LABELLED_PER_SPLIT = 1_000, 60, 12
SETTINGS = ("no labels", "40 % of the labels", "no labels, concept shift", "40 % of the labels, concept shift")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Chunks, and of how many the interval holds the accuracy it turned out to be; mean width."""

    held: int = 0
    chunks: int = 0
    width: float = 0.0

    def __add__(self, other: Coverage) -> Coverage:
        return Coverage(held=self.held + other.held, chunks=self.chunks + other.chunks, width=self.width + other.width)


def cover_split(rng: np.random.Generator, data: DataSet) -> dict[str, Coverage]:
    """One half of the reference, by chance, says what is expected; chunks of the other lean to some scores and values."""
    law = Law.drawn(rng, data, 0.4)
    order = rng.permutation(len(data.reference))
    half = len(order) // 2
    learned, rest = data.reference[np.sort(order[:half])], data.reference[np.sort(order[half:])]
    reference = EstimateReference.fit(
        learned.table, learned.scores, learned.labels, kind=data.kind, threshold=data.threshold
    )
    start, delays = begin(reference, learned.table, learned.scores), law.learned(rng, learned)
    found = dict.fromkeys(SETTINGS, Coverage())
    for number in range(CHUNKS_PER_SPLIT):
        chunk = rest[_leaning(rng, rest)]
        for name in SETTINGS if number < LABELLED_PER_SPLIT else SETTINGS[::2]:
            rows = _spoilt(rng, chunk) if "shift" in name else chunk
            truth = right(rows, data.threshold)
            if name.startswith("no labels"):
                seen = np.full(len(rows), np.nan)
                estimate = estimate_performance(reference, rows.table, rows.scores, seen, carried=start)
            else:
                estimate = estimate_performance(
                    reference, rows.table, rows.scores, law.seen(rng, rows),
                    age_h=ages(len(rows)), delays=delays, buckets=law.bucket(rows), carried=start,
                )  # fmt: skip
            got = estimate.metrics["accuracy"]
            found[name] += Coverage(held=int(got.low <= truth <= got.high), chunks=1, width=got.high - got.low)
    return found


def right(rows: Rows, threshold: float) -> float:
    """Accuracy."""
    if rows.scores.ndim > 1:
        return float(np.mean(rows.scores.argmax(axis=1) == rows.labels))
    return float(np.mean((rows.scores >= threshold) == (rows.labels == 1)))


def _leaning(rng: np.random.Generator, rows: Rows) -> NDArray[np.intp]:
    """Rows drawn without replacement by weights that rise or fall with the score: a covariate shift."""
    score = rows.scores if rows.scores.ndim == 1 else rows.scores[:, int(rng.integers(rows.scores.shape[1]))]
    rank = np.argsort(np.argsort(score)) / len(score)
    return np.sort(np.argsort(rng.exponential(size=len(score)) / np.exp(rng.uniform(-1.5, 1.5) * rank))[:ROWS])


def _spoilt(rng: np.random.Generator, rows: Rows) -> Rows:
    """15 % of the labels are those of other rows."""
    labels = rows.labels.copy()
    at = np.flatnonzero(rng.random(len(labels)) < 0.15)
    labels[at] = (labels[at] + 1) % (labels.max() + 1)
    return replace(rows, labels=labels)
