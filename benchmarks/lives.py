"""Lives without drift: a source whose columns hang together, repeat values, have long tails and seasons, and never change."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from controls import Controls
from upkeep.core.columns import Coded
from upkeep.core.drift.compare import compare
from upkeep.core.drift.tolerance import tolerances
from upkeep.core.profile.cells import CategoryCells, Cells, NumericCells
from upkeep.core.profile.counting import ColumnProfile
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile

Columns = dict[str, NDArray[Any] | Coded]

WEEKS = 52
ALPHA = 0.05
#: Columns whose source is another one in each week of the year, and the same again a year later.
SEASONAL = ("temperature", "demand", "weather", "sensor")
#: The alarms that are counted: ours, ours without one of its parts, and the usual ones.
RULES = (
    "ours",
    "ours without the sampling band",
    "ours without tolerance",
    "any p < .05",
    "any p < .05 / columns",
    "PSI > .2",
)
#: Those of the same rules that are looked at on the columns without season alone.
STILL_RULES = ("ours without tolerance", "any p < .05", "any p < .05 / columns", "PSI > .2")
_ZONES = tuple(f"zone {i}" for i in range(12))
_ROUTES = tuple(f"route {i}" for i in range(300))
_ROUTE_WEIGHTS = 1 / np.arange(1.0, 301.0)
_DAY = np.datetime64("2024-01-01", "us")
_WEATHERS = ("dry", "rain", "fog", "snow")


def table(rng: np.random.Generator, week: int, rows: int) -> Columns:
    """Rows of one week, each shape (rows,)."""
    common = rng.normal(size=rows)
    wave = math.sin(2 * math.pi * week / WEEKS)
    holiday = 0.8 if week % WEEKS == 50 else 0.0
    own = rng.normal(size=(6, rows))
    return {
        "fare": np.exp(0.5 * common + 0.3 * own[0]),
        "tails": rng.standard_cauchy(rows) + common,
        "tolls": np.where(rng.random(rows) < 0.9, 0.0, np.exp(own[1])),
        "ties": np.round(2 * (0.7 * common + 0.7 * own[2])) / 2,
        "gaps": np.where(rng.random(rows) < 0.2 + 0.1 * (common > 0), np.nan, own[3]),
        "temperature": wave + 0.5 * common + own[5],
        "demand": 0.3 * wave + holiday + 0.8 * common + 0.6 * own[4],
        "sensor": np.where(rng.random(rows) < 0.1 + 0.08 * wave, np.nan, np.exp(rng.normal(size=rows))),
        "pickup": _DAY + (rng.beta(3.0, 2.0, rows) * 24 * 3_600e6).astype("timedelta64[us]"),
        "route": Coded(_pick(rng, _ROUTE_WEIGHTS, rows), _ROUTES),
        "zone": Coded(_pick(rng, 1 / np.arange(1.0, 13.0), rows), _ZONES),
        "weather": Coded(_pick(rng, np.array([3.0 + wave, 2.0, 1.0, 1.01 - wave]), rows), _WEATHERS),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Windows in which each rule alarmed, over all columns and over those without season."""

    alarms: dict[str, int]
    still: dict[str, int]


