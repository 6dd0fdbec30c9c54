"""A file, a folder or a URL as one large table."""

from __future__ import annotations

from urllib.parse import unquote

from upkeep.adapters.batch_files import SUFFIXES, BatchFiles
from upkeep.adapters.profile_files import File, LargeFiles
from upkeep.adapters.workspace import Workspace
from upkeep.core.addresses import without_credentials
from upkeep.errors import InputError

_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def large_table(workspace: Workspace, uri: str) -> LargeFiles:
    """The table that a file, or all CSV or all Parquet files below a folder, make up, under the rules of `BatchFiles`.

    Raises
    ------
    InputError
        If there is no such file, it is outside the allowed roots or cannot be read, or formats are mixed.
    """
    files = files_of(workspace, uri)
    if files[0].path.endswith(".csv"):
        from upkeep.adapters.profile_csv import LargeCsv

        return LargeCsv(files)
    from upkeep.adapters.profile_parquet import LargeParquet

    return LargeParquet(files)


def files_of(workspace: Workspace, uri: str) -> list[File]:
    """The files of one table, in the order in which they are read."""
    source = BatchFiles(workspace)
    found = source.list(uri)
    formats = {suffix for suffix in SUFFIXES for name in found if name.endswith(suffix)}
    if len(formats) != 1 or not all(name.endswith(SUFFIXES) for name in found):
        raise InputError(
            f"a table must be {' files or '.join(SUFFIXES)} files, not both; {without_credentials(uri)!r} has "
            f"{' and '.join(sorted(formats)) or 'neither'}. Name one file, or a folder of such files."
        )
    _, root = source.locate(uri)
    files = []
    for number, name in enumerate(found):
        system, path = source.locate(name)
        partition = _partition(path.removeprefix(root.rstrip("/")))
        files.append(File(number=number, uri=without_credentials(name), system=system, path=path, partition=partition))
    return files


def _partition(path: str) -> dict[str, str | None]:
    """Columns that folders stand for, as Hive, Spark and Upkeep's own datasets write them: ``date=2026-01-05``."""
    pairs = (part.split("=", 1) for part in path.split("/")[:-1] if "=" in part)
    return {name: None if value == _NO_VALUE else unquote(value) for name, value in pairs}
