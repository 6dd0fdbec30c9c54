"""MLflow stores for tests; the tables, which take seconds to create, are created once."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from upkeep.adapters.mlflow_tracker import MlflowTracker
from upkeep.adapters.workspace import Workspace


@cache
def _tables() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        workspace.quieten()
        tracker_of(workspace).version("none", "champion")
        return (Path(folder) / "mlflow.db").read_bytes()


def tracker_of(workspace: Workspace, experiment: str = "upkeep") -> MlflowTracker:
    uri = f"sqlite:///{workspace.root / 'mlflow.db'}"
    return MlflowTracker(uri, workspace.artifacts, workspace.root, experiment=experiment)


def new_tracker(folder: Path) -> MlflowTracker:
    """A tracker over an empty store in `folder`."""
    (folder / "mlflow.db").write_bytes(_tables())
    return tracker_of(Workspace(folder))
