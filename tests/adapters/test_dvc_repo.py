"""Dataset versions with a real git and a real DVC."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from upkeep.adapters.dvc_repo import DvcVersions
from upkeep.errors import BackendError, InputError
from upkeep.ports import DatasetVersion

NAMES = ("clean", "features")


def writes(text: str) -> Callable[[str], None]:
    def write(path: str) -> None:
        Path(path).write_text(text)

    return write


def store(home: Path) -> DvcVersions:
    return DvcVersions(home / "versions", home / "remote")


def add(home: Path, batch: str, date: str = "2024-01-01", **more: Any) -> DatasetVersion:
    writers = {f"{name}/{batch}.parquet": writes(f"{name} {batch}") for name in NAMES}
    return store(home).add("trips", writers, date=date, rows=10, meta={"batch": batch} | more)


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def stored(home: Path, text: str, where: str = "remote") -> Path:
    return home / where / "files" / "md5" / md5(text)[:2] / md5(text)[2:]


def damage(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(b"x" * path.stat().st_size)
    path.chmod(0o444)  # DVC takes such an object on trust


def objects(home: Path) -> dict[str, str]:
    folder = home / "remote" / "files" / "md5"
    found = (path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix().replace("/", ""): hashlib.md5(path.read_bytes()).hexdigest()
        for path in found
    }


def git(home: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=home / "versions", capture_output=True, text=True, check=True
    ).stdout.strip()


def test_the_same_content_is_the_same_version_and_makes_no_second_commit(tmp_path: Path) -> None:
    first = add(tmp_path, "a")
    commits = git(tmp_path, "rev-list", "--count", "HEAD")
    assert add(tmp_path, "a") == first
    assert store(tmp_path).versions("trips") == [first]
    assert git(tmp_path, "rev-list", "--count", "HEAD") == commits


def test_a_new_batch_makes_a_version_that_holds_both(tmp_path: Path) -> None:
    first, second = add(tmp_path, "a"), add(tmp_path, "b", "2024-01-08")
    assert first.files == ("clean/a.parquet", "features/a.parquet")
    assert second.files == ("clean/a.parquet", "clean/b.parquet", "features/a.parquet", "features/b.parquet")
    assert second.meta["batches"] == ["a", "b"]
    assert (first.rows, second.rows) == (10, 20)
    assert (first.tag, second.tag) == ("dataset/trips/2024-01-01-1", "dataset/trips/2024-01-08-1")
    assert store(tmp_path).versions("trips") == [first, second]


def test_batches_stay_in_the_order_they_were_added_and_tags_of_one_day_are_numbered(tmp_path: Path) -> None:
    made = [add(tmp_path, batch) for batch in ("z", "m", "a")]
    assert made[-1].meta["batches"] == ["z", "m", "a"]
    assert [version.tag[-2:] for version in made] == ["-1", "-2", "-3"]


def test_the_digest_is_the_md5_over_sorted_names_and_md5s(tmp_path: Path) -> None:
    expected = md5(f"clean/a.parquet\t{md5('clean a')}\nfeatures/a.parquet\t{md5('features a')}\n")
    assert add(tmp_path, "a").digest == expected


def test_a_changed_file_of_a_known_batch_is_a_new_version_of_the_same_batches(tmp_path: Path) -> None:
    first = add(tmp_path, "a")
    writers = {f"{name}/a.parquet": writes("corrected") for name in NAMES}
    second = store(tmp_path).add("trips", writers, date="2024-01-01", rows=9, meta={"batch": "a"})
    assert second.digest != first.digest
    assert (second.meta["batches"], second.rows) == (["a"], 9)
    assert [Path(path).read_text() for path in store(tmp_path).pull(first.tag)] == ["clean a", "features a"]


def test_the_tag_is_annotated_and_carries_the_facts(tmp_path: Path) -> None:
    version = add(tmp_path, "a", source="trips.parquet", validation="v1")
    assert git(tmp_path, "cat-file", "-t", version.tag) == "tag"
    record = json.loads(git(tmp_path, "tag", "-l", "--format=%(contents)", version.tag))
    assert record["digest"] == version.digest
    assert record["rows"] == 10
    assert record["meta"] == {"batch": "a", "source": "trips.parquet", "validation": "v1", "batches": ["a"]}
    assert git(tmp_path, "rev-parse", f"{version.tag}^{{commit}}") == version.revision


def test_datasets_live_beside_each_other(tmp_path: Path) -> None:
    add(tmp_path, "a")
    other = store(tmp_path).add("weather", {"raw/a.csv": writes("sun")}, date="2024-01-01", rows=1, meta={"batch": "a"})
    assert other.files == ("raw/a.csv",)
    assert [version.dataset for version in store(tmp_path).versions("trips")] == ["trips"]
    assert store(tmp_path).find(other.tag) == other


def test_dvc_itself_can_check_out_a_version_from_the_remote_alone(tmp_path: Path) -> None:
    version = add(tmp_path, "a")
    add(tmp_path, "b")
    shutil.rmtree(tmp_path / "versions" / "trips")
    shutil.rmtree(tmp_path / "versions" / ".dvc" / "cache")
    git(tmp_path, "checkout", "-q", "--force", version.tag)
    dvc = [sys.executable, "-m", "dvc", "pull", "-q"]
    done = subprocess.run(dvc, cwd=tmp_path / "versions", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "versions/trips/clean/a.parquet").read_text() == "clean a"
    assert not (tmp_path / "versions/trips/clean/b.parquet").exists()
    assert add(tmp_path, "c").meta["batches"] == ["a", "b", "c"]  # a checkout by hand does not change what comes next


def test_two_processes_at_once_both_succeed(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.adapters.test_dvc_repo import add; "
        "[add(Path(sys.argv[1]), batch) for batch in sys.argv[2:]]"
    )
    arguments = ([f"{side}{n}" for n in range(3)] for side in "xy")
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), *batches], env=_env(), stderr=subprocess.PIPE)
        for batches in arguments
    ]
    for process in running:
        assert process.communicate(timeout=120)[1] == b""
        assert process.returncode == 0
    versions = store(tmp_path).versions("trips")
    assert [len(version.meta["batches"]) for version in versions] == [1, 2, 3, 4, 5, 6]
    assert len({version.tag for version in versions}) == 6
    assert len(store(tmp_path).pull(versions[-1].tag)) == 12
    assert len(objects(tmp_path)) == 12


def test_an_object_lost_from_the_remote_is_uploaded_again_by_the_next_add(tmp_path: Path) -> None:
    add(tmp_path, "a")
    whole = objects(tmp_path)
    stored(tmp_path, "clean a").unlink()
    add(tmp_path, "a")
    assert objects(tmp_path) == whole


@pytest.mark.parametrize("harm", [damage, lambda path: os.truncate(path, 3)], ids=["changed", "cut short"])
def test_an_object_damaged_in_the_remote_is_uploaded_again_by_the_next_add(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    add(tmp_path, "a")
    whole = objects(tmp_path)
    harm(stored(tmp_path, "clean a"))
    assert objects(tmp_path) != whole
    add(tmp_path, "b")
    assert objects(tmp_path).items() > whole.items()


@pytest.mark.parametrize("cached", [True, False])
def test_an_object_damaged_in_the_remote_is_noticed_on_pull_though_read_only(tmp_path: Path, cached: bool) -> None:
    version = add(tmp_path, "a")
    damage(stored(tmp_path, "features a"))
    if not cached:
        shutil.rmtree(tmp_path / "versions" / ".dvc" / "cache")
    with pytest.raises(BackendError, match=r"trips/features/a.parquet must have md5") as caught:
        store(tmp_path).pull(version.tag)
    message = str(caught.value)
    assert md5("features a") in message
    assert md5("x" * len("features a")) in message
    assert str(stored(tmp_path, "features a")) in message


def test_plain_dvc_would_not_notice_it(tmp_path: Path) -> None:
    """The control of the test above: without `verify`, DVC pulls the damaged object and reports success."""
    add(tmp_path, "a")
    damage(stored(tmp_path, "features a"))
    shutil.rmtree(tmp_path / "versions" / ".dvc" / "cache")
    (tmp_path / "versions/trips/features/a.parquet").unlink()
    config = tmp_path / "versions/.dvc/config"
    config.write_text(config.read_text().replace("verify = true", "verify = false"))
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "pull", "-q"], cwd=tmp_path / "versions", capture_output=True, check=False
    )
    assert done.returncode == 0
    assert set((tmp_path / "versions/trips/features/a.parquet").read_text()) == {"x"}


def test_a_pull_fetches_what_the_cache_lost_and_leaves_working_files_alone(tmp_path: Path) -> None:
    first = add(tmp_path, "a")
    add(tmp_path, "b")
    shutil.rmtree(tmp_path / "versions" / ".dvc" / "cache")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "versions" / "trips").rglob("*")}
    paths = store(tmp_path).pull(first.tag)
    assert [Path(path).read_text() for path in paths] == ["clean a", "features a"]
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "versions" / "trips").rglob("*")} == before


def test_a_damaged_cache_is_mended_by_pull_from_the_remote(tmp_path: Path) -> None:
    version = add(tmp_path, "a")
    damage(stored(tmp_path, "clean a", "versions/.dvc/cache"))
    assert [Path(path).read_text() for path in store(tmp_path).pull(version.tag)] == ["clean a", "features a"]


def test_a_damaged_cache_is_mended_by_add_before_it_is_pushed(tmp_path: Path) -> None:
    add(tmp_path, "a")
    whole = objects(tmp_path)
    damage(stored(tmp_path, "clean a", "versions/.dvc/cache"))
    stored(tmp_path, "clean a").unlink()
    add(tmp_path, "a")
    assert objects(tmp_path) == whole


def test_a_file_lost_everywhere_is_named(tmp_path: Path) -> None:
    version = add(tmp_path, "a")
    for where in ("remote", "versions/.dvc/cache"):
        stored(tmp_path, "clean a", where).unlink()
    with pytest.raises(BackendError, match=r"object of trips/clean/a.parquet, md5 .* must be in the remote"):
        store(tmp_path).pull(version.tag)
    with pytest.raises(BackendError, match=r"for trips/clean/a.parquet after a push, but has nothing"):
        add(tmp_path, "b")
    assert store(tmp_path).versions("trips") == [version]


_KILLED_WHILE_COLLECTING = """
import os, signal, sys
from pathlib import Path
from dvc_data.index import DataIndex
from tests.adapters.test_dvc_repo import add
commit, calls = DataIndex.commit, []
def dying(self):
    commit(self)
    calls.append(1)
    if len(calls) == 3:  # the index was dropped, and two files of four were collected
        os.kill(os.getpid(), signal.SIGKILL)
