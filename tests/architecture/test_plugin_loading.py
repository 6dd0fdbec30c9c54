"""The plugin loads exactly once, whether the folder is mounted, the wheel is installed, or both."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from upkeep import __version__

REPO = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def airflow_without_upkeep(tmp_path_factory):
    """A folder with every installed distribution but ours: an environment that has Airflow and no Upkeep."""
    farm = tmp_path_factory.mktemp("site")
    for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if "upkeep" not in entry.name and entry.suffix != ".pth":
            (farm / entry.name).symlink_to(entry)
    return farm


@pytest.fixture(scope="module")
def installed_wheel(tmp_path_factory):
    built, target = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", built, REPO], check=True)
    [wheel] = built.glob("upkeep-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", target, wheel], check=True)
    return target


def _airflow(arguments, paths, plugins_folder, home):
    code = f"import sys; from airflow.__main__ import main; sys.argv = ['airflow', *{arguments!r}]; main()"
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins_folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "UPKEEP_HOME": str(home / "var"),
    }
    # -S: no site-packages but the folders named here
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env=os.environ | settings, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


_ERRORS = """
import json
from airflow import plugins_manager
print(json.dumps([sorted(p.name for p in plugins_manager._get_plugins()[0]), plugins_manager.get_import_errors()]))
"""


def _loaded(paths, plugins_folder, home):
    """Names of the loaded plugins, and the import errors that Airflow would list."""
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins_folder),
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
    }
    done = subprocess.run(
        [sys.executable, "-S", "-c", _ERRORS], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(("mounted", "installed"), [(True, False), (False, True), (True, True)])
def test_plugin_is_registered_once_and_without_errors(
    airflow_without_upkeep, installed_wheel, tmp_path, mounted, installed
):
    paths = [*([installed_wheel] if installed else []), airflow_without_upkeep]
    folder = REPO / "plugins" if mounted else tmp_path / "no_plugins"
    names, errors = _loaded(paths, folder, tmp_path)
    assert names.count("upkeep") == 1
    assert errors == {}


def test_mounting_without_the_ignore_file_would_break_the_process(airflow_without_upkeep, tmp_path):
    """Negative control: the check above can fail."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    for entry in (REPO / "plugins").iterdir():
        if entry.name != ".airflowignore":
            (folder / entry.name).symlink_to(entry)
    (folder / "upkeep").unlink()
    subprocess.run(["cp", "-r", REPO / "plugins" / "upkeep", folder / "upkeep"], check=True)
    names, errors = _loaded([airflow_without_upkeep], folder, tmp_path)
    assert errors or names.count("upkeep") != 1


def test_the_wheel_shows_up_as_plugin_and_as_provider(airflow_without_upkeep, installed_wheel, tmp_path):
    paths, nothing = [installed_wheel, airflow_without_upkeep], tmp_path / "no_plugins"
    plugins = _airflow(["plugins", "-o", "json"], paths, nothing, tmp_path)
    assert '"upkeep"' in plugins
    providers = _airflow(["providers", "list", "-o", "json"], paths, nothing, tmp_path)
    assert '"upkeep"' in providers


def test_the_mounted_folder_shows_up_as_plugin_and_on_the_path_as_provider(airflow_without_upkeep, tmp_path):
    """Airflow reads entry points before it puts the plugins folder on the path itself."""
    paths = [REPO / "plugins", airflow_without_upkeep]
    assert '"upkeep"' in _airflow(["plugins", "-o", "json"], [airflow_without_upkeep], REPO / "plugins", tmp_path)
    assert '"upkeep"' in _airflow(["plugins", "-o", "json"], paths, REPO / "plugins", tmp_path)
    assert '"upkeep"' in _airflow(["providers", "list", "-o", "json"], paths, REPO / "plugins", tmp_path)
    assert _loaded(paths, REPO / "plugins", tmp_path)[1] == {}


def test_the_metadata_of_the_mounted_folder_name_this_version():
    assert f"\nVersion: {__version__}\n" in (REPO / "plugins" / "upkeep.dist-info" / "METADATA").read_text()
