"""Trips before anyone has tipped: when, where, how far, at what fare.

Every week draws the same random numbers in the same order, so an incident changes only what it is about.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from upkeep.core.columns import Columns
from upkeep.core.simulation.boroughs import ZONES, boroughs
from upkeep.core.simulation.routes import BUSIEST, NORTH, ROUTES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Times = NDArray[np.datetime64]

# Shares of the trips by hour, weekday and passengers, and log-speed by hour, in the real sample (see routes.py).
WORKDAY = np.array([17, 12, 7, 5, 6, 12, 26, 48, 56, 53, 49, 50, 53, 50, 55, 55, 54, 61, 67, 66, 59, 54, 51, 34]) / 1000
WEEKEND = (
    np.array([52, 41, 30, 21, 14, 7, 11, 15, 25, 37, 45, 52, 56, 60, 59, 57, 58, 56, 67, 57, 48, 44, 48, 41]) / 1000
)
WEEKDAY = np.array([0.125, 0.150, 0.153, 0.158, 0.152, 0.141, 0.121])  # Monday first
NIGHT = np.isin(np.arange(24), [21, 22, 23, 0, 1, 2, 3, 4])
FASTER = np.array([22, 24, 27, 35, 39, 47, 34, 9, -5, -8, -6, -8, -6, -6, -7, -8, -5, -7, -4, 3, 8, 12, 12, 19]) / 100
PASSENGERS = np.array([0.730, 0.146, 0.039, 0.019, 0.041, 0.025])
REVELLERS = np.array([0.560, 0.220, 0.080, 0.060, 0.050, 0.030])
NEW_YEAR_MILES = 1.2
NEW_YEAR_OUTER = 1.5  # weight of routes that leave or enter Manhattan
NEW_YEAR_NIGHT = 2.0


def draw_rides(rng: np.random.Generator, *, begin: np.datetime64, rows: int, season: bool, new_year: bool) -> Columns:
    """A week of trips in order of pickup, without tip and total.

    Parameters
    ----------
    rng : Generator
    begin : datetime64
        First moment of the week, on a full hour.
    rows : int
    season : bool
        Hours follow day, week and year; distances follow the year (3 % up in July, 3 % down in January).
    new_year : bool
        More night, longer trips, more passengers.

    Returns
    -------
    dict of ndarray, each shape (rows,)
        The yellow-trip columns except `tip_amount` and `total_amount`.

    Notes
    -----
    Speed grows with distance and at night; the fare is 2.60 + 2.00 a mile + 0.29 a minute, rounded to half a dollar
    (least squares on the real January: 2.91, 2.02, 0.288); between JFK and Manhattan it is flat at 52.

    Examples
    --------
    >>> rides = draw_rides(np.random.default_rng(0), begin=np.datetime64("2024-01-01", "us"), rows=5000,
    ...                    season=True, new_year=False)
    >>> bool(1.4 < np.median(rides["trip_distance"]) < 1.7)  # miles
    True
    """
    uniform = rng.random((11, rows))
    normal = rng.standard_normal((2, rows))
    wave = _summer(begin) if season else 0.0
    pickup = _pickups(uniform[0], begin, season=season, wave=wave, night=NEW_YEAR_NIGHT if new_year else 1.0)
    hour = (pickup - pickup.astype("datetime64[D]")).astype("timedelta64[h]").astype(np.int64)
    route = _routes(uniform[1], new_year)
    scale = (1 + 0.03 * wave) * (NEW_YEAR_MILES if new_year else 1.0)
    miles = np.maximum(np.exp(_of(route, "log_miles") + _of(route, "spread") * normal[0]) * scale, 0.1).round(2)
    log_miles = np.log(miles)
    mph = np.exp(2.09 + 0.2 * log_miles + 0.075 * log_miles**2 + FASTER[hour] + 0.33 * normal[1])
    seconds = np.clip(miles / mph * 3600, 20, 3 * 3600).astype("timedelta64[s]")
    vendor = np.array([1, 2, 4])[_pick([0.376, 0.615, 0.009], uniform[2])]
    rides: Columns = {
        "vendor_id": vendor,
        "pickup_datetime": pickup,
        "dropoff_datetime": pickup + seconds,
        "passenger_count": 1 + _pick(REVELLERS if new_year else PASSENGERS, uniform[3]),
        "trip_distance": miles,
        "rate_code_id": _rate_codes(route, uniform[4]),
        "store_and_fwd_flag": np.where(uniform[5] < 0.005, "Y", "N").astype(object),
        "pickup_location_id": _zones(route, "origin", uniform[6]),
        "dropoff_location_id": _zones(route, "target", uniform[7]),
        "payment_type": np.array([1, 2, 3, 4])[_pick([0.715, 0.279, 0.0045, 0.0015], uniform[8])],
    }
    return rides | _charges(rides, tolled=uniform[9] < _of(route, "toll"), haggling=uniform[10])


def _summer(begin: np.datetime64) -> float:
    """1 in the middle of July, -1 in the middle of January."""
    day = (begin.astype("datetime64[D]") - begin.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
    return float(-np.cos(2 * np.pi * (day - 14) / 365.25))


def _pickups(uniform: Floats, begin: np.datetime64, *, season: bool, wave: float, night: float) -> Times:
    slots = begin.astype("datetime64[h]") + np.arange(168)
    days = slots.astype("datetime64[D]")
    weekday = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    hour = (slots - days).astype(np.int64)
    shape = WEEKDAY[weekday] * np.where(weekday < 5, WORKDAY[hour], WEEKEND[hour])
    weights = shape * (1 + 0.1 * wave * NIGHT[hour]) if season else np.ones(168)
    edges = np.concatenate([[0.0], np.cumsum(weights * np.where(NIGHT[hour], night, 1.0))])
    moments = np.interp(np.sort(uniform) * edges[-1], edges, np.arange(169.0) * 3600)
    times: Times = begin.astype("datetime64[us]") + moments.astype("timedelta64[s]")
    return times


def _routes(uniform: Floats, new_year: bool) -> Ints:
    outer = np.array([{r.origin, r.target} != {"Manhattan"} and r.origin != "Unknown" for r in ROUTES])
    shares = np.array([r.share for r in ROUTES])
    return _pick(shares * np.where(outer & new_year, NEW_YEAR_OUTER, 1.0), uniform)


def _zones(route: Ints, end: str, uniform: Floats) -> Ints:
    places = np.array([getattr(r, end) for r in ROUTES])
    zones = np.zeros(len(route), dtype=np.int64)
    for place in np.unique(places):
        here = np.isin(route, np.flatnonzero(places == place))
        ids = np.array((BUSIEST.get(place) or ZONES[place]).split(), dtype=np.int64)
        fading = np.exp(-np.arange(len(ids)) / (0.28 * len(BUSIEST[place].split()))) if place in BUSIEST else ids > 0
        zones[here] = ids[_pick(fading, uniform[here])]
    return zones


def _rate_codes(route: Ints, uniform: Floats) -> Ints:
    flat = np.array([{r.origin, r.target} == {"JFK", "Manhattan"} for r in ROUTES])
    newark = np.array([r.target == "EWR" for r in ROUTES])
    codes = np.where(flat[route], 2, np.where(newark[route], 3, 1))
    return np.where((uniform < 0.006) & (codes == 1), 5, codes)  # 5: negotiated


def _charges(rides: Columns, *, tolled: NDArray[np.bool_], haggling: Floats) -> Columns:
    code, pickup = rides["rate_code_id"], rides["pickup_datetime"]
    minutes = (rides["dropoff_datetime"] - pickup) / np.timedelta64(1, "m")
    metered = 2.6 + 2.0 * rides["trip_distance"] + 0.29 * minutes + 17.5 * (code == 3)
    fare = np.select([code == 2, code == 5], [52.0, np.rint(metered * (1 + haggling)) + 10], np.rint(2 * metered) / 2)
    congestion = 2.5 * (_in_centre(rides["pickup_location_id"]) | _in_centre(rides["dropoff_location_id"]))
    hour = (pickup - pickup.astype("datetime64[D]")).astype("timedelta64[h]").astype(np.int64)
    workday = (pickup.astype("datetime64[D]").astype(np.int64) + 3) % 7 < 5
    rush = workday & (hour >= 16) & (hour < 20)
    extra = np.select([code != 1, rush, (hour >= 20) | (hour < 6)], [0.0, 1.0, 0.5], 0.0)
    return {
        "fare_amount": fare,
        # Vendor 1 books the congestion surcharge in `extra` as well, in the real files too.
        "extra": extra + np.where(rides["vendor_id"] == 1, congestion, 0.0),
        "mta_tax": np.where((code == 3) | (code == 5), 0.0, 0.5),
        "tolls_amount": np.where(tolled, np.where(code == 3, 10.5, 5.76), 0.0),
        "improvement_surcharge": np.full(len(fare), 0.3),
        "congestion_surcharge": congestion,
    }


def _in_centre(zones: Ints) -> NDArray[np.bool_]:
    north = np.array(NORTH.split(), dtype=np.int64)
    return np.asarray((boroughs(zones) == "Manhattan") & ~np.isin(zones, north))


def _of(route: Ints, name: str) -> Floats:
    return np.array([getattr(r, name) for r in ROUTES], dtype=np.float64)[route]


def _pick(weights: ArrayLike, uniform: Floats) -> Ints:
    """Index drawn with these weights, by inverting the distribution function."""
    edges = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.searchsorted(edges[:-1] / edges[-1], uniform, side="right").astype(np.int64)
