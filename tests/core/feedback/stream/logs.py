"""Two logs as columns, and the exact join of them."""

import numpy as np

from upkeep.core.columns import select
from upkeep.core.feedback.join import join_labels
from upkeep.core.feedback.stream.keys import id_keys
from upkeep.core.feedback.stream.tallies import Tallies

DAY = np.datetime64("2024-01-01", "us")


def days(numbers):
    return DAY + np.array(numbers, dtype="timedelta64[D]")


def predictions(ids):
    """The rest of a row follows from its id, so that a row that comes twice is the same row."""
    number = np.array(ids, dtype=np.int64)
    score = (number * 7 % 10) / 9
    return {
        "prediction_id": number,
        "predicted_at": days(number % 4),
        "bucket": number % 3,
        "score": score,
        "prediction": (score >= 0.5).astype(np.int64),
    }


def feedback(entries):
    ids, when, labels = zip(*entries, strict=True) if entries else ((), (), ())
    return {
        "prediction_id": np.array(ids, dtype=np.int64),
        "observed_at": days(when),
        "label": np.array(labels, dtype=np.int64),
    }


def exact(policy, ids, entries):
    """Tallies of the batch join, and its pairs, the latest outcome last."""
    made = predictions(list(dict.fromkeys(ids)))
    joined = join_labels(made, feedback(entries), DAY + np.timedelta64(1000, "D"))
    empty = Tallies.empty(policy.outcomes, slots=policy.slots, buckets=policy.buckets)
    tallies = empty.arrived(slots_of(policy, joined), joined["bucket"])
    pairs = select(joined, ~np.isnan(joined["label"]))
    pairs["weight"] = np.ones(len(pairs["label"]), dtype=np.int64)
    order = np.lexsort((id_keys(pairs["prediction_id"]), pairs["observed_at"]))
    return tallies.add(policy.outcomes, slots_of(policy, pairs), pairs), select(pairs, order)


def slots_of(policy, rows):
    return rows["predicted_at"].astype(np.int64) // policy.slot_us
