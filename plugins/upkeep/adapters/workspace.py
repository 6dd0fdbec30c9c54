"""Where everything is kept: one folder, and the environment that keeps every tool quiet, offline and inside it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from upkeep.errors import InputError

#: Schemes of addresses that cannot lead to this machine's own files.
REMOTE = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "hdfs", "http", "https", "memory")


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folder `UPKEEP_HOME` (default ``./var``); `trusted` are sources that the DAGs' author has named."""

    root: Path
    trusted: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, *, trusted: Sequence[str] = ()) -> Workspace:
        """The workspace of this process; also sets the tools' environment."""
        workspace = cls(Path(os.environ.get("UPKEEP_HOME", "var")).absolute(), tuple(trusted))
        workspace.root.mkdir(parents=True, exist_ok=True)
        workspace.quieten()
        return workspace

    @property
    def inbox(self) -> Path:
        """Where new batches are dropped."""
        return self.root / "inbox"

    @property
    def data(self) -> Path:
        """Parquet datasets."""
        return self.root / "data"

    @property
    def records(self) -> Path:
        """JSON records: health reports, decisions, verdicts."""
        return self.root / "records"

    @property
    def reports(self) -> Path:
        """Pages and pictures for people; all that the UI serves."""
        return self.root / "reports"

    @property
    def versions(self) -> Path:
        """The git + DVC repository of dataset versions."""
        return self.root / "versions"

    @property
    def remote(self) -> Path | str:
        """DVC's remote: the URL `UPKEEP_DVC_REMOTE` (``s3://bucket/versions``), or a folder here."""
        url = os.environ.get("UPKEEP_DVC_REMOTE", "")
        return url if "://" in url else Path(url) if url else self.root / "remote"

    @property
    def tracking_uri(self) -> str:
        """MLflow's address: `MLFLOW_TRACKING_URI`, or a SQLite file here."""
        return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{self.root / 'mlflow.db'}"

    @property
    def artifacts(self) -> Path:
        return self.root / "mlartifacts"

    def source(self, uri: str) -> str:
        """The address of a source: a URL as it is, a path taken from the inbox and kept inside the allowed roots.

        Allowed are the inbox, the trusted sources, and the folders of `UPKEEP_SOURCES` (separated like PATH): a run's
        own parameters come from whoever may start it.
        """
        scheme, separator, _ = uri.partition("://")
        # A chained URL or local:// could lead to any file of this machine.
        if "::" in uri or (separator and scheme not in (*REMOTE, "file")):
            raise InputError(f"a source must be a path, or a URL of {', '.join(REMOTE)} or file, got {uri!r}.")
        if separator and scheme != "file":
            return uri
        path = (self.inbox / uri.removeprefix("file://")).resolve()
        named = [part for part in os.environ.get("UPKEEP_SOURCES", "").split(os.pathsep) if part]
        named += [part.removeprefix("file://") for part in self.trusted if "://" not in part.removeprefix("file://")]
        allowed = [self.inbox, *(self.inbox / part for part in named)]
        if not any(path.is_relative_to(root.resolve()) for root in allowed):
            raise InputError(
                f"a source must lie under {' or '.join(str(root) for root in allowed)}, got {uri!r}. "
                "Move the file there, or add its folder to UPKEEP_SOURCES."
            )
        return str(path)

    def quieten(self) -> None:
        """Telemetry off, caches inside the workspace, no progress bars in task logs. A value already set is kept."""
        quiet = {
            "DO_NOT_TRACK": "true",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
            "MLFLOW_LOGGING_LEVEL": "WARNING",
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # an unreachable server fails the task within seconds, not minutes
            "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
            "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
            "GX_ANALYTICS_ENABLED": "false",
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(self.root / ".dvc-site"),
            "MPLCONFIGDIR": str(self.root / ".matplotlib"),
            "MPLBACKEND": "Agg",
        }
        for name, value in quiet.items():
            os.environ.setdefault(name, value)
