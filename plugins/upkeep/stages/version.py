"""Make a dataset version of one batch that has been validated and prepared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from upkeep.errors import InputError
from upkeep.ports import Batch, Datasets, DatasetVersion, Json, VersionStore


def version_dataset(
    datasets: Datasets,
    versions: VersionStore,
    *,
    dataset: str,
    batch: str,
    tables: Sequence[str] = ("clean", "features"),
    meta: Json,
) -> DatasetVersion:
    """The version of the dataset that holds this batch and all that were added before it.

    Parameters
    ----------
    datasets, versions
        Where the tables are read, and where the version is kept.
    dataset, batch : str
        As in ``yellow_trips``, and the batch's id.
    tables : sequence of str
        Tables to version, each as one file ``<table>/<batch>.parquet``. The last one gives the version's date,
        which is the day of the batch's first row, and its rows.
    meta : mapping
        Facts to keep with the version: source, validation id, and so on. `batch` is added.

    Returns
    -------
    DatasetVersion
        The same content always gives the same version, however often this runs and wherever it was killed before.

    Raises
    ------
    InputError
        If a table does not hold the batch, or the batch has no rows.
    """
    if not tables:
        raise InputError(f"a version of {dataset} must have tables, got none. Name them, as in clean and features.")
    found = [_found(datasets, f"{dataset}/{table}", batch) for table in tables]
    last = found[-1]
    if not last.rows:
        raise InputError(f"batch {batch} of {last.dataset} must have rows to be versioned, but has none. Leave it out.")
    return versions.add(
        dataset,
        {f"{table}/{batch}.parquet": _writer(datasets, f"{dataset}/{table}", batch) for table in tables},
        date=last.since[:10],
        rows=last.rows,
        meta=meta | {"batch": batch},
    )


def _found(datasets: Datasets, name: str, batch: str) -> Batch:
    found = datasets.find(name, batch)
    if found is None:
        raise InputError(
            f"dataset {name} must hold batch {batch!r}, but does not. Run the stage that writes {name} first."
        )
    return found


def _writer(datasets: Datasets, name: str, batch: str) -> Callable[[str], None]:
    return partial(datasets.export, name, batch)
