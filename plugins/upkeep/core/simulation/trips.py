"""Weeks of yellow-cab trips with labels that come late, and incidents that can be switched on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, concatenate, row_count, select
from upkeep.core.identity import row_ids
from upkeep.core.simulation.boroughs import boroughs
from upkeep.core.simulation.incidents import Incidents
from upkeep.core.simulation.rides import draw_rides
from upkeep.core.simulation.tipping import draw_tips, generous
from upkeep.errors import InputError

#: What identifies a trip. Not the tip, nor the total: they are known later.
KEY = (
    "vendor_id",
    "pickup_datetime",
    "dropoff_datetime",
    "pickup_location_id",
    "dropoff_location_id",
    "trip_distance",
    "fare_amount",
)
#: The yellow-trip schema in the order of the Commission's files.
COLUMNS = (
    "vendor_id",
    "pickup_datetime",
    "dropoff_datetime",
    "passenger_count",
    "trip_distance",
    "rate_code_id",
    "store_and_fwd_flag",
    "pickup_location_id",
    "dropoff_location_id",
    "payment_type",
    "fare_amount",
    "extra",
    "mta_tax",
    "tip_amount",
    "tolls_amount",
    "improvement_surcharge",
    "total_amount",
    "congestion_surcharge",
)
WEEK = np.timedelta64(7, "D")
LATEST_WEEKS = 4  # no label comes later than this many weeks after its trip's own


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedWeek:
    """What a source would deliver at the end of a week.

    `trips` are the week's trips with the tips known by then. `feedback` are the labels of earlier weeks' trips that
    became known in this week: `prediction_id`, `observed_at`, `label`, in order of `observed_at`.
    """

    trips: Columns = field(repr=False)
    feedback: Columns = field(repr=False)


def generate_week(
    week: int, *, start: np.datetime64 | str, rows: int, seed: int, incidents: Incidents | None = None
) -> GeneratedWeek:
    """One week of a simulated life; any week can be made alone, and is the same whatever was made before.

    Parameters
    ----------
    week : int
        Number of the week, from 0.
    start : datetime64 or str
        First moment of week 0, on a full hour.
    rows : int
        Trips a week, at least 1.
    seed : int
        Seed of the whole life, not negative.
    incidents : Incidents, optional
        By default seasons and nothing else.

    Returns
    -------
    GeneratedWeek
        `tip_amount` is NaN where the label is not known at the end of the week, and `total_amount` is then the sum
        of the other charges, so that it tells nothing of the tip.

    Raises
    ------
    InputError
        If an argument is out of its range.

    Notes
    -----
    90 % of the labels come some hours after the dropoff (mean 3 h), 8 % after 7 to 21 days, 2 % never, independent
    of the trip; `Incidents.late_borough` makes it depend on the place.

    Examples
    --------
    >>> made = generate_week(3, start="2024-10-07", rows=1000, seed=1)
    >>> bool(0.85 < np.isfinite(made.trips["tip_amount"]).mean() < 0.95)
    True
    >>> sorted(made.feedback)
    ['label', 'observed_at', 'prediction_id']
    """
    begin = _checked(week, start, rows, seed)
    incidents = incidents or Incidents()
    trips, observed_at = _whole_week(week, begin, rows, seed, incidents)
    until = begin + WEEK * (week + 1)
    known = observed_at < until  # NaT compares false
    tips = trips["tip_amount"]
    trips["tip_amount"] = np.where(known, tips, np.nan)
    trips["total_amount"] = (trips["total_amount"] - np.where(known, 0.0, tips)).round(2)
    late = [
        _labels_between(_whole_week(earlier, begin, rows, seed, incidents), until - WEEK, until)
        for earlier in range(max(0, week - LATEST_WEEKS), week)
    ]
    return GeneratedWeek(trips=trips, feedback=_in_order(late))


def _checked(week: int, start: np.datetime64 | str, rows: int, seed: int) -> np.datetime64:
    if week < 0 or rows < 1 or seed < 0:
        raise InputError(
            f"week and seed must be at least 0 and rows at least 1, got week {week}, seed {seed}, rows {rows}."
        )
    try:
        begin = np.array([start], dtype="datetime64[us]")
    except ValueError as err:
        raise InputError(f"start must be a date, got {start!r}. Write it like 2024-01-01.") from err
    if np.isnat(begin[0]) or begin[0] != begin[0].astype("datetime64[h]"):
        raise InputError(f"start must be a date or a full hour, got {start!r}. Write it like 2024-01-01.")
    first: np.datetime64 = begin[0]
    return first


def _whole_week(
    week: int, start: np.datetime64, rows: int, seed: int, incidents: Incidents
) -> tuple[Columns, NDArray[np.datetime64]]:
    """A week's trips with every tip, and when each label is known (NaT: never)."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, week]))
    rides = draw_rides(
        rng,
        begin=start + WEEK * week,
        rows=rows,
        season=incidents.season,
        new_year=week == incidents.new_year_week,
    )
    tips = draw_tips(rng, rides, changed=incidents.concept(week))
    observed_at = _observation_times(rng, rides, incidents.late_borough if incidents.late(week) else None)
    meter = rng.random((2, rows))  # drawn in every week, so that the stream does not depend on the incident
    if week == incidents.broken_meter_week:
        rides |= _broken(rides, meter, incidents.broken_meter_share)
    total = rides["fare_amount"] + rides["extra"] + rides["mta_tax"] + rides["improvement_surcharge"]
    total = total + tips + rides["tolls_amount"] + np.where(rides["vendor_id"] == 1, 0, rides["congestion_surcharge"])
    rides |= {"tip_amount": tips, "total_amount": total.round(2)}
    return {name: rides[name] for name in COLUMNS}, observed_at


