"""Labelled streams to replay: three real ones, and three of which it is known what changes in them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from real_lives import matrix
from real_tables import BIKE_NUMBERS, BIKE_TEXTS, bikes, elec2, march_trips, trips
from upkeep.core.columns import Columns
from upkeep.core.retrain.backtest.delays import exponential_delays
from upkeep.core.retrain.backtest.stream import LabelledStream, Window, windows_by_hours, windows_by_rows
from upkeep.core.retrain.backtest.training import TrainingRule

WEEK_H, DAY_H = 168, 24.0
SEED = 20260104
SYNTHETIC = ("stationary", "covariate only", "concept")
WORLDS = ("gradual", "season", "product")
_ROWS, _WINDOW_ROWS, _WORLD_ROWS = 20_000, 500, 30_000
_HOUR = np.timedelta64(3_600, "s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A stream, its windows, and on how many of them a model is trained."""

    name: str
    stream: LabelledStream = field(repr=False)
    window: int  # hours, or rows for what is drawn
    rule: TrainingRule

    @property
    def windows(self) -> tuple[Window, ...]:
        cut = windows_by_rows if self.name in SYNTHETIC + WORLDS else windows_by_hours
        return cut(self.stream, self.window)

    def shuffled(self, seed: int) -> Case:
        rng = np.random.default_rng((SEED, seed))
        return Case(name=self.name, stream=self.stream.shuffled(rng), window=self.window, rule=self.rule)


def power(seed: int = SEED) -> Case:
    """Elec2: will the price be above its last day's mean? A week at a time, trained on a quarter of a year."""
    table, when = elec2()
    label = table.pop("class")
    return Case(
        name="Elec2", stream=_late(table, label, when, DAY_H, seed), window=WEEK_H, rule=TrainingRule(windows=12)
    )


def bicycles(seed: int = SEED) -> Case:
    """Bike sharing: more rentals than that hour's median in the first quarter of a year? Two weeks at a time.

    Counts grow from year to year, so the task's concept moves; medians come from the rows that train the first model.
    """
    table, day = bikes()
    count, rule = table.pop("cnt"), TrainingRule(windows=6)
    hour = np.array([int(value) for value in table["hr"]])
    first = day < day[0] + np.timedelta64(14 * rule.windows, "D")
    usual = np.array([np.median(count[first & (hour == h)]) for h in range(24)])
    numbers = dict(zip((*BIKE_NUMBERS, *BIKE_TEXTS), matrix(table, (*BIKE_NUMBERS, *BIKE_TEXTS)).T, strict=True))
    label = (count > usual[hour]).astype(float)
    return Case(
        name="bike sharing", stream=_late(numbers, label, day + hour * _HOUR, DAY_H, seed), window=2 * WEEK_H, rule=rule
    )


def taxi() -> Case:
    """NYC trips: a tip of more than 20 % of the fare? A week at a time; what is paid by card is known three days later."""
    parts = [_rides(*read) for read in (trips("2019-01"), trips("2019-02"), march_trips())]
    tables, labels, times = zip(*parts, strict=True)
    table = {name: np.concatenate([part[name] for part in tables]) for name in tables[0]}
    late = np.where(table["payment"] == 1, 72.0, 6.0)
    stream = _late(table, np.concatenate(labels), np.concatenate(times), late, SEED)
    return Case(name="NYC trips", stream=stream, window=WEEK_H, rule=TrainingRule(windows=4))


def drawn(kind: str, seed: int = 0) -> Case:
    """Five numbers and a label; half-way nothing happens, another mix of the same two groups comes, or the answer changes."""
    rng = np.random.default_rng((SEED, seed, SYNTHETIC.index(kind)))
    late = np.arange(_ROWS) >= _ROWS // 2
    second = rng.random(_ROWS) < np.where(late & (kind == "covariate only"), 0.7, 0.3)
    x = rng.normal(size=(_ROWS, 5)) + np.where(second, 1.0, 0.0)[:, None] * np.array([1.0, -0.5, 0.0, 0.0, 0.5])
    slope = np.where(late & (kind == "concept"), -1.5, 1.5)
    answer = slope * x[:, 0] - x[:, 1] + 0.7 * x[:, 2] * x[:, 3]
    label = (rng.random(_ROWS) < 1 / (1 + np.exp(-2 * answer))).astype(float)
    when = np.datetime64("2024-01-01", "us") + np.arange(_ROWS) * np.timedelta64(20, "m")
    table = {f"x{i}": x[:, i] for i in range(5)}
    stream = LabelledStream.of(table, label, when, exponential_delays(DAY_H, _ROWS, rng))
    return Case(name=kind, stream=stream, window=_WINDOW_ROWS, rule=TrainingRule(windows=8))


def fresh(kind: str, seed: int) -> Case:
    """The answer turns bit by bit over half of the time, three times to and fro, or at once where two features meet."""
    rng = np.random.default_rng((SEED, seed, 10 + WORLDS.index(kind)))
    past = np.arange(_WORLD_ROWS) / _WORLD_ROWS
    x = rng.normal(size=(_WORLD_ROWS, 5))
    turns = {"gradual": np.clip((past - 0.3) / 0.5, 0, 1) / 2, "season": 3 * past}
    slope = 1.5 * np.cos(2 * np.pi * turns[kind]) if kind in turns else np.ones(_WORLD_ROWS)
    product = np.where(past > 0.5, -1.5, 1.5) if kind == "product" else np.full(_WORLD_ROWS, 0.7)
    answer = slope * x[:, 0] - x[:, 1] + product * x[:, 2] * x[:, 3]
    label = (rng.random(_WORLD_ROWS) < 1 / (1 + np.exp(-2 * answer))).astype(float)
    when = np.datetime64("2024-01-01", "us") + np.arange(_WORLD_ROWS) * np.timedelta64(20, "m")
    table = {f"x{i}": x[:, i] for i in range(5)}
    stream = LabelledStream.of(table, label, when, exponential_delays(DAY_H, _WORLD_ROWS, rng))
    return Case(name=kind, stream=stream, window=_WINDOW_ROWS, rule=TrainingRule(windows=8))


def _rides(table: Columns, when: NDArray[np.datetime64]) -> tuple[Columns, NDArray[np.float64], NDArray[np.datetime64]]:
    names = ("passenger_count", "trip_distance", "fare_amount", "tolls_amount")
    ride = {name: table[name] for name in names} | {"payment": matrix(table, ("payment_type",))[:, 0]}
    ride["hour"] = (when.astype("datetime64[h]").astype(np.int64) % 24).astype(float)
    ride["weekday"] = ((when.astype("datetime64[D]").astype(np.int64) + 3) % 7).astype(float)
    return ride, (table["tip_amount"] > 0.2 * table["fare_amount"]).astype(float), when


def _late(
    table: Columns,
    label: NDArray[np.float64],
    when: NDArray[np.datetime64],
    mean_h: float | NDArray[np.float64],
    seed: int,
) -> LabelledStream:
    delays = exponential_delays(mean_h, len(label), np.random.default_rng(seed))
    return LabelledStream.of(table, label, when, delays)
