"""Workspace: one folder, sources that stay inside the allowed roots, and tools that stay quiet."""

import os

import pytest

from upkeep.adapters.workspace import Workspace
from upkeep.errors import InputError


def test_is_the_folder_of_the_environment_and_makes_it(tmp_path, monkeypatch):
    monkeypatch.setenv("UPKEEP_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DVC_NO_ANALYTICS", raising=False)
    workspace = Workspace.from_environment()
    assert workspace.root == tmp_path / "home"
    assert workspace.root.is_dir()
    assert os.environ["DVC_NO_ANALYTICS"] == "1"


def test_every_folder_lies_in_it(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    workspace = Workspace(tmp_path)
    names = ("inbox", "data", "records", "reports", "versions", "remote", "artifacts")
    assert all(getattr(workspace, name).parent == tmp_path for name in names)
    assert workspace.tracking_uri == f"sqlite:///{tmp_path / 'mlflow.db'}"


def test_a_value_already_set_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "svg")
    Workspace(tmp_path).quieten()
    assert os.environ["MPLBACKEND"] == "svg"


def test_a_path_is_taken_from_the_inbox(tmp_path):
    assert Workspace(tmp_path).source("trips/a.csv") == str(tmp_path / "inbox/trips/a.csv")
    assert Workspace(tmp_path).source(f"file://{tmp_path}/inbox/a.csv") == str(tmp_path / "inbox/a.csv")


def test_a_further_root_can_be_allowed(tmp_path, monkeypatch):
    monkeypatch.setenv("UPKEEP_SOURCES", os.pathsep.join([str(tmp_path / "one"), str(tmp_path / "two")]))
    assert Workspace(tmp_path / "home").source(f"{tmp_path}/two/a.csv") == f"{tmp_path}/two/a.csv"


@pytest.mark.parametrize(
    "uri", ["/etc/passwd", "../a.csv", "trips/../../a.csv", "file:///etc/passwd", "file://../a.csv"]
)
def test_a_path_outside_the_roots_is_refused(tmp_path, uri):
    with pytest.raises(InputError, match=r"a source must lie under .*inbox, got"):
        Workspace(tmp_path).source(uri)


@pytest.mark.parametrize("uri", ["s3://bucket/trips", "memory://x/a.csv", "https://example.org/a.csv"])
def test_a_url_of_a_store_is_passed_on(tmp_path, uri):
    assert Workspace(tmp_path).source(uri) == uri


@pytest.mark.parametrize(
    "uri", ["local:///etc/passwd", "simplecache::file:///etc/passwd", "zip://a.csv::s3://b/c.zip", "ftp://host/a.csv"]
)
def test_a_url_that_could_lead_to_a_local_file_is_refused(tmp_path, uri):
    with pytest.raises(InputError, match="a source must be a path, or a URL of"):
        Workspace(tmp_path).source(uri)
