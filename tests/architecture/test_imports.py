"""What importing must not cost, measured in fresh interpreters over every module there is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "plugins" / "upkeep"

TOOLS = {"great_expectations", "mlflow", "dvc", "pandas", "pyarrow", "sklearn", "matplotlib", "skops"}
PURE = (TOOLS | {"airflow", "sqlalchemy", "fsspec"}, ("core", "stages", "ports.py", "errors.py"))
PARSED = (TOOLS | {"scipy"}, ("operators", "sensors", "triggers", "ui/plugin.py", "provider_info.py"))

# Imports one module after another and tells which of the forbidden packages came in with each.
PROBE = """
import importlib, json, runpy, sys
forbidden, modules, scripts = json.loads(sys.argv[1])
seen, guilty = set(), {}
for name, load in [*((m, importlib.import_module) for m in modules), *((s, runpy.run_path) for s in scripts)]:
    load(name)
    new = {key.partition(".")[0] for key in sys.modules} & set(forbidden) - seen
    seen |= new
    if new:
        guilty[name] = sorted(new)
print("GUILTY" + json.dumps(guilty))
"""


def modules(places: tuple[str, ...], package: Path = PACKAGE) -> list[str]:
    found = [file for place in places for file in [package / place, *sorted((package / place).rglob("*.py"))]]
    found = [file for file in found if file.is_file()]
    return [".".join(file.relative_to(package.parent).with_suffix("").parts) for file in found]


def guilty(forbidden: set[str], names: list[str], home: Path, scripts: tuple[str, ...] = (), path: str = "") -> object:
    search = os.pathsep.join([str(ROOT / "plugins"), str(ROOT), path])
    env = os.environ | {"PYTHONPATH": search, "AIRFLOW_HOME": str(home / "airflow"), "UPKEEP_HOME": str(home / "var")}
    arguments = [sys.executable, "-c", PROBE, json.dumps([sorted(forbidden), names, scripts])]
    done = subprocess.run(arguments, capture_output=True, text=True, env=env, cwd=home)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.rpartition("GUILTY")[2])


@pytest.mark.parametrize("place", [*PURE[1], *PARSED[1]])
def test_every_place_of_the_tree_is_looked_at(place):
    assert modules((place,))


def test_core_stages_and_ports_load_neither_airflow_nor_a_tool(tmp_path):
    forbidden, places = PURE
    assert guilty(forbidden, modules(places), tmp_path) == {}


def test_parsing_the_dags_loads_no_heavy_library(tmp_path):
    forbidden, places = PARSED
    dags = tuple(str(file) for file in sorted((ROOT / "dags").glob("*.py")))
    assert guilty(forbidden, modules(places), tmp_path, dags) == {}


def test_a_module_that_imports_a_tool_is_found(tmp_path):
    (tmp_path / "strayed.py").write_text("import pyarrow\n")
    assert guilty({"pyarrow"}, ["upkeep.errors", "strayed"], tmp_path, path=str(tmp_path)) == {"strayed": ["pyarrow"]}
