"""How much of a window validation has refused."""

from __future__ import annotations

from upkeep.core.columns import row_count
from upkeep.core.validation import REPEATED
from upkeep.ports import Batch, Datasets


def quarantine_share(datasets: Datasets, dataset: str, since: str, until: str) -> float:
    """Share of refused rows in the batches of which most rows lie in [since, until); 0 without a dataset.

    Rows that were only delivered twice are not counted: they say nothing about the source's health.
    """
    if not dataset:
        return 0.0
    near = [b for b in datasets.batches(f"{dataset}/clean") if b.rows and b.since < until and b.until >= since]
    clean = {b.batch: b.rows for b in near if 2 * _rows_in(datasets, b, since, until) >= b.rows}
    # by id, as the time of a refused row may be what is wrong with it; an id may be followed by the point of validation
    quarantine = [b.batch for b in datasets.batches(f"{dataset}/quarantine") if b.batch.startswith(tuple(clean))]
    if not quarantine:
        return 0.0
    reasons = datasets.read(f"{dataset}/quarantine", batches=quarantine, columns=["reasons"])["reasons"]
    refused = sum(str(reason) != f"{REPEATED}(row_id)" for reason in reasons.tolist())
    return refused / (refused + sum(clean.values()))


def _rows_in(datasets: Datasets, batch: Batch, since: str, until: str) -> int:
    table = datasets.read(batch.dataset, batches=[batch.batch], since=since, until=until, columns=[batch.meta["time"]])
    return row_count(table)
