"""Files that are there whole or not at all, whatever kills the process that writes them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from upkeep.errors import BackendError, InputError

_NAME = re.compile(r"[A-Za-z0-9_=][A-Za-z0-9._=+-]*(/[A-Za-z0-9_=][A-Za-z0-9._=+-]*)*")
LOCK_TIMEOUT_S = 600.0


def inside(root: Path, name: str) -> Path:
    """The path `name` under `root`; refuses any name that could lead out of it."""
    path = root / name
    if not _NAME.fullmatch(name) or not path.resolve().is_relative_to(root.resolve()):
        raise InputError(
            f"a stored name must be made of letters, digits and . _ = + - and stay under {root.name}/, got {name!r}. "
            "Use a name like yellow_trips/raw."
        )
    return path


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by `content`: temporary name, fsync, rename, fsync of the folder."""
    move_into_place(_written_beside(path, content), path)


def create_atomically(path: Path, content: bytes) -> bool:
    """Make `path` with `content` unless there is such a file; of several at once, one makes it and is told so."""
    temporary = _written_beside(path, content)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    sync(path.parent)
    return True


def _written_beside(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def move_into_place(temporary: Path, path: Path) -> None:
    """Rename a finished, synced file over `path`, and make the rename itself durable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.replace(temporary, path)
    sync(path.parent)


def sync(path: Path) -> None:
    """fsync a file or a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold a folder's lock: others wait; the lock of a killed process is free at once. Clears what it left."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock", timeout=LOCK_TIMEOUT_S)
    try:
        lock.acquire()
    except Timeout as err:
        raise BackendError(
            f"{folder.name} must be free within {LOCK_TIMEOUT_S:.0f} s, but another task holds {folder / '.lock'}. "
            "See which task is still writing there, and run this one again."
        ) from err
    try:
        for left_over in folder.glob(".*.tmp"):
            shutil.rmtree(left_over) if left_over.is_dir() else left_over.unlink()
        yield
    finally:
        lock.release()
