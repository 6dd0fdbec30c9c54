"""Files under DVC. All use of DVC's internal interface is in this module; `pyproject.toml` bounds its version."""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from upkeep.adapters.atomic_files import exclusive, move_into_place, sync, write_atomically
from upkeep.errors import BackendError

_CONFIG = """\
[core]
    remote = storage
    analytics = false
    check_update = false
    autostage = false
[cache]
    type = copy
['remote "storage"']
    url = {url}
    verify = true
"""
# Data are never committed to git, only DVC's small files about them and our own record of batches.
_GITIGNORE = "*\n!*/\n/.dvc/*/\n!*.dvc\n!.gitignore\n!/.dvc/config\n!/.upkeep/*.json\n"


class DvcFiles:
    """The DVC side of a repository at `root` with a folder remote; this repository is the remote's only writer."""

    def __init__(self, root: Path, remote: Path | str) -> None:
        self._root = root
        self._remote = remote

    def set_up(self) -> list[str]:
        """Write DVC's configuration where it is missing or differs; the paths to commit.

        A DVC repository is these files. `dvc init` would refuse a folder in which it has been killed before.
        """
        # The remote is given relative to .dvc/, so that a workspace can be moved as a whole.
        remote = self._remote
        config = _CONFIG.format(url=remote if isinstance(remote, str) else os.path.relpath(remote, self._root / ".dvc"))
        wanted = {".dvc/config": config, ".gitignore": _GITIGNORE}
        for name, text in wanted.items():
            path = self._root / name
            if not path.exists() or path.read_text() != text:
                write_atomically(path, text.encode())
        return list(wanted)

    def clear_left_overs(self) -> None:
        """Remove what a killed DVC left: half objects, and its read-write lock, which may be half written itself."""
        folders = (self._root / ".dvc" / "cache", self._remote)
        # An object store never shows half an object.
        for store in (folder for folder in folders if isinstance(folder, Path)):
            for half in store.glob("files/md5/*/*.tmp"):
                half.unlink()
        (self._root / ".dvc" / "tmp" / "rwlock").unlink(missing_ok=True)

    def add(self, names: Sequence[str]) -> None:
        """Put files into DVC's cache and write a ``.dvc`` file beside each."""
        with _wrapped(self._root), self._open() as repo:
            for name in names:
                # DVC trusts a read-only object in its cache unseen; a power cut may have left it damaged.
                md5 = _md5(repo.cache.local, str(self._root / name))
                kept = repo.cache.local.oid_to_path(md5)
                if _md5(repo.cache.local, kept) not in (md5, None):
                    Path(kept).unlink()
            repo.add([str(self._root / name) for name in names])

    def md5s(self, folder: str) -> dict[str, str]:
        """The md5 that the ``.dvc`` files under `folder` record, by file name relative to it, sorted."""
        with _wrapped(self._root), self._open() as repo:
            outs = ((Path(out.fs_path), out.hash_info.value) for out in repo.index.outs)
            base = self._root.resolve() / folder
            return {p.relative_to(base).as_posix(): md5 for p, md5 in sorted(outs) if p.is_relative_to(base)}

    def push(self, folder: str, files: Mapping[str, str]) -> None:
        """Upload the files under `folder`, then read every object back and compare its md5 with the recorded one.

        Notes
        -----
        A push that was interrupted leaves an index of the remote that is half filled and trusted ever after, so
        that the next push skips objects, and reports success; hence the index is dropped first. Comparing content,
        not size, finds an object that was cut short or damaged later; such an object is removed and uploaded anew.
        """
        bad: dict[str, str | None] = {}
        for _ in range(2):
            with _wrapped(self._root), self._open() as repo:
                storage = repo.cloud.get_remote_odb("storage")
                for name in bad:
                    storage.fs.remove(storage.oid_to_path(files[name])) if bad[name] else None
                repo.drop_data_index()
                repo.push(targets=[str(self._root / folder / f"{name}.dvc") for name in files], remote="storage")
                found = {name: _md5(storage, storage.oid_to_path(md5)) for name, md5 in files.items()}
            bad = {name: md5 for name, md5 in found.items() if md5 != files[name]}
            if not bad:
                return
        name, md5 = next(iter(bad.items()))
        raise BackendError(
            f"the remote must hold {files[name]} for {folder}/{name} after a push, but has {md5 or 'nothing'} "
            f"({len(bad)} of {len(files)} files) in {self._remote}: the copy in DVC's cache is missing or damaged too. "
            "Restore the object from a backup, or run the version stage of that file's batch again."
        )

    def fetch(self, folder: str, files: Mapping[str, str]) -> list[str]:
        """Paths of the files' objects in DVC's cache, fetched where missing there; the working tree is not touched."""
        with _wrapped(self._root), self._open() as repo:
            storage, cache = repo.cloud.get_remote_odb("storage"), repo.cache.local
            return [self._object(storage, cache, f"{folder}/{name}", md5) for name, md5 in files.items()]

    def _object(self, storage: Any, cache: Any, name: str, md5: str) -> str:
        there, path = storage.oid_to_path(md5), cache.oid_to_path(md5)
        found = _md5(storage, there)
        if found not in (md5, None):
            # DVC itself takes a read-only object of a remote on trust and pulls it as it is.
            raise BackendError(
                f"the remote's object of {name} must have md5 {md5}, but {there} has {found}. "
                "Run the version stage of its batch again, which uploads it anew, or restore it from a backup."
            )
        if _md5(cache, path) == md5:
            return str(path)
        if found is None:
            raise BackendError(
                f"the object of {name}, md5 {md5}, must be in the remote, but {there} does not exist. "
                "Run the version stage of its batch again, or restore it from a backup."
            )
        temporary = self._root / f".{md5}.{os.getpid()}.tmp"
        with exclusive(self._root):
            storage.fs.get_file(there, str(temporary))
            sync(temporary)
            temporary.chmod(0o444)
            move_into_place(temporary, Path(path))
        if _md5(cache, path) != md5:
            raise BackendError(f"{there} must be read with md5 {md5}, but changed while it was read. Run it again.")
        return str(path)

    @contextmanager
    def _open(self) -> Iterator[Any]:
        from dvc.repo import Repo

        for name in ("dvc", "dvc_data", "dvc_objects"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        # Without git inside DVC: committing is ours, and no variable of a surrounding git can mislead it.
        inside = {"no_scm": True, "site_cache_dir": str(self._root / ".dvc" / "site")}
        with Repo(str(self._root), config={"core": inside}) as repo:
            yield repo


def _md5(store: Any, path: str) -> str | None:
    """The md5 of a file's content, None where there is no file."""
    try:
        with store.fs.open(path, "rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except FileNotFoundError:
        return None


@contextmanager
def _wrapped(root: Path) -> Iterator[None]:
    try:
        yield
    except _foreign() as err:
        raise BackendError(
            f"DVC must be able to work in {root}, but: {err}. See that disk and remote can be written, and run it again."
        ) from err


def _foreign() -> tuple[type[Exception], ...]:
    """What DVC and an S3 remote raise; asked for when something was raised, so that no library is imported for it."""
    from dvc.exceptions import DvcException
    from dvc_data.hashfile.cache import DiskError
    from dvc_objects.errors import ObjectDBError, ObjectFormatError

    known = (DvcException, ObjectDBError, ObjectFormatError, DiskError, OSError, sqlite3.Error)
    if "botocore" not in sys.modules:
        return known
    from botocore.exceptions import BotoCoreError

    return (*known, BotoCoreError)