DataIndex.commit = dying
add(Path(sys.argv[1]), "b")
"""


def _killed_while_collecting(home: Path) -> None:
    add(home, "a")
    done = subprocess.run([sys.executable, "-c", _KILLED_WHILE_COLLECTING, str(home)], env=_env(), check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(objects(home)) == 2


def test_a_push_killed_while_collecting_is_completed_by_the_next(tmp_path: Path) -> None:
    _killed_while_collecting(tmp_path)
    version = add(tmp_path, "b")
    assert objects(tmp_path).keys() == {md5(f"{name} {batch}") for name in NAMES for batch in "ab"}
    assert len(version.files) == 4


def test_plain_dvc_would_leave_it_incomplete(tmp_path: Path) -> None:
    """The control of the test above: DVC's own push trusts the half-filled index, and reports success."""
    from dvc.repo import Repo

    _killed_while_collecting(tmp_path)
    with Repo(str(tmp_path / "versions"), config={"core": {"site_cache_dir": _site(tmp_path)}}) as repo:
        repo.push(targets=[str(path) for path in sorted((tmp_path / "versions/trips").rglob("*.dvc"))])
    assert len(objects(tmp_path)) < 4


def _site(home: Path) -> str:
    return str(home / "versions" / ".dvc" / "site")


def test_locks_and_halves_that_killed_processes_left_do_not_stop_the_next(tmp_path: Path) -> None:
    add(tmp_path, "a")
    versions = tmp_path / "versions"
    for left_over in (".git/index.lock", ".git/HEAD.lock", ".dvc/tmp/rwlock", "trips/clean/q.parquet.dvc"):
        (versions / left_over).write_bytes(b"")
    (versions / "trips/clean/a.parquet.dvc").write_text("")
    half = stored(tmp_path, "clean a").with_name(".h4lf.tmp")
    half.write_text("half")
    second = add(tmp_path, "b")
    assert len(second.files) == 4
    assert not half.exists()
    assert git(tmp_path, "status", "--porcelain") == ""


