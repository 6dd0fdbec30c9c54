"""Who tips, and how much: the relation between a trip and its label."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from upkeep.core.columns import Columns
from upkeep.core.simulation.boroughs import boroughs

Floats = NDArray[np.float64]


def generous(tip: ArrayLike, fare: ArrayLike) -> Floats:
    """1.0 where the tip is more than 20 % of the fare, 0.0 where it is not, NaN where the tip is not known.

    Counted in cents: 1.30 on 6.50 is exactly 20 %, and in binary floats it would be more.

    Examples
    --------
    >>> generous([1.30, 1.31, float("nan")], [6.5, 6.5, 6.5])
    array([ 0.,  1., nan])
    """
    tip_cents, fare_cents = np.rint(np.asarray(tip, np.float64) * 100), np.rint(np.asarray(fare, np.float64) * 100)
    return np.where(np.isnan(tip_cents), np.nan, (5 * tip_cents > fare_cents).astype(np.float64))


def tip_probability(rides: Columns, *, changed: bool) -> Floats:
    """P(tip > 20 % of the fare | trip), shape (n,): 0 unless the fare is paid by card.

    Parameters
    ----------
    rides : dict of ndarray
        As `draw_rides` makes them, before any meter breaks.
    changed : bool
        False: the longer the trip, the rarer the big tip, as in the real sample (0.85 at half a mile, 0.6 at ten).
        True: the app's default tip has become a fixed sum; short trips fall to 0.27, trips over 2 miles rise to 0.86.
    """
    log_miles = np.log(rides["trip_distance"])
    clock = rides["pickup_datetime"]
    hour = (clock - clock.astype("datetime64[D]")).astype("timedelta64[h]").astype(np.int64)
    mood = 0.25 * ((hour >= 21) | (hour < 5)) + 0.05 * (rides["passenger_count"] - 1)
    outer = boroughs(rides["dropoff_location_id"]) != "Manhattan"
    if changed:
        logit = 0.4 + 1.4 * np.tanh(4 * (log_miles - np.log(1.4))) + 0.3 * outer + mood
    else:
        logit = 1.45 - 0.35 * log_miles - 0.3 * outer + mood
    return np.where(rides["payment_type"] == 1, 1 / (1 + np.exp(-logit)), 0.0)


def draw_tips(rng: np.random.Generator, rides: Columns, *, changed: bool) -> Floats:
    """Tip of each ride in dollars, shape (n,).

    Big tips are the terminal's 20, 25 and 30 % buttons, reckoned on fare and surcharges, hence always above 20 % of
    the fare. Other card riders give nothing (15 %) or up to 19 %. The same generator state gives two relations the
    same riders.
    """
    rider, style, amount = rng.random((3, len(rides["fare_amount"])))
    fare = rides["fare_amount"]
    charges = fare + rides["extra"] + rides["mta_tax"] + rides["tolls_amount"] + rides["improvement_surcharge"]
    button = np.select([style < 0.75, style < 0.92], [0.20, 0.25], 0.30)
    small = np.where(style < 0.15, 0.0, np.floor(fare * 19 * amount) / 100)
    big = np.ceil(charges * button * 100) / 100
    tips = np.where(rider < tip_probability(rides, changed=changed), big, small)
    return np.where(rides["payment_type"] == 1, tips, 0.0)
