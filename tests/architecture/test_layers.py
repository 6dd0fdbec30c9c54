"""The import contracts of pyproject.toml hold, and each of them can fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint(plugins: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--config", str(ROOT / "pyproject.toml")]
    # The folder comes first, so that a copy wins over an installed package.
    env = os.environ | {"PYTHONPATH": str(plugins)}
    done = subprocess.run([*command, "--cache-dir", str(cache)], cwd=plugins, env=env, capture_output=True, text=True)
    return done


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    kept = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "plugins" / "upkeep", tmp_path / "plugins" / "upkeep", ignore=kept)
    return tmp_path / "plugins"


def test_the_contracts_are_kept(tmp_path):
    done = lint(ROOT / "plugins", tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line", "complaint"),
    [
        ("core/strayed.py", "import pyarrow", "upkeep.core is not allowed to import pyarrow"),
        ("core/strayed.py", "import upkeep.ports", "upkeep.core is not allowed to import upkeep.ports"),
        ("core/strayed.py", "def f():\n    import airflow", "upkeep.core is not allowed to import airflow"),
        ("stages/strayed.py", "import upkeep.adapters.workspace", "upkeep.stages is not allowed to import"),
        ("adapters/strayed.py", "import upkeep.stages", "upkeep.adapters is not allowed to import upkeep.stages"),
        ("operators/strayed.py", "import mlflow", "upkeep.operators is not allowed to import mlflow"),
        ("strayed.py", "", "strayed"),
    ],
)
def test_a_module_in_the_wrong_room_breaks_them(copy, tmp_path, module, line, complaint):
    (copy / "upkeep" / module).write_text(line + "\n")
    done = lint(copy, tmp_path / "cache")
    assert done.returncode != 0
    assert complaint in done.stdout
