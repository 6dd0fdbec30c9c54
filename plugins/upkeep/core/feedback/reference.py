"""What a model was accepted on: all that later windows are held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, row_count
from upkeep.core.drift.baseline import LENGTHS_H, measure
from upkeep.core.feedback.checks import check_labels, check_scores
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError

FORMAT = 2
WEEK_H = 168


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelReference:
    """Profile and natural variation of the features, and accuracy by score bucket of the held-out rows.

    `edges` are the lower ends of all buckets but the first, shape (buckets - 1,); `bucket_rows` and
    `bucket_correct` have shape (buckets,). The profile holds the table's columns and the model's own `score`.
    `tolerances` are natural variation of the table's columns without a floor, by the hours that a window has; a user of
    it adds one, which is all that the score has.
    """

    profile: Profile
    tolerances: Mapping[int, Mapping[str, float]]
    windows: int
    threshold: float
    edges: NDArray[np.float64]
    bucket_rows: NDArray[np.int64]
    bucket_correct: NDArray[np.int64]

    @classmethod
    def fit(
        cls,
        *,
        table: Columns,
        when: NDArray[np.datetime64],
        scores: NDArray[np.float64],
        labels: NDArray[Any],
        profile_scores: NDArray[np.float64] | None = None,
        buckets: int = 10,
        threshold: float = 0.5,
    ) -> ModelReference:
        """Measure all rows of the time before, and the accuracy on those that the model was not fitted on.

        Parameters
        ----------
        table : mapping of str to ndarray, each shape (N,)
            Features of all rows, labelled or not. Live windows hold pending rows too: were those left out, a group whose
            labels are late would seem to have grown.
        when : ndarray of datetime64, shape (N,)
            Time of each of them: windows of several lengths give the natural variation of each column.
        scores : ndarray of float, shape (n,)
            P(label = 1) of the labelled rows held out from the fit.
        labels : ndarray, shape (n,)
            0 or 1.
        profile_scores : ndarray of float, shape (m,), optional
            P(label = 1) of all rows of the held-out time, labelled or not; `scores` if left out.
        buckets : int
            Buckets of equal mass on the score; ties may make them fewer, but none is ever empty.
        threshold : float
            A row is predicted 1 if its score is at least this.

        Examples
        --------
        >>> score = np.linspace(0, 1, 1000)
        >>> label = (np.arange(1000) % 10 < 10 * score).astype(int)
        >>> day = np.datetime64("2024-01-01") + np.arange(1000) // 36
        >>> reference = ModelReference.fit(table={"x": score}, scores=score, labels=label, when=day)
        >>> len(reference.bucket_rows), reference.rows, round(reference.accuracy, 2)
        (10, 1000, 0.75)
        """
        rows = row_count({"score": scores, "label": labels})
        if not rows or not row_count(table | {"when": when}) or buckets < 1:
            raise InputError(f"a reference must have rows and at least 1 bucket, got {rows} rows, {buckets} buckets.")
        check_scores(scores)
        if np.isnan(check_labels(labels)).any():
            raise InputError("every label of a reference must be known, but some are missing. Leave those rows out.")
        measured = {hours: measure(table, when, hours / 24) for hours in LENGTHS_H}
        features, _, windows = measured[WEEK_H]
        score = {"score": scores if profile_scores is None else check_scores(profile_scores)}
        edges = _edges(scores, buckets)
        at = np.searchsorted(edges, scores, side="right")
        correct = (scores >= threshold) == (labels == 1)
        return cls(
            profile=features.beside(Profile.build(ReferenceGrid.fit(score), score)),
            tolerances={hours: natural for hours, (_, natural, _) in measured.items() if natural},
            windows=windows,
            threshold=threshold,
            edges=edges,
            bucket_rows=np.bincount(at, minlength=len(edges) + 1),
            bucket_correct=np.bincount(at[correct], minlength=len(edges) + 1),
        )

    def natural(self, hours: float) -> Mapping[str, float]:
        """Natural variation of windows of this length, by column and distance.

        It is that of the longest windows it was learned from that are no longer, as shorter ones vary more; for a window
        shorter than all of them, that of the shortest.
        """
        lengths: dict[str, list[int]] = {}
        for length in sorted(self.tolerances):
            for key in self.tolerances[length]:
                lengths.setdefault(key, []).append(length)
        best = {key: max((h for h in known if h <= hours), default=known[0]) for key, known in lengths.items()}
        return {key: self.tolerances[length][key] for key, length in best.items()}

    @property
    def rows(self) -> int:
        return int(self.bucket_rows.sum())

    @property
    def correct(self) -> int:
        return int(self.bucket_correct.sum())

    @property
    def accuracy(self) -> float:
        return self.correct / self.rows

    def bucket_of(self, scores: NDArray[np.float64]) -> NDArray[np.int64]:
        """Bucket number per row, shape (m,)."""
        return np.searchsorted(self.edges, scores, side="right").astype(np.int64)

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "grid": self.profile.grid.to_json(),
            "profile": self.profile.to_json(),
            "tolerances": {str(hours): dict(natural) for hours, natural in self.tolerances.items()},
            "windows": self.windows,
            "threshold": self.threshold,
            "edges": self.edges.tolist(),
            "bucket_rows": self.bucket_rows.tolist(),
            "bucket_correct": self.bucket_correct.tolist(),
            "accuracy": self.accuracy,
            "rows": self.rows,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> ModelReference:
        """Inverse of `to_json`, of this format and the one before, which knew weeks only; InputError for another."""
        if record.get("format") not in (1, FORMAT):
            raise InputError(
                f"a stored reference must have format 1 or {FORMAT}, got {record.get('format')!r}. Train again."
            )
        learned = {str(WEEK_H): record["tolerances"]} if record["format"] == 1 else record["tolerances"]
        return cls(
            profile=Profile.from_json(record["profile"], ReferenceGrid.from_json(record["grid"])),
            tolerances={int(hours): natural for hours, natural in learned.items()},
            windows=record["windows"],
            threshold=record["threshold"],
            edges=np.asarray(record["edges"], dtype=np.float64),
            bucket_rows=np.asarray(record["bucket_rows"], dtype=np.int64),
            bucket_correct=np.asarray(record["bucket_correct"], dtype=np.int64),
        )


def _edges(scores: NDArray[np.float64], buckets: int) -> NDArray[np.float64]:
    ordered = np.sort(scores)
    edges = np.unique(ordered[np.arange(1, buckets) * len(ordered) // buckets])
    return np.asarray(edges[edges > ordered[0]])  # so that no bucket is empty
