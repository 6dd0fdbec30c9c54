"""Real tables in the order of time: a power market, taxi trips, rented bicycles. SOURCES.md beside them says where from."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

#: What a model of the price's next move uses. `period`, the half hour of the day, is the same in every window.
ELEC2 = ("nswprice", "nswdemand", "vicprice", "vicdemand", "transfer")
#: Of these, what held more than one value while the reference was gathered: New South Wales before the markets were joined.
ELEC2_ALIVE = ("nswprice", "nswdemand")
BIKE_NUMBERS, BIKE_TEXTS = (
    ("temp", "atemp", "hum", "windspeed"),
    ("season", "mnth", "hr", "weekday", "workingday", "weathersit"),
)
TRIP_NUMBERS = (
    "passenger_count", "trip_distance", "fare_amount", "extra", "mta_tax", "tip_amount", "tolls_amount",
    "improvement_surcharge", "total_amount", "congestion_surcharge",
)  # fmt: skip
TRIP_TEXTS = ("vendor_id", "rate_code_id", "store_and_fwd_flag", "payment_type")
#: Names in the file of March, which has fewer columns, and what it calls the ways to pay.
_MARCH = {
    "passengers": "passenger_count", "distance": "trip_distance", "fare": "fare_amount", "tip": "tip_amount",
    "tolls": "tolls_amount", "total": "total_amount", "payment": "payment_type",
}  # fmt: skip
_PAYMENT = {"credit card": "1", "cash": "2", "": None}
_FIRST_DAY = np.datetime64("1996-05-07T00:00", "s")


def elec2() -> tuple[Columns, NDArray[np.datetime64]]:
    """Half hours of the New South Wales market from May 1996 on; `class` is 1 where the price is above its last day's mean."""
    with (DATA / "drift" / "elec2.csv").open() as file:
        rows = list(csv.DictReader(file))
    table = _numbers(rows, ("period", *ELEC2, "class"))
    return table, _FIRST_DAY + np.arange(len(rows)) * np.timedelta64(30, "m")


def bikes() -> tuple[Columns, NDArray[np.datetime64]]:
    """Hours of 2011 and 2012; `cnt` is how many bicycles were rented."""
    with zipfile.ZipFile(DATA / "drift" / "bike_sharing_uci.zip") as archive:
        rows = list(csv.DictReader(io.TextIOWrapper(archive.open("hour.csv"), encoding="ascii")))
    return _numbers(rows, (*BIKE_NUMBERS, "cnt")) | _texts(rows, BIKE_TEXTS), _times(row["dteday"] for row in rows)


def trips(month: str) -> tuple[Columns, NDArray[np.datetime64]]:
    """Yellow taxi trips of ``2019-01`` or ``2019-02``, in the order of time."""
    with (DATA / "taxi" / f"yellow_tripdata_sample_{month}.csv").open() as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["pickup_datetime"])
    return _numbers(rows, TRIP_NUMBERS) | _texts(rows, TRIP_TEXTS), _times(row["pickup_datetime"] for row in rows)


def march_trips() -> tuple[Columns, NDArray[np.datetime64]]:
    """Yellow taxi trips of March 2019, by the names of the other months; only the columns that mean the same."""
    with (DATA / "taxi" / "nyc_taxis_2019-03_seaborn.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["color"] == "yellow" and row["pickup"] >= "2019-03"]
    rows.sort(key=lambda row: row["pickup"])
    named = [{_MARCH.get(name, name): value for name, value in row.items()} for row in rows]
    table = _numbers(named, [name for name in _MARCH.values() if name in TRIP_NUMBERS])
    table["payment_type"] = np.array([_PAYMENT[row["payment_type"]] for row in named], dtype=object)
    return table, _times(row["pickup"] for row in rows)


def _numbers(rows: Sequence[Mapping[str, str]], names: Iterable[str]) -> Columns:
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in names}


def _texts(rows: Sequence[Mapping[str, str]], names: Iterable[str]) -> Columns:
    return {name: np.array([row[name] or None for row in rows], dtype=object) for name in names}


def _times(texts: Iterable[str]) -> NDArray[np.datetime64]:
    return np.array(list(texts), dtype="datetime64[s]")