def life(seed: tuple[int, ...], windows: int) -> Life:
    """A year of reference, then `windows` weeks of 1,000 to 2,000 rows, drawn row by row."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1_000, 2_001, WEEKS)
    year = [table(rng, week, rows) for week, rows in enumerate(sizes.tolist())]
    grid = ReferenceGrid.fit(_joined(year))
    past = [Profile.build(grid, week) for week in year]
    weeks = range(WEEKS, WEEKS + windows)
    rows = iter(rng.integers(1_000, 2_001, windows).tolist())
    return _lived(past, (Profile.build(grid, table(rng, week, next(rows))) for week in weeks))


def found_after(seed: tuple[int, ...], column: str, shift_sigma: float, first_look: int, patience: int) -> int | None:
    """Windows until a shift that begins at window `first_look` of such a life is found (1: in the first), or None."""
    rng = np.random.default_rng(seed)
    year = [table(rng, week, int(rng.integers(1_000, 2_001))) for week in range(WEEKS)]
    whole = _joined(year)
    grid = ReferenceGrid.fit(whole)
    reference, natural = Profile.build(grid, whole), tolerances([Profile.build(grid, week) for week in year])
    values = whole[column]
    if isinstance(values, Coded):
        raise TypeError(f"{column} is text and has no sigma")
    for waited in range(patience):
        now = table(rng, WEEKS + first_look + waited - 1, int(rng.integers(1_000, 2_001)))
        now[column] = now[column] + shift_sigma * values.std()
        report = compare(reference, Profile.build(grid, now), alpha=ALPHA, look=first_look + waited, tolerance=natural)
        if column in report.drifted:
            return waited + 1
    return None


def large_life(seed: tuple[int, ...], windows: int, rows: int = 1_000_000) -> Life:
    """The same with windows so large that their counts are drawn, not their rows: that is the same law, column by column."""
    rng = np.random.default_rng(seed)
    cuts = norm.ppf(np.arange(1, 1024) / 1024) * 1.3
    cells: dict[str, Cells] = {name: NumericCells(cuts=cuts) for name in ("fare", "temperature", "demand")}
    cells |= {"zone": CategoryCells(levels=_ZONES), "weather": CategoryCells(levels=_WEATHERS)}
    grid = ReferenceGrid(cells=cells)
    law = [_law(cuts, week) for week in range(WEEKS)]

    def drawn(week: int) -> Profile:
        counts = {name: rng.multinomial(rows, p) for name, p in law[week % WEEKS].items()}
        columns = {name: ColumnProfile(counts=held, nulls=0) for name, held in counts.items()}
        return Profile(grid=grid, rows=rows, columns=columns)

    return _lived([drawn(week) for week in range(WEEKS)], (drawn(week) for week in range(WEEKS, WEEKS + windows)))


def _law(cuts: NDArray[np.float64], week: int) -> dict[str, NDArray[np.float64]]:
    """Probability of each cell in one week."""
    wave = math.sin(2 * math.pi * week / WEEKS)
    holiday = 0.8 if week == 50 else 0.0
    means = {"fare": 0.0, "temperature": wave, "demand": 0.3 * wave + holiday}
    numbers = {name: np.diff(norm.cdf(cuts - mean), prepend=0.0, append=1.0) for name, mean in means.items()}
    zones, weathers = 1 / np.arange(1.0, 13.0), np.array([3.0 + wave, 2.0, 1.0, 1.01 - wave])
    shares = {name: np.append(p / p.sum(), 0.0) for name, p in (("zone", zones), ("weather", weathers))}
    return numbers | shares


def _lived(past: list[Profile], windows: Iterable[Profile]) -> Life:
    reference = past[0]
    for week in past[1:]:
        reference = reference.merge(week)
    natural, usual = tolerances(past), Controls(reference)
    counted = Life(alarms=dict.fromkeys(RULES, 0), still=dict.fromkeys(STILL_RULES, 0))
    for look, window in enumerate(windows, start=1):
        _look(counted, usual, reference, window, natural, look)
    return counted


def _look(
    counted: Life, usual: Controls, reference: Profile, window: Profile, natural: dict[str, float], look: int
) -> None:
    report = compare(reference, window, alpha=ALPHA, look=look, tolerance=natural)
    p, index = usual.p_values(window), usual.psi(window)
    moved = {
        "ours": set(report.drifted),
        "ours without the sampling band": {f.column for f in report.findings if f.statistic > f.tolerance},
        "ours without tolerance": {f.column for f in report.findings if f.low > 0},
        "any p < .05": {name for name, value in p.items() if value < ALPHA},
        "any p < .05 / columns": {name for name, value in p.items() if value < ALPHA / len(p)},
        "PSI > .2": {name for name, value in index.items() if value > 0.2},
    }
    for rule in RULES:
        counted.alarms[rule] += bool(moved[rule])
    for rule in STILL_RULES:
        counted.still[rule] += bool(moved[rule] - set(SEASONAL))


def _pick(rng: np.random.Generator, weights: NDArray[np.float64], rows: int) -> NDArray[np.int64]:
    return np.searchsorted(np.cumsum(weights)[:-1] / weights.sum(), rng.random(rows), side="right")


def _joined(weeks: list[Columns]) -> Columns:
    joined: Columns = {}
    for name, first in weeks[0].items():
        parts = [week[name] for week in weeks]
        coded = [part.codes for part in parts if isinstance(part, Coded)]
        if isinstance(first, Coded):
            joined[name] = Coded(np.concatenate(coded), first.levels)
        else:
            joined[name] = np.concatenate([part for part in parts if not isinstance(part, Coded)])
    return joined
