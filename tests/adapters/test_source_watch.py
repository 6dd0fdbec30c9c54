"""The fingerprint of a source: changes with its files, not with what is being written, and names what it cannot list."""

import os
import socket
from pathlib import Path

import fsspec
import pytest
from fsspec.registry import known_implementations

from upkeep.adapters.batch_files import BatchFiles
from upkeep.adapters.source_watch import fingerprint
from upkeep.adapters.workspace import Workspace
from upkeep.errors import BackendError, InputError


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "inbox" / "trips").mkdir(parents=True)
    return Workspace(tmp_path)


@pytest.fixture
def folder(workspace):
    return workspace.inbox / "trips"


def test_an_empty_and_an_absent_folder_have_none(workspace):
    assert fingerprint(workspace, "trips") == ""
    assert fingerprint(workspace, "absent") == ""


def test_stays_while_nothing_changes_and_moves_with_each_file(workspace, folder):
    (folder / "a.csv").write_text("x\n1\n")
    first = fingerprint(workspace, "trips")
    assert first == fingerprint(workspace, "trips") != ""
    (folder / "b.csv").write_text("x\n1\n")
    second = fingerprint(workspace, "trips")
    (folder / "b.csv").unlink()
    assert second != first == fingerprint(workspace, "trips")


def test_moves_when_a_file_grows_or_is_replaced_by_one_of_the_same_size(workspace, folder):
    file: Path = folder / "a.csv"
    file.write_text("x\n1\n")
    seen = {fingerprint(workspace, "trips")}
    file.write_text("x\n12\n")
    seen.add(fingerprint(workspace, "trips"))
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 10**9))
    seen.add(fingerprint(workspace, "trips"))
    assert len(seen) == 3


def test_a_file_that_is_being_written_does_not_count(workspace, folder):
    (folder / "a.csv").write_text("x\n1\n")
    before = fingerprint(workspace, "trips")
    for name in (".b.csv.12.tmp", "_SUCCESS"):
        (folder / name).write_text("x")
    assert fingerprint(workspace, "trips") == before


def test_files_of_subfolders_and_a_single_file_count(workspace, folder):
    (folder / "2026").mkdir()
    (folder / "2026" / "a.csv").write_text("x\n1\n")
    assert fingerprint(workspace, "trips")
    assert fingerprint(workspace, "trips/2026/a.csv")


def test_an_address_is_listed_by_its_file_system(workspace):
    files = fsspec.filesystem("memory")
    assert fingerprint(workspace, "memory://watched") == ""
    files.pipe("/watched/a.csv", b"x\n1\n")
    try:
        first = fingerprint(workspace, "memory://watched")
        assert first == fingerprint(workspace, "memory://watched")
        files.pipe("/watched/b.csv", b"x\n1\n")
        assert fingerprint(workspace, "memory://watched") not in ("", first)
    finally:
        files.rm("/watched", recursive=True)


def test_a_file_system_that_is_not_installed_is_named(workspace, monkeypatch):
    monkeypatch.setitem(known_implementations, "hdfs", {"class": "absent_module.Files", "err": "Install absent_module"})
    with pytest.raises(InputError, match="hdfs"):
        fingerprint(workspace, "hdfs://lake/trips")


def test_a_source_outside_the_allowed_folders_is_refused(workspace):
    with pytest.raises(InputError, match="a source must lie under"):
        fingerprint(workspace, "../../etc")


def test_a_source_that_cannot_be_listed_is_a_backend_error(workspace, monkeypatch):
    def refuse(self, path, **kwargs):
        raise PermissionError(f"no permission for {path}")

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "find", refuse)
    with pytest.raises(BackendError, match="source 'memory://lake' must be listable, but: no permission"):
        fingerprint(workspace, "memory://lake")


def test_an_object_store_that_does_not_answer_is_a_backend_error_for_watching_and_for_reading(workspace, monkeypatch):
    with socket.socket() as unheard:  # bound, but not listening
        unheard.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{unheard.getsockname()[1]}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        with pytest.raises(BackendError, match="source 's3://lake/trips' must be listable, but"):
            fingerprint(workspace, "s3://lake/trips")
        with pytest.raises(BackendError, match="s3://lake/trips must be readable, but"):
            BatchFiles(workspace).list("s3://lake/trips")