def test_a_batch_killed_between_commit_and_tag_is_part_of_the_next_version(tmp_path: Path) -> None:
    untagged = add(tmp_path, "a")
    git(tmp_path, "tag", "-d", untagged.tag)
    second = add(tmp_path, "b")
    assert second.meta["batches"] == ["a", "b"]
    assert len(second.files) == 4


def test_a_repository_around_it_and_the_user_s_git_settings_stay_untouched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    around = tmp_path / "around"
    subprocess.run(["git", "init", "-q", str(around)], check=True)
    hook = around / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    (tmp_path / "gitconfig").write_text(f"[commit]\ngpgsign = true\n[core]\nhooksPath = {hook.parent}\n")
    before = {path: path.read_bytes() for path in (around / ".git").rglob("*") if path.is_file()}
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_DIR", str(around / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(around))
    monkeypatch.setenv("GIT_INDEX_FILE", str(around / ".git" / "index"))
    monkeypatch.chdir(around)
    assert store(around / "var").versions("trips") == []
    version = add(around / "var", "a")
    assert store(around / "var").pull(version.tag)
    assert {path: path.read_bytes() for path in (around / ".git").rglob("*") if path.is_file()} == before


def test_a_workspace_can_be_moved_as_a_whole(tmp_path: Path) -> None:
    version = add(tmp_path / "old", "a")
    (tmp_path / "old").rename(tmp_path / "new")
    shutil.rmtree(tmp_path / "new" / "versions" / ".dvc" / "cache")
    assert all(str(tmp_path / "new") in path for path in store(tmp_path / "new").pull(version.tag))
    assert len(add(tmp_path / "new", "b").files) == 4


