"""The running example: will this rider tip more than 20 % of the fare?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns
from upkeep.core.simulation.boroughs import boroughs
from upkeep.core.simulation.tipping import generous
from upkeep.errors import InputError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

NUMBERS = (
    "trip_distance",
    "duration_min",
    "speed_mph",
    "fare_amount",
    "passenger_count",
    "hour",
    "weekday",
    "congestion_surcharge",
    "extra",
    "tolls_amount",
)
TEXTS = ("pickup_borough", "dropoff_borough", "payment_type", "rate_code_id")
#: The column that says when a tip known at ingest became known.
LABEL_TIME = "dropoff_datetime"

PAYMENTS = {1: "card", 2: "cash", 3: "no charge", 4: "dispute"}
RATES = {1: "standard", 2: "JFK", 3: "Newark", 4: "Nassau or Westchester", 5: "negotiated", 6: "group"}
_NEEDED = (
    "row_id",
    "pickup_datetime",
    "dropoff_datetime",
    "passenger_count",
    "trip_distance",
    "rate_code_id",
    "pickup_location_id",
    "dropoff_location_id",
    "payment_type",
    "fare_amount",
    "extra",
    "tolls_amount",
    "congestion_surcharge",
)


def tip_features(trips: Columns) -> Columns:
    """What is known of a trip when it ends, and nothing of the tip.

    Parameters
    ----------
    trips : dict of ndarray, each shape (n,)
        Yellow-trip columns and `row_id`. `tip_amount` and `total_amount`, which holds the tip, are not looked at.

    Returns
    -------
    dict of ndarray, each shape (n,)
        `row_id`, `pickup_datetime`, `NUMBERS` as float64 (`speed_mph` NaN for a trip without duration) and `TEXTS`
        as text ("unknown" for a code without a meaning).

    Raises
    ------
    InputError
        If a column is absent.
    """
    absent = [name for name in _NEEDED if name not in trips]
    if absent:
        raise InputError(f"the trips must have the columns {list(_NEEDED)}; {absent} are absent. Ingest them first.")
    pickup = trips["pickup_datetime"].astype("datetime64[us]")
    day = pickup.astype("datetime64[D]")
    minutes = (trips["dropoff_datetime"].astype("datetime64[us]") - pickup) / np.timedelta64(1, "m")
    miles = trips["trip_distance"].astype(np.float64)
    speed = np.divide(60 * miles, minutes, out=np.full(len(miles), np.nan), where=minutes > 0)
    as_they_are = ("fare_amount", "passenger_count", "congestion_surcharge", "extra", "tolls_amount")
    numbers = {name: trips[name].astype(np.float64) for name in as_they_are} | {
        "trip_distance": miles,
        "duration_min": minutes,
        "speed_mph": speed,
        "hour": ((pickup - day) // np.timedelta64(1, "h")).astype(np.float64),
        "weekday": ((day.astype(np.int64) + 3) % 7).astype(np.float64),  # Monday 0; 1970-01-01 was a Thursday
    }
    texts = {
        "pickup_borough": boroughs(trips["pickup_location_id"]),
        "dropoff_borough": boroughs(trips["dropoff_location_id"]),
        "payment_type": _meaning(trips["payment_type"], PAYMENTS),
        "rate_code_id": _meaning(trips["rate_code_id"], RATES),
    }
    columns: Columns = {"row_id": trips["row_id"], "pickup_datetime": pickup}
    return columns | {name: numbers[name] for name in NUMBERS} | {name: texts[name] for name in TEXTS}


def tipped(trips: Columns) -> NDArray[np.float64]:
    """1.0 where the tip is more than 20 % of the fare, 0.0 where it is not, NaN where it is not known yet.

    Examples
    --------
    >>> tipped({"tip_amount": np.array([2.1, 2.0, np.nan]), "fare_amount": np.array([10.0, 10.0, 10.0])})
    array([ 1.,  0., nan])
    """
    return generous(trips["tip_amount"], trips["fare_amount"])


def tip_model(
    *,
    max_iter: int = 80,
    learning_rate: float = 0.1,
    max_leaf_nodes: int = 15,
    min_samples_leaf: int = 50,
    seed: int = 0,
) -> Pipeline:
    """Gradient-boosted trees over `tip_features`; takes a data frame and ignores every other column.

    Missing numbers go to the trees as they are; a text not seen in training counts as none of the known ones.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder

    one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=20, sparse_output=False)
    columns = ColumnTransformer([("text", one_hot, list(TEXTS)), ("number", "passthrough", list(NUMBERS))])
    trees = HistGradientBoostingClassifier(
        max_iter=max_iter,
        learning_rate=learning_rate,
        max_leaf_nodes=max_leaf_nodes,
        min_samples_leaf=min_samples_leaf,
        early_stopping=False,
        random_state=seed,
    )
    return Pipeline([("columns", columns), ("trees", trees)])


def _meaning(codes: NDArray[np.number], words: dict[int, str]) -> NDArray[np.object_]:
    texts = np.full(len(codes), "unknown", dtype=object)
    for code, word in words.items():
        texts[codes == code] = word
    return texts
