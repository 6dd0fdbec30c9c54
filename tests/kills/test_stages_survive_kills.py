"""Killed anywhere and run again, a stage leaves the same state as if it had never been killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.kills.controls import CONTROLS
from tests.kills.stages import ROWS_BY_NAME

ROOT = Path(__file__).parents[2]
Ask = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """A process without threads that imports the tools once and forks for each run."""
    log = tmp_path_factory.mktemp("kills") / "server.log"
    one_thread = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    quiet = {"DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "DVC_NO_ANALYTICS": "1"}
    own = {name: value for name, value in os.environ.items() if not name.startswith(("UPKEEP_", "MLFLOW_", "DVC_"))}
    path = {"PYTHONPATH": os.pathsep.join([str(ROOT / "plugins"), str(ROOT)])}
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "tests.kills.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=own | path | one_thread | quiet,
            cwd=tmp_path_factory.mktemp("cwd"),
        ) as server,
    ):
        assert server.stdin is not None
        assert server.stdout is not None
        answers = iter(server.stdout)

        def asked(name: str) -> dict[str, Any]:
            print(name, file=server.stdin, flush=True)
            line = next(answers, "")  # each fork in there has its own time limit
            assert line, f"the process that forks has died:\n{log.read_text()[-4000:]}"
            found: dict[str, Any] = json.loads(line)
            return found

        yield asked
        server.stdin.close()


@pytest.mark.kills
@pytest.mark.parametrize("name", ROWS_BY_NAME)
def test_a_stage_survives_kills(name: str, ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    found = ask(name)
    assert "failure" not in found, found["failure"]
    kills = found["sigkill"] + found["sigterm"]
    assert kills == ROWS_BY_NAME[name].kills
    with capsys.disabled():
        print(
            f"\n{name}: {kills} kills ({found['sigkill']} SIGKILL, {found['sigterm']} SIGTERM) over {found['events']} "
            f"changes, all states equal, {found['seconds']:.0f} s"
        )


@pytest.mark.kills
@pytest.mark.parametrize("name", CONTROLS)
def test_a_stage_that_is_careless_is_found_out(name: str, ask: Ask) -> None:
    assert "must be" in ask(name)["failure"]


@pytest.mark.kills
def test_there_are_enough_kills() -> None:
    assert sum(row.kills for row in ROWS_BY_NAME.values()) >= 40