def test_nothing_is_printed_or_logged(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from tests.adapters.test_dvc_repo import add; add(Path(sys.argv[1]), 'a')"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=_env(), capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_an_unknown_tag_is_answered_with_the_nearest(tmp_path: Path) -> None:
    add(tmp_path, "a")
    with pytest.raises(InputError, match=r"nearest are \['dataset/trips/2024-01-01-1'\]"):
        store(tmp_path).find("dataset/trips/2024-01-01-7")
    with pytest.raises(InputError, match="nearest are none"):
        store(tmp_path / "empty").pull("dataset/trips/2024-01-01-1")


@pytest.mark.parametrize(
    ("dataset", "name", "date", "batch", "problem"),
    [
        ("--upload-pack", "a/b", "2024-01-01", "a", "must start with a letter or digit"),
        ("../trips", "a/b", "2024-01-01", "a", "must start with a letter or digit"),
        ("trips", "../../b", "2024-01-01", "a", "stay under"),
        ("trips", "--all", "2024-01-01", "a", "stay under"),
        ("trips", "a/b.dvc", "2024-01-01", "a", "must not end in"),
        ("trips", "a/b", "--force", "a", "must be YYYY-MM-DD"),
        ("trips", "a/b", "2024-01-01", "", "must say which batch"),
    ],
)
def test_unusable_names_are_refused_before_anything_is_written(
    tmp_path: Path, dataset: str, name: str, date: str, batch: str, problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        store(tmp_path).add(dataset, {name: writes("x")}, date=date, rows=1, meta={"batch": batch})
    assert not list(tmp_path.iterdir())


def test_no_files_are_no_version(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must have files"):
        store(tmp_path).add("trips", {}, date="2024-01-01", rows=1, meta={"batch": "a"})


def test_a_git_that_fails_is_named_with_what_it_said(tmp_path: Path) -> None:
    add(tmp_path, "a")
    (tmp_path / "versions" / ".git" / "HEAD").write_text("nonsense")
    with pytest.raises(BackendError, match=r"`git .*` must succeed in .*versions"):
        add(tmp_path, "b")


def test_a_writer_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    first = add(tmp_path, "a")

    def failing(path: str) -> None:
        Path(path).write_text("half")
        raise InputError("no such batch")

    with pytest.raises(InputError, match="no such batch"):
        store(tmp_path).add("trips", {"clean/b.parquet": failing}, date="2024-01-01", rows=1, meta={"batch": "b"})
    assert len(add(tmp_path, "c").files) == 4
    assert first.files == ("clean/a.parquet", "features/a.parquet")


def _env() -> dict[str, str]:
    root = Path(__file__).parents[2]
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(root / "plugins"), str(root)])}
