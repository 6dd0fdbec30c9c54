"""Which batches still have stages ahead of them, read from what is stored."""

from __future__ import annotations

from upkeep.ports import Datasets, Documents, VersionStore

VALIDATED = ("raw", "clean", "prepared")


def open_batches(datasets: Datasets, documents: Documents, versions: VersionStore, *, dataset: str) -> list[str]:
    """Batches that are in, but in no dataset version yet, oldest first.

    A batch that a validation has refused is left out: it would be refused again, and hold up the others.
    """
    made = versions.versions(dataset)
    done = set(made[-1].meta["batches"]) if made else set()
    waiting = [batch.batch for batch in datasets.batches(f"{dataset}/raw") if batch.batch not in done]
    return [batch for batch in waiting if not refused(documents, dataset, batch)]


def refused(documents: Documents, dataset: str, batch: str) -> bool:
    """Whether a validation at any point has said no to a batch."""
    records = (documents.get("validations", f"{dataset}/{table}/{batch}") for table in VALIDATED)
    return any(record is not None and record["verdict"] == "fail" for record in records)
