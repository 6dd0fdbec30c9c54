"""Dataset versions with S3 as DVC's remote, against a local S3 server."""

from __future__ import annotations

import shutil
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from upkeep.adapters.backends import Backends
from upkeep.adapters.workspace import Workspace
from upkeep.errors import BackendError


@pytest.fixture
def s3(monkeypatch):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    bucket = f"dvc-{port}"  # the server's state outlives it
    settings = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "UPKEEP_DVC_REMOTE": f"s3://{bucket}/versions",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket=bucket)
    yield client, bucket
    server.stop()


def _add(workspace, batch):
    writers = {f"features/{batch}.parquet": lambda path: Path(path).write_text(f"rows of {batch}")}
    return Backends(workspace).versions.add("trips", writers, date="2026-01-05", rows=1, meta={"batch": batch})


def test_versions_are_pushed_found_again_and_pulled_without_the_cache(s3, tmp_path):
    workspace = Workspace(tmp_path)
    _add(workspace, "a")
    second = _add(workspace, "b")
    assert _add(workspace, "b") == second
    shutil.rmtree(workspace.versions / ".dvc" / "cache")
    pulled = {Path(path).read_text() for path in Backends(workspace).versions.pull(second.tag)}
    assert pulled == {"rows of a", "rows of b"}


def test_a_damaged_object_is_noticed_on_pull_and_mended_by_the_next_add(s3, tmp_path):
    workspace = Workspace(tmp_path)
    version = _add(workspace, "a")
    client, bucket = s3
    [found] = client.list_objects_v2(Bucket=bucket)["Contents"]
    client.put_object(Bucket=bucket, Key=found["Key"], Body=b"x" * found["Size"])
    with pytest.raises(BackendError, match="md5"):
        Backends(workspace).versions.pull(version.tag)
    assert _add(workspace, "a") == version
    assert Backends(workspace).versions.pull(version.tag)


def test_a_store_that_is_down_is_one_clear_error(s3, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(BackendError, match="DVC must be able to work in"):
        _add(Workspace(tmp_path), "a")
