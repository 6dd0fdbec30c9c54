"""Windows of a real table, judged by our rule and by the usual ones, and how a model of the past fares in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from controls import Controls
from upkeep.core.columns import Columns, row_count, select
from upkeep.core.drift.baseline import measure
from upkeep.core.drift.compare import DriftReport, compare
from upkeep.core.drift.tolerance import FLOOR
from upkeep.core.profile.profile import Profile

ALPHA = 0.05
#: Names of the rules, in the order of the tables.
RULES = ("p < .05", "PSI > .2", "ours, floor only", "ours")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One window of a life; `called` has the columns that each rule calls drifted, the most surely drifted first."""

    name: str
    rows: NDArray[np.int64]
    report: DriftReport
    p_values: Mapping[str, float]
    called: Mapping[str, tuple[str, ...]]
    profile: Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A reference, what it tolerates, and the windows after it."""

    reference: Profile
    tolerated: Mapping[str, float]
    past_windows: int
    windows: tuple[Window, ...]

    def first(self, rule: str, columns: Sequence[str] = ()) -> str | None:
        """Name of the first window in which a rule calls one of these columns drifted, or any."""
        return next((w.name for w in self.windows if self.alarm(w, rule, columns)), None)

    @staticmethod
    def alarm(window: Window, rule: str, columns: Sequence[str] = ()) -> bool:
        return any(not columns or name in columns for name in window.called[rule])


def windows_after(
    when: NDArray[np.datetime64], start: np.datetime64, days: int
) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Full windows of so many days from `start` on, each named by its first day."""
    at = (when.astype("datetime64[D]") - start.astype("datetime64[D]")).astype(np.int64)
    for i in range((int(at.max()) + 1) // days):
        name = str(start.astype("datetime64[D]") + np.timedelta64(i * days, "D"))
        yield name, np.flatnonzero((at >= 0) & (at // days == i))


def live(
    past: Columns,
    past_when: NDArray[np.datetime64],
    days: int,
    windows: Iterable[tuple[str, Columns, NDArray[np.int64]]],
) -> Life:
    """Learn what the past tolerates, as training does, then look at one window after the other.

    Parameters
    ----------
    past : mapping of str to ndarray, each shape (n,)
    past_when : ndarray of datetime64, shape (n,)
    days : int
        Length of the past's windows.
    windows : iterable of (name, table, rows of it)
        Tables may have fewer columns than the past.
    """
    reference, natural, learned = measure(past, past_when, days)
    tolerated = {key: max(FLOOR, value) for key, value in natural.items()}
    looked = []
    for look, (name, table, rows) in enumerate(windows, 1):
        ours = [column for column in reference.columns if column in table]
        then, now = (
            reference.only(ours),
            Profile.build(reference.grid.only(ours), select({c: table[c] for c in ours}, rows)),
        )
        report = compare(then, now, alpha=ALPHA, look=look, tolerance=tolerated)
        controls = Controls(then)
        p_values, psi = controls.p_values(now), controls.psi(now)
        called = {
            "p < .05": tuple(sorted((c for c, p in p_values.items() if p < 0.05), key=p_values.__getitem__)),
            "PSI > .2": tuple(sorted((c for c, value in psi.items() if value > 0.2), key=lambda c: -psi[c])),
            "ours, floor only": compare(then, now, alpha=ALPHA, look=look).drifted,
            "ours": report.drifted,
        }
        looked.append(Window(name=name, rows=rows, report=report, p_values=p_values, called=called, profile=now))
    return Life(reference=reference, tolerated=tolerated, past_windows=learned, windows=tuple(looked))


def held_out(
    model: Callable[[], Any], x: NDArray[np.float64], y: NDArray[Any], part: NDArray[np.int64]
) -> NDArray[Any]:
    """Predictions for every row by a model that has not seen the row's part: what the past could expect of the future.

    `part` numbers stretches of time, shape (n,); neighbours in time are alike, so parts must not be drawn by chance.
    """
    found = np.empty(len(y), dtype=float)
    for one in np.unique(part):
        out = part == one
        found[out] = model().fit(x[~out], y[~out]).predict(x[out])
    return found


def matrix(table: Columns, names: Sequence[str]) -> NDArray[np.float64]:
    """Columns as numbers, shape (n, names); texts must be numbers written as text, None is missing."""
    x = np.empty((row_count(table), len(names)))
    for i, name in enumerate(names):
        values = table[name]
        x[:, i] = [np.nan if v is None else float(v) for v in values] if values.dtype.kind == "O" else values
    return x
