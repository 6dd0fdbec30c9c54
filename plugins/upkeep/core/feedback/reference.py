"""What a model was accepted on: all that later windows are held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, concatenate, row_count, select
from upkeep.core.drift.tolerance import tolerances
from upkeep.core.feedback.checks import check_labels, check_scores
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelReference:
    """Profile and natural variation of the features, and accuracy by score bucket of the held-out rows.

    `edges` are the lower ends of all buckets but the first, shape (buckets - 1,); `bucket_rows` and
    `bucket_correct` have shape (buckets,). The profile holds the table's columns and the model's own `score`.
    `tolerances` are natural variation without a floor; a user of it adds one.
    """

    profile: Profile
    tolerances: Mapping[str, float]
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
        scores: NDArray[np.float64],
        labels: NDArray[Any],
        when: NDArray[np.datetime64],
        learned: Columns | None = None,
        learned_when: NDArray[np.datetime64] | None = None,
        buckets: int = 10,
        threshold: float = 0.5,
        window_days: int = 7,
    ) -> ModelReference:
        """Measure the rows that a model was accepted on; its accuracy only on rows that it was not fitted on.

        Parameters
        ----------
        table : mapping of str to ndarray, each shape (n,)
            Features; date and time columns are left out of the profile.
        scores : ndarray of float, shape (n,)
            P(label = 1).
        labels : ndarray, shape (n,)
            0 or 1.
        when : ndarray of datetime64, shape (n,)
            Time of each row: windows of `window_days` days give the natural variation of each column.
        learned, learned_when : like `table` and `when`, optional
            The rows it was fitted on. They count for the features' profile and natural variation, and for nothing else:
            a holdout of a few days would make other weekdays look like drift.
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
        rows = row_count(table | {"score": scores, "label": labels, "when": when})
        if not rows or buckets < 1:
            raise InputError(f"a reference must have rows and at least 1 bucket, got {rows} rows, {buckets} buckets.")
        check_scores(scores)
        if np.isnan(check_labels(labels)).any():
            raise InputError("every row of a reference must be labelled, but some labels are missing. Leave them out.")
        everything = [(learned, learned_when)] if learned is not None and learned_when is not None else []
        everything.append((table, when))
        features, natural, windows = _profile(
            concatenate(part for part, _ in everything), np.concatenate([at for _, at in everything]), window_days
        )
        score, natural_score, _ = _profile({"score": scores}, when, window_days)
        edges = _edges(scores, buckets)
        at = np.searchsorted(edges, scores, side="right")
        correct = (scores >= threshold) == (labels == 1)
        return cls(
            profile=features.beside(score),
            tolerances={**natural, **natural_score},
            windows=windows,
            threshold=threshold,
            edges=edges,
            bucket_rows=np.bincount(at, minlength=len(edges) + 1),
            bucket_correct=np.bincount(at[correct], minlength=len(edges) + 1),
        )

    @property
    def rows(self) -> int:
        return int(self.bucket_rows.sum())

    @property
    def correct(self) -> int:
        return int(self.bucket_correct.sum())

    @property
    def accuracy(self) -> float:
        return self.correct / self.rows

    @property
    def bucket_shares(self) -> NDArray[np.float64]:
        """Share of the reference's rows per bucket, shape (buckets,)."""
        return np.asarray(self.bucket_rows / self.rows)

    def bucket_of(self, scores: NDArray[np.float64]) -> NDArray[np.int64]:
        """Bucket number per row, shape (m,)."""
        return np.searchsorted(self.edges, scores, side="right").astype(np.int64)

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "grid": self.profile.grid.to_json(),
            "profile": self.profile.to_json(),
            "tolerances": dict(self.tolerances),
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
        """Inverse of `to_json`; InputError for another format."""
        if record.get("format") != FORMAT:
            raise InputError(
                f"a stored reference must have format {FORMAT}, got {record.get('format')!r}. Train again."
            )
        return cls(
            profile=Profile.from_json(record["profile"], ReferenceGrid.from_json(record["grid"])),
            tolerances=record["tolerances"],
            windows=record["windows"],
            threshold=record["threshold"],
            edges=np.asarray(record["edges"], dtype=np.float64),
            bucket_rows=np.asarray(record["bucket_rows"], dtype=np.int64),
            bucket_correct=np.asarray(record["bucket_correct"], dtype=np.int64),
        )


def _profile(table: Columns, when: NDArray[np.datetime64], days: int) -> tuple[Profile, dict[str, float], int]:
    """A table's profile, its natural variation without a floor, and from how many windows that was learned.

    Notes
    -----
    Levels of text and boolean columns are chosen on every second row and counted on the others. The top levels of the
    very rows that are counted hold more of them than of any later rows, by luck alone: in a column of many rare values
    the others' share would seem to rise in a world that stands still. Cuts of number columns have no such
    luck, as the distance read at them is bounded over all cuts at once.
    """
    texts = {name: values for name, values in table.items() if values.dtype.kind in "OUb"}
    numbers = {name: values for name, values in table.items() if name not in texts}
    parts, counted = _windows(when, days), np.arange(1, len(when), 2)
    profile, natural = _counted(ReferenceGrid.fit(numbers), numbers, np.arange(len(when)), parts)
    levels = ReferenceGrid.fit(select(texts, np.arange(0, len(when), 2)))
    by_level, natural_levels = _counted(levels, texts, counted, [part[part % 2 == 1] for part in parts])
    whole = replace(profile.beside(by_level), rows=len(when))
    return whole, natural | natural_levels, len(parts)


def _counted(
    grid: ReferenceGrid, table: Columns, rows: NDArray[np.int64], parts: Sequence[NDArray[np.int64]]
) -> tuple[Profile, dict[str, float]]:
    windows = [Profile.build(grid, select(table, part)) for part in parts]
    return Profile.build(grid, select(table, rows)), tolerances(windows, floor=0.0)


def _windows(when: NDArray[np.datetime64], days: int) -> list[NDArray[np.int64]]:
    """Row positions per window of `days` days, counted back from the last day; an incomplete first one is left out."""
    age_days = (when.max().astype("datetime64[D]") - when.astype("datetime64[D]")).astype(np.int64)
    whole = (int(age_days.max()) + 1) // days
    parts = [np.flatnonzero(age_days // days == i) for i in range(whole)]
    return [part for part in parts if len(part)]


def _edges(scores: NDArray[np.float64], buckets: int) -> NDArray[np.float64]:
    ordered = np.sort(scores)
    edges = np.unique(ordered[np.arange(1, buckets) * len(ordered) // buckets])
    return np.asarray(edges[edges > ordered[0]])  # so that no bucket is empty
