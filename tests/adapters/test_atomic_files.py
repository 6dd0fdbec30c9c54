"""Atomic files: whole or not there, names that stay inside, locks that a dead process does not hold."""

import os
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.adapters import atomic_files
from upkeep.adapters.atomic_files import exclusive, inside, sha256, write_atomically
from upkeep.errors import BackendError, InputError


@pytest.mark.parametrize("name", ["a", "yellow_trips/raw", "date=2019-01-05/4f2a.parquet", "a/b/c.json"])
def test_an_ordinary_name_stays_under_the_root(tmp_path, name):
    assert inside(tmp_path, name) == tmp_path / name


@pytest.mark.parametrize(
    "name", ["", "..", "../a", "a/../../b", "/etc/passwd", "a//b", ".hidden", "a/.lock", "a b", "a\0", "a\n"]
)
def test_a_name_that_could_lead_out_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="a stored name must be made of letters"):
        inside(tmp_path, name)


@given(st.text(max_size=30))
def test_whatever_name_is_accepted_lies_inside(tmp_path_factory, name):
    root = tmp_path_factory.getbasetemp().resolve()
    try:
        path = inside(root, name)
    except InputError:
        return
    assert path.resolve().is_relative_to(root)


def test_a_link_below_the_root_cannot_lead_out(tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root/link").symlink_to(tmp_path)
    with pytest.raises(InputError):
        inside(tmp_path / "root", "link/a")


def test_a_write_replaces_the_whole_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "deep/er/a.json"
    write_atomically(path, b"a longer first version")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert sha256(path) == "16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4"
    assert os.listdir(path.parent) == ["a.json"]


def test_a_write_that_dies_before_the_rename_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_atomically(path, b"old")

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"


def test_taking_the_lock_clears_what_a_killed_writer_left(tmp_path):
    (tmp_path / ".batch.17.tmp").mkdir()
    (tmp_path / ".batch.17.tmp/part.parquet").write_bytes(b"half")
    (tmp_path / ".a.json.17.tmp").write_bytes(b"half")
    (tmp_path / "kept.json").write_bytes(b"whole")
    with exclusive(tmp_path):
        assert sorted(os.listdir(tmp_path)) == [".lock", "kept.json"]


_HOLD = """
import sys, time
from pathlib import Path
from upkeep.adapters.atomic_files import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_is_waited_for_no_longer_than_said_and_is_free_once_its_holder_is_killed(tmp_path, monkeypatch):
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", _HOLD, str(tmp_path)], stdout=subprocess.PIPE, env=env) as holder:
        assert holder.stdout.readline() == b"held\n"
        monkeypatch.setattr(atomic_files, "LOCK_TIMEOUT_S", 0.2)
        with pytest.raises(BackendError, match=r"must be free within 0 s, but another task holds"), exclusive(tmp_path):
            pass
        holder.kill()
    monkeypatch.setattr(atomic_files, "LOCK_TIMEOUT_S", 5.0)
    before = time.monotonic()
    with exclusive(tmp_path):
        assert time.monotonic() - before < 2
