"""Ctrl-C during the demo leaves no process behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
REPO = Path(__file__).parents[2]


def _started_below(home):
    """Processes that were started with `home` in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except psutil.Error:
            continue
        if str(home) in environment.get("UPKEEP_HOME", ""):
            found.append(process)
    return found


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM])
def test_an_ended_demo_leaves_no_process_behind(tmp_path, ended_by):
    home = tmp_path / "home"
    upkeep = [sys.executable, "-m", "upkeep.cli.main", "demo", "--home", str(home)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UPKEEP_")}
    demo = subprocess.Popen(
        upkeep, cwd=REPO, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        until = time.monotonic() + 120
        while (
            len(_started_below(home)) < 8 and time.monotonic() < until
        ):  # MLflow is up, and Airflow's parts are starting
            assert demo.poll() is None
            time.sleep(0.5)
        assert len(_started_below(home)) >= 8
        demo.send_signal(ended_by)
        _, said = demo.communicate(timeout=120)
    finally:
        demo.kill()
        left = _started_below(home)
        for process in left:
            process.kill()
    assert demo.returncode == 130
    assert said.splitlines()[-1] == "stopped"
    assert left == []