def _observation_times(rng: np.random.Generator, rides: Columns, late_borough: str | None) -> NDArray[np.datetime64]:
    kind, wait = rng.random((2, row_count(rides)))
    hours = np.where(kind < 0.90, np.minimum(-3 * np.log1p(-wait), 48), (7 + 14 * wait) * 24)
    if late_borough is not None:
        here = boroughs(rides["pickup_location_id"]) == late_borough
        hours = np.where(here, (10 + 14 * wait) * 24, hours)
    observed = rides["dropoff_datetime"] + np.ceil(hours * 3600).astype("timedelta64[s]")
    return np.where(kind < 0.98, observed, np.datetime64("NaT"))


def _broken(rides: Columns, meter: NDArray[np.float64], share: float) -> Columns:
    hit = (rides["vendor_id"] == 2) & (meter[0] < share)
    fault = np.floor(3 * meter[1])
    miles = rides["trip_distance"]
    return {
        "trip_distance": np.select([hit & (fault == 0), hit & (fault == 1)], [0.0, (miles * 100).round(0)], miles),
        "fare_amount": np.where(hit & (fault == 2), 0.0, rides["fare_amount"]),
    }


def _labels_between(
    made: tuple[Columns, NDArray[np.datetime64]], since: np.datetime64, until: np.datetime64
) -> Columns:
    trips, observed_at = made
    rows = (observed_at >= since) & (observed_at < until)
    known = select(trips, rows)
    return {
        "prediction_id": row_ids(known, KEY),
        "observed_at": observed_at[rows],
        "label": generous(known["tip_amount"], known["fare_amount"]).astype(np.int64),
    }


def _in_order(parts: list[Columns]) -> Columns:
    empty: Columns = {
        "prediction_id": np.empty(0, np.int64),
        "observed_at": np.empty(0, "datetime64[us]"),
        "label": np.empty(0, np.int64),
    }
    together = concatenate([empty, *parts])
    return select(together, np.argsort(together["observed_at"], kind="stable"))
