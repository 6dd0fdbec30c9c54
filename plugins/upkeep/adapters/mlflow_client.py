"""A connection to MLflow that neither breaks an empty database nor hides who failed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from upkeep.adapters.atomic_files import exclusive, move_into_place
from upkeep.core.addresses import without_credentials
from upkeep.errors import BackendError

SQLITE = "sqlite:///"


def connect(uri: str, lock_folder: Path) -> Any:
    """An `MlflowClient` of its own: neither the process's tracking URI nor its active run is touched.

    Processes that open an empty SQLite database at the same time break it for good, and so does one that is killed
    while it creates the tables. So one process at a time creates them, in a scratch file that is then renamed.
    """
    from mlflow import MlflowClient

    with exclusive(lock_folder):
        if uri.startswith(SQLITE):
            _create_database(Path(uri.removeprefix(SQLITE)))
        return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _create_database(path: Path) -> None:
    from mlflow import MlflowClient

    if path.exists() and path.stat().st_size:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    scratch.unlink(missing_ok=True)
    MlflowClient(tracking_uri=f"{SQLITE}{scratch}", registry_uri=f"{SQLITE}{scratch}")
    move_into_place(scratch, path)


@contextmanager
def mlflow_errors(uri: str, action: str) -> Iterator[None]:
    """MLflow's errors, and those of the network and the disk below it, as `BackendError`."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as err:
        address, reason = without_credentials(uri), without_credentials(str(err))
        raise BackendError(
            f"MLflow at {address} must be able to {action}, but: {reason[:500].rstrip('. ')}. "
            "See that it is running and that MLFLOW_TRACKING_URI names it, and run this again."
        ) from err


def does_not_exist(err: Any) -> bool:
    """Whether an `MlflowException` says that a model, a version, an alias or a run is not there."""
    return err.error_code == "RESOURCE_DOES_NOT_EXIST" or ("alias" in str(err) and "not found" in str(err))
