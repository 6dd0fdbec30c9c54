"""What lies in a source right now, without reading it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from upkeep.adapters.remote_errors import file_system_errors
from upkeep.errors import BackendError, InputError

if TYPE_CHECKING:
    from upkeep.adapters.workspace import Workspace


def fingerprint(workspace: Workspace, uri: str) -> str:
    """A digest over names, sizes and times of a source's files; empty while there is none.

    Raises
    ------
    InputError
        If its file system is not installed.
    BackendError
        If the source cannot be listed (a folder that does not exist yet counts as empty).
    """
    import fsspec

    try:
        files, path = fsspec.core.url_to_fs(workspace.source(uri))
        found = files.find(path, detail=True)
    except FileNotFoundError:
        return ""
    except ImportError as err:
        raise InputError(f"the file system of {uri!r} must be installed, but: {err}. Install it.") from err
    except file_system_errors() as err:
        raise BackendError(f"source {uri!r} must be listable, but: {err}. Check its address and permissions.") from err
    visible = {name: about for name, about in found.items() if not name.rpartition("/")[2].startswith((".", "_"))}
    lines = [f"{name} {about.get('size')} {_changed(about)}" for name, about in sorted(visible.items())]
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest() if lines else ""


def _changed(about: dict[str, object]) -> object:
    """Local files and object stores name the time of the last change differently."""
    return next((about[key] for key in ("mtime", "LastModified", "ETag", "updated") if key in about), "")
