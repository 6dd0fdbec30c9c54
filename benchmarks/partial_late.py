"""Labels that come late and unevenly: a delay law by bucket and class, and windows as they are seen under it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accuracy_sets import DataSet, Rows
from upkeep.core.columns import Coded, Table
from upkeep.core.feedback.delay.model import DelayModel

#: A chunk is a week of predictions, looked at when its last row is made.
WEEK_H = 168.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Law:
    """Mean hours until a label is in, shape (buckets, classes); delays are exponential."""

    column: str
    edges: NDArray[np.float64] | None
    mean_h: NDArray[np.float64]

    @classmethod
    def drawn(cls, rng: np.random.Generator, data: DataSet, share: float) -> Law:
        """A law under which `share` of the labels of a reference chunk are in; classes differ by up to 4, buckets as well.

        The labels of one class come early: class 1 of two, one by chance of several.
        """
        table, labels = data.reference.table, data.reference.labels.astype(int)
        coded = [name for name, values in table.items() if isinstance(values, Coded) and len(values.levels) <= 8]
        column = coded[0] if coded else next(iter(table))
        edges = None if coded else np.unique(np.quantile(np.asarray(table[column], dtype=float), [0.25, 0.5, 0.75]))
        classes = int(labels.max()) + 1
        early = 1 if classes == 2 else int(rng.integers(classes))
        by_class = np.where(np.arange(classes) == early, 1.0, rng.uniform(2.5, 4.0, classes))
        buckets = int(_bucket(table, column, edges).max()) + 1
        mean = np.exp(rng.normal(0, 0.5, buckets))[:, None] * by_class
        each = mean[_bucket(table, column, edges), labels]
        low, high = 1e-2, 1e6
        for _ in range(60):
            middle = (low * high) ** 0.5
            came = np.mean(1 - np.exp(-ages(len(labels)) / (middle * each)))
            low, high = (middle, high) if came > share else (low, middle)
        return cls(column=column, edges=edges, mean_h=low * mean)

    def bucket(self, rows: Rows) -> NDArray[np.int64]:
        return np.minimum(_bucket(rows.table, self.column, self.edges), len(self.mean_h) - 1)

    def hours(self, rng: np.random.Generator, rows: Rows) -> NDArray[np.float64]:
        return rng.exponential(self.mean_h[self.bucket(rows), rows.labels.astype(int)])

    def learned(self, rng: np.random.Generator, rows: Rows) -> DelayModel:
        """From rows whose labels are all in by now."""
        hours = self.hours(rng, rows)
        return DelayModel.fit(hours, np.zeros(len(rows), dtype=bool), buckets=self.bucket(rows), classes=rows.labels)

    def seen(self, rng: np.random.Generator, rows: Rows) -> NDArray[np.float64]:
        """Labels of a chunk at the time of its look, NaN while pending."""
        return np.where(self.hours(rng, rows) <= ages(len(rows)), rows.labels, np.nan)


def ages(rows: int) -> NDArray[np.float64]:
    """Hours since each prediction of a chunk, in the order of time."""
    return WEEK_H * (1 - np.arange(rows) / rows)


def _bucket(table: Table, column: str, edges: NDArray[np.float64] | None) -> NDArray[np.int64]:
    values = table[column]
    if isinstance(values, Coded):
        return np.maximum(values.codes, 0).astype(np.int64)
    return np.searchsorted(edges, np.asarray(values, dtype=float)).astype(np.int64)
