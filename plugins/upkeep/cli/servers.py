"""Airflow and MLflow on this machine's loopback, started and stopped by us."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import httpx
import psutil

from upkeep.errors import BackendError

STARTED_WITHIN_S = 300.0
STOPPED_WITHIN_S = 60.0


def free_port() -> int:
    """A loopback port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A process tree of ours: started in a session of its own, and ended with all its children."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path, health: str) -> None:
        self._log = log
        self._health = health
        log.parent.mkdir(parents=True, exist_ok=True)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            # A shell's background jobs ignore SIGINT, and so would the server, which is asked to end by it.
            signal.signal(signal.SIGINT, signal.default_int_handler)
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, env=dict(environment), stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )

    def wait(self) -> None:
        """Return when the server answers; an error ends with the last lines of its log."""
        until = time.monotonic() + STARTED_WITHIN_S
        while time.monotonic() < until and self._process.poll() is None:
            if self._answers():
                return
            time.sleep(0.5)
        tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])
        raise BackendError(
            f"{self._health} must answer within {STARTED_WITHIN_S:.0f} s, but did not. {self._log} ends:\n{tail}"
        )

    def _answers(self) -> bool:
        try:
            answer = httpx.get(self._health, timeout=5)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200 and '"unhealthy"' not in answer.text and '"status":null' not in answer.text

    def memory_mib(self) -> float:
        """Proportional memory of the whole tree."""
        total = 0
        for process in self._tree():
            try:
                about = process.memory_full_info()
            except psutil.Error:
                continue
            total += getattr(about, "pss", about.rss)
        return total / 2**20

    def stop(self) -> None:
        """Ask the parent to end, then end whatever of its tree is still there. An impatient Ctrl-C does not stop this."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        tree = self._tree()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOPPED_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        left = {*tree, *self._tree()}  # and what was started meanwhile
        for process in left:
            if process.is_running():
                process.kill()
        psutil.wait_procs(left, timeout=10)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def _tree(self) -> set[psutil.Process]:
        """The parent, its descendants, and what a parent that has died left behind in its session."""
        found: set[psutil.Process] = set()
        for process in psutil.process_iter():
            with suppress(ProcessLookupError, PermissionError):
                if os.getsid(process.pid) == self._process.pid:
                    found.add(process)
        with suppress(psutil.NoSuchProcess):
            found.update(psutil.Process(self._process.pid).children(recursive=True))
        return found


class LocalMlflow(Server):
    """An MLflow server on SQLite, for people to look at and for tasks to log to."""

    def __init__(self, workspace: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        store, artifacts = f"sqlite:///{workspace / 'mlflow.db'}", str(workspace / "mlartifacts")
        command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store]
        command += ["--artifacts-destination", artifacts, "--host", "127.0.0.1", "--port", self.url.rpartition(":")[2]]
        environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        super().__init__(
            [*command, "--workers", "1"], environment, workspace / "logs" / "mlflow.log", f"{self.url}/health"
        )


class LocalAirflow(Server):
    """`airflow standalone` over a folder of DAGs, with a user `admin` and a password made for this start."""

    def __init__(self, home: Path, dags: Path, extra: Mapping[str, str]) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.password = secrets.token_urlsafe(9)
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        passwords = home / "passwords.json"
        passwords.touch(mode=0o600)
        passwords.write_text(json.dumps({"admin": self.password}))
        settings = {
            "CORE__LOAD_EXAMPLES": "False",
            "CORE__DAGS_FOLDER": str(dags),
            "CORE__PLUGINS_FOLDER": str(
                home / "plugins"
            ),  # Upkeep is installed here: mounting it too would load it twice
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "CORE__PARALLELISM": "4",
            "CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
            "API__HOST": "127.0.0.1",
            "API__PORT": str(port),
            "API__BASE_URL": self.url,
            "API__WORKERS": "1",
            "API_AUTH__JWT_SECRET": secrets.token_urlsafe(64),
            "DAG_PROCESSOR__REFRESH_INTERVAL": "10",
            "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        }
        environment = os.environ | {f"AIRFLOW__{name}": value for name, value in settings.items()} | dict(extra)
        environment |= {"AIRFLOW_HOME": str(home), "PATH": f"{_loopback_airflow(home)}{os.pathsep}{os.environ['PATH']}"}
        log = home / "standalone.log"
        super().__init__(["airflow", "standalone"], environment, log, f"{self.url}/api/v2/monitor/health")


def _loopback_airflow(home: Path) -> Path:
    """A folder with an `airflow` that leaves out the log servers.

    `airflow standalone` starts its parts by that name; the log servers of scheduler and triggerer would listen
    on every address of the machine, with no setting to stop them, and the api-server reads local logs from disk.
    """
    folder = home / "bin"
    folder.mkdir(exist_ok=True)
    real = shutil.which("airflow", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if real is None:
        raise BackendError(
            "Airflow must be installed for this, but there is no command airflow. pip install 'upkeep[all]'."
        )
    script = folder / "airflow"
    script.write_text(
        f'#!/bin/sh\ncase "$1" in scheduler|triggerer) set -- "$@" --skip-serve-logs;; esac\nexec "{real}" "$@"\n'
    )
    script.chmod(0o755)
    return folder
