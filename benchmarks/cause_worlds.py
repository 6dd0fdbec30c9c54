"""Worlds in which it is known what went wrong: rows with a known P(X) and P(Y | X), and simulated taxi trips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, concatenate, missing
from upkeep.core.simulation.boroughs import boroughs
from upkeep.core.simulation.incidents import Incidents
from upkeep.core.simulation.tipping import generous
from upkeep.core.simulation.trips import generate_week

Scorer = Callable[[Columns], NDArray[np.float64]]
Learner = Callable[..., Scorer]
Times = NDArray[np.datetime64]

FEATURES = ("log_miles", "hour", "load", "place")
PLACES = ("centre", "north", "harbour", "airport")
START, WEEK = np.datetime64("2024-01-01", "us"), np.timedelta64(7, "D")
#: Hours in which 95 % of the labels of an ordinary window come.
DUE_H = 18.0
NEVER = np.datetime64("NaT", "us")


@dataclass(frozen=True, kw_only=True)
class Incident:
    """What is different in a window; by default nothing."""

    covariate: float = 0.0  # how far log_miles moves up, in standard deviations
    concept: float = 0.0  # by how much the log-odds of label 1 are lower, for every row
    fault: str = ""  # lost | times_100 | unknown_level | not_logged
    late: str = ""  # all | airport


def rows(rng: np.random.Generator, week: int, many: int, incident: Incident) -> Columns:
    """Features, time and label of rows, each shape (many,)."""
    table: Columns = {
        "log_miles": rng.normal(incident.covariate, 1.0, many),
        "hour": rng.integers(0, 24, many).astype(float),
        "load": rng.normal(size=many),
        "place": np.array(PLACES, dtype=object)[rng.choice(4, size=many, p=[0.5, 0.25, 0.15, 0.1])],
    }
    chance = 1 / (1 + np.exp(incident.concept - _logit(table)))
    when = START + week * WEEK + np.sort(rng.random(many) * 7 * 86_400e6).astype("timedelta64[us]")
    return table | {"when": when, "label": (rng.random(many) < chance).astype(float)}


def _logit(table: Columns) -> NDArray[np.float64]:
    """Rises with the miles up to 1 and falls twice as fast beyond: a straight line fits either side, not both."""
    x = table["log_miles"]
    bend = np.where(x < 1.0, 1.6 * (x + 0.2), 1.92 - 3.2 * (x - 1.0))
    return np.asarray(bend + 0.5 * (table["place"] == "airport") + 0.03 * (table["hour"] - 12))


def delivered(rng: np.random.Generator, table: Columns, week: int, incident: Incident) -> tuple[Columns, Times]:
    """What the log holds of the rows at the week's end, NaN for pending labels, and when each label came."""
    many = len(table["label"])
    hours = rng.exponential(6.0, many)
    if incident.late:
        hours += 24 * rng.uniform(10, 20, many) * ((table["place"] == "airport") | (incident.late == "all"))
    came = table["when"] + (hours * 3600e6).astype("timedelta64[us]")
    came = np.where(came <= START + (week + 1) * WEEK, came, NEVER)
    seen = table | {"label": np.where(np.isnat(came), np.nan, table["label"])}
    hit = rng.random(many)
    if incident.fault == "lost":
        seen["log_miles"] = np.where(hit < 0.35, np.nan, seen["log_miles"])
    if incident.fault == "times_100":
        seen["load"] = np.where(hit < 0.7, seen["load"] * 100 + 50, seen["load"])
    if incident.fault == "unknown_level":
        seen["place"] = np.where(hit < 0.35, "PL-7", seen["place"]).astype(object)
    if incident.fault == "not_logged":
        del seen["load"]
    return seen, came


def linear(table: Columns, labels: NDArray[Any], weights: NDArray[np.float64] | None = None) -> Scorer:
    """A logistic regression: one straight line per feature."""
    from sklearn.linear_model import LogisticRegression

    return _fitted(LogisticRegression(max_iter=200), table, labels, weights)


def tree(table: Columns, labels: NDArray[Any], weights: NDArray[np.float64] | None = None) -> Scorer:
    """A tree of thirty leaves, which can follow the bend."""
    from sklearn.tree import DecisionTreeClassifier

    return _fitted(
        DecisionTreeClassifier(max_leaf_nodes=30, min_samples_leaf=50, random_state=0), table, labels, weights
    )


def _fitted(model: Any, table: Columns, labels: NDArray[Any], weights: NDArray[np.float64] | None) -> Scorer:
    used = slice(None) if weights is None else np.flatnonzero(weights)
    columns = [name for name in table if name not in ("when", "label")]
    levels = {name: np.unique(table[name].astype(str)) for name in columns if table[name].dtype.kind == "O"}
    matrix = _matrix(table, columns, levels)
    model.fit(matrix[used], labels[used], sample_weight=None if weights is None else weights[used])
    return lambda given: np.asarray(model.predict_proba(_matrix(given, columns, levels))[:, 1])


def _matrix(table: Columns, columns: list[str], levels: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Numbers as they are, texts as indicators; what is missing, or not logged at all, is 0."""
    many = len(next(iter(table.values())))
    parts: list[NDArray[np.float64]] = []
    for name in columns:
        values = table.get(name, np.zeros(many))
        if name in levels:
            parts += [(values == level).astype(float) for level in levels[name]]
        else:
            parts.append(np.where(missing(values), 0.0, values.astype(float)))
    return np.stack(parts, axis=1)


TRIP_FEATURES = (
    "trip_distance",
    "fare_amount",
    "passenger_count",
    "hour",
    "payment_type",
    "pickup_borough",
    "dropoff_borough",
)


def trips(week: int, *, seed: int, many: int, incidents: Incidents) -> tuple[Columns, Times, float]:
    """A week of simulated trips as known at its end, when labels came, and the share that validation refuses.

    Of a label that came within the week only that is known, so its time is the week's end.
    """
    made = generate_week(week, start=START, rows=many, seed=seed, incidents=incidents).trips
    clock = made["pickup_datetime"]
    table: Columns = {
        "trip_distance": np.log1p(made["trip_distance"]),
        "fare_amount": made["fare_amount"].astype(float),
        "passenger_count": made["passenger_count"].astype(float),
        "hour": (clock - clock.astype("datetime64[D]")).astype("timedelta64[h]").astype(float),
        "payment_type": made["payment_type"].astype(str).astype(object),
        "pickup_borough": boroughs(made["pickup_location_id"]).astype(object),
        "dropoff_borough": boroughs(made["dropoff_location_id"]).astype(object),
        "when": clock,
        "label": generous(made["tip_amount"], made["fare_amount"]),
    }
    end = START + (week + 1) * WEEK
    came = np.where(np.isnan(table["label"]), NEVER, np.maximum(clock, end))
    refused = (made["trip_distance"] <= 0) | (made["trip_distance"] > 100) | (made["fare_amount"] <= 0)
    return table, came, float(refused.mean())


def quiet(rng: np.random.Generator, first: int, weeks: int, many: int) -> Columns:
    return concatenate([rows(rng, week, many, Incident()) for week in range(first, first + weeks)])
