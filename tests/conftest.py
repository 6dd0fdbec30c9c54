"""The world that tests of operators and of the command line share: made once, copied where a test changes it."""

import shutil
from dataclasses import replace

import pytest


@pytest.fixture(scope="session")
def lived(tmp_path_factory):
    """A life with a monitored champion; not to be changed."""
    from tests.taxi_world import REPO, live

    root = tmp_path_factory.mktemp("lived")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UPKEEP_HOME", str(root))
        patch.setenv("UPKEEP_EXPECTATIONS", str(REPO / "expectations"))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        return live(root)


@pytest.fixture
def world(lived, tmp_path, monkeypatch):
    """A copy of that life in the environment of one test."""
    from tests.taxi_world import REPO

    root = tmp_path / "var"
    shutil.copytree(lived.root, root)
    monkeypatch.setenv("UPKEEP_HOME", str(root))
    monkeypatch.setenv("UPKEEP_EXPECTATIONS", str(REPO / "expectations"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return replace(lived, root=root, returned=dict(lived.returned), contexts=dict(lived.contexts))
