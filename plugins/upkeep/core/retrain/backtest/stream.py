"""A table in the order of time with its labels, and when each of them came in."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from upkeep.core.columns import Columns, row_count, select
from upkeep.core.feedback.checks import check_labels
from upkeep.errors import InputError

#: Windows are no longer, and a label that takes longer never comes; times in microseconds would overflow.
CENTURY_H = 876_600.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledStream:
    """Rows in the order of time; each column and array has shape (n,).

    `labels` are 0 or 1, `known_at` is NaT where a label never comes.
    """

    table: Columns = field(repr=False)
    labels: NDArray[np.float64] = field(repr=False)
    when: NDArray[np.datetime64] = field(repr=False)
    known_at: NDArray[np.datetime64] = field(repr=False)

    @classmethod
    def of(
        cls, table: Columns, labels: NDArray[np.float64], when: NDArray[np.datetime64], delay_h: ArrayLike
    ) -> LabelledStream:
        """Put rows in the order of time; rows of one moment keep their order.

        Parameters
        ----------
        table : mapping of str to ndarray, each shape (n,)
            Features.
        labels : ndarray, shape (n,)
            0 or 1, all known by now.
        when : ndarray of datetime64, shape (n,)
            When the row is predicted.
        delay_h : float or array_like, shape (n,)
            Hours from the prediction to its label, 0 or more; one that takes more than a century never comes.

        Raises
        ------
        InputError
            If lengths differ, a time or label is missing, a delay is negative or NaN, or a feature is called score.
        """
        if "score" in table:
            raise InputError("no feature may be called 'score': 'score' is the model's own. Rename it or leave it out.")
        labels = check_labels(np.asarray(labels))
        delays = np.broadcast_to(np.asarray(delay_h, dtype=np.float64), labels.shape)
        rows = row_count({"label": labels, "time": when, **table})
        if not rows or np.isnan(labels).any() or np.isnat(when).any():
            raise InputError(
                "a stream to replay must have rows, each with its time and its label. Leave out rows without them; "
                "late labels are what the delay is for."
            )
        if not (delays >= 0).all():
            raise InputError(f"a delay must be 0 hours or more, got {delays[~(delays >= 0)][0]}.")
        order = np.argsort(when, kind="stable")
        times = when.astype("datetime64[us]")[order]
        return cls(
            table=select(table, order), labels=labels[order], when=times, known_at=_known_at(times, delays[order])
        )

    @property
    def rows(self) -> int:
        return len(self.labels)

    def shuffled(self, rng: np.random.Generator) -> LabelledStream:
        """The same rows with the same times, but which row comes when is drawn: no time is unlike another.

        A label keeps the delay that it had.
        """
        order = rng.permutation(self.rows)
        delay = (self.known_at - self.when)[order]
        return LabelledStream(
            table=select(self.table, order),
            labels=self.labels[order],
            when=self.when,
            known_at=self.when + delay,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Rows [start, stop) of a stream, looked at when `until` has come; `name` is that moment in ISO 8601."""

    since: np.datetime64
    until: np.datetime64
    start: int
    stop: int

    @property
    def name(self) -> str:
        return str(self.until.astype("datetime64[us]"))

    @property
    def hours(self) -> float:
        return float((self.until - self.since) / np.timedelta64(1, "h"))


def windows_by_rows(stream: LabelledStream, rows: int) -> tuple[Window, ...]:
    """Windows of so many rows; rows at the end that do not fill one are left out.

    A window is looked at when its last row has been predicted.
    """
    if rows < 1:
        raise InputError(f"a window must have at least 1 row, got {rows}.")
    ends = np.arange(rows, stream.rows + 1, rows)
    return tuple(
        Window(since=stream.when[stop - rows], until=stream.when[stop - 1], start=int(stop - rows), stop=int(stop))
        for stop in ends
    )


def windows_by_hours(stream: LabelledStream, hours: float) -> tuple[Window, ...]:
    """Windows of so many hours from the midnight before the first row.

    Empty ones are left out, and the last if it has less than half the rows that are usual: it has not ended.
    """
    if not 1 <= hours * 3_600_000_000 <= CENTURY_H * 3_600_000_000:
        raise InputError(f"a window must last more than 0 hours and at most 100 years, got {hours} hours.")
    step = np.timedelta64(round(hours * 3_600_000_000), "us")
    first = stream.when[0].astype("datetime64[D]").astype("datetime64[us]")
    edges = np.arange(first, stream.when[-1] + 2 * step, step)
    at = np.searchsorted(stream.when, edges)
    windows = [
        Window(since=since, until=until, start=int(start), stop=int(stop))
        for (since, until), (start, stop) in zip(pairwise(edges), pairwise(at), strict=True)
        if start < stop
    ]
    usual = float(np.median([window.stop - window.start for window in windows]))
    if windows[-1].stop - windows[-1].start < usual / 2:
        windows.pop()
    return tuple(windows)


def _known_at(when: NDArray[np.datetime64], delay_h: NDArray[np.float64]) -> NDArray[np.datetime64]:
    comes = delay_h <= CENTURY_H
    hours = np.where(comes, delay_h, 0.0)
    known: NDArray[np.datetime64] = when + np.round(hours * 3_600_000_000).astype("timedelta64[us]")
    known[~comes] = np.datetime64("NaT")
    return known
