"""Dataset versions in a git + DVC repository of their own."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from upkeep.adapters.atomic_files import exclusive, inside, move_into_place, sync, write_atomically
from upkeep.adapters.dvc_files import DvcFiles
from upkeep.adapters.git_repo import GitRepo
from upkeep.core.plain import plain
from upkeep.errors import BackendError, InputError
from upkeep.ports import DatasetVersion, Json

FORMAT = 1
_DATASET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class DvcVersions:
    """A `ports.VersionStore`: files and ``.dvc`` files at ``<root>/<dataset>/``, versions as annotated git tags.

    Parameters
    ----------
    root : Path
        The repository; made on first use.
    remote : Path
        DVC's local-folder remote. This repository is its only writer.

    Notes
    -----
    A version is all files of the dataset: those of this batch and those of every batch before. Its `rows` are those
    of all its batches. Its digest is the md5 over the sorted names and md5s of its files, so the same content is
    the same version. Order of work: files, cache, ``.dvc`` files, commit, push, comparison of every object with its
    md5, tag. The tag comes last: a version that can be found is complete in the remote. `add` therefore
    reads the whole version back from the remote each time, and `pull` reads it there as well.
    """

    def __init__(self, root: Path, remote: Path | str) -> None:
        self._root = root
        self._git = GitRepo(root)
        self._dvc = DvcFiles(root, remote)

    def add(
        self, dataset: str, writers: Mapping[str, Callable[[str], None]], *, date: str, rows: int, meta: Json
    ) -> DatasetVersion:
        """See `ports.VersionStore.add`; ``meta["batch"]`` is the id of the batch that the files belong to.

        Raises
        ------
        InputError
            For a name that could lead out of the dataset's folder, no files, no batch id or a date that is none.
        BackendError
            Where git, DVC, the disk or the remote failed. Running it again is safe.
        """
        names = _checked(self._root, dataset, writers, date, meta)
        with self._writing():
            for name, writer in zip(names, writers.values(), strict=True):
                self._write(name, writer)
            self._dvc.add(names)
            batches = self._note(dataset, str(meta["batch"]), rows)
            changed = [*(f"{name}.dvc" for name in names), _ledger(dataset)]
            self._git.commit(changed, f"Add batch {meta['batch']} to {dataset}")
            files = self._dvc.md5s(dataset)
            self._dvc.push(dataset, files)
            return self._tagged(dataset, files, date, batches, meta)

    def find(self, tag: str) -> DatasetVersion:
        return self._find(tag)[0]

    def versions(self, dataset: str) -> list[DatasetVersion]:
        return [version for version, _ in self._known(_checked_dataset(dataset))]

    def pull(self, tag: str) -> list[str]:
        """Paths in DVC's cache, in the order of the version's files: other tasks' working files are left alone."""
        version, files = self._find(tag)
        return self._dvc.fetch(version.dataset, files)

    def _find(self, tag: str) -> tuple[DatasetVersion, dict[str, str]]:
        known = {version.tag: (version, files) for version, files in self._known()}
        if tag not in known:
            near = difflib.get_close_matches(tag, known, n=3, cutoff=0.3) or "none"
            raise InputError(f"a dataset version must exist, got {tag!r}; the nearest are {near}. Use one of them.")
        return known[tag]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Alone in the repository, and everything that a killed run left half done is taken back."""
        with exclusive(self._root), self._git.writing():
            self._git.commit(self._dvc.set_up(), "Set up the repository of dataset versions")
            self._git.remove_untracked()  # ignored files stay: data, cache
            self._dvc.clear_left_overs()
            yield

    def _write(self, name: str, writer: Callable[[str], None]) -> None:
        temporary = self._root / f".writing.{os.getpid()}.tmp"
        writer(str(temporary))
        try:
            sync(temporary)
            move_into_place(temporary, self._root / name)
        except OSError as err:
            raise BackendError(
                f"{name} must be written under {self._root}, but: {err}. Make room, run it again."
            ) from err

    def _note(self, dataset: str, batch: str, rows: int) -> dict[str, int]:
        """Rows of every batch of the dataset, in the order they were added; committed with the files."""
        path = self._root / _ledger(dataset)
        batches: dict[str, int] = json.loads(path.read_bytes()) if path.exists() else {}
        batches[batch] = rows
        write_atomically(path, json.dumps(batches, indent=1).encode())
        return batches

    def _tagged(
        self, dataset: str, files: dict[str, str], date: str, batches: dict[str, int], meta: Json
    ) -> DatasetVersion:
        digest = hashlib.md5(
            "".join(f"{name}\t{md5}\n" for name, md5 in files.items()).encode(), usedforsecurity=False
        ).hexdigest()
        made = self.versions(dataset)
        for version in made:
            if version.digest == digest:
                return version
        prefix = f"dataset/{dataset}/{date}-"
        numbers = [int(version.tag.removeprefix(prefix)) for version in made if version.tag.startswith(prefix)]
        tag = f"{prefix}{max(numbers, default=0) + 1}"
        record = {
            "format": FORMAT,
            "number": len(made) + 1,
            "dataset": dataset,
            "digest": digest,
            "rows": sum(batches.values()),
            "files": files,
            "meta": meta | {"batches": list(batches)},
        }
        self._git.tag(tag, json.dumps(plain(record), allow_nan=False))
        return self.find(tag)

    def _known(self, dataset: str = "") -> list[tuple[DatasetVersion, dict[str, str]]]:
        """Versions and the md5s of their files, oldest first; of one dataset, or of all."""
        tags = self._git.tags(f"dataset/{dataset}/" if dataset else "dataset/")
        records = sorted(
            ((tag, commit, _record(tag, text)) for tag, commit, text in tags), key=lambda t: t[2]["number"]
        )
        return [(_version(tag, commit, record), record["files"]) for tag, commit, record in records]


def _record(tag: str, text: str) -> Json:
    try:
        record: Json = json.loads(text)
    except ValueError as err:
        raise BackendError(
            f"the message of git tag {tag} must be JSON written by Upkeep, but is not: {err}. Delete that tag."
        ) from err
    if record.get("format") != FORMAT:
        raise BackendError(
            f"git tag {tag} must have format {FORMAT}, got {record.get('format')!r}. It was written by another Upkeep: upgrade."
        )
    return record


def _version(tag: str, commit: str, record: Json) -> DatasetVersion:
    return DatasetVersion(
        dataset=record["dataset"],
        tag=tag,
        revision=commit,
        digest=record["digest"],
        files=tuple(record["files"]),
        rows=record["rows"],
        meta=record["meta"],
    )


def _ledger(dataset: str) -> str:
    return f".upkeep/{dataset}.json"


def _checked_dataset(dataset: str) -> str:
    if not _DATASET.fullmatch(dataset):
        raise InputError(
            f"the name of a versioned dataset must start with a letter or digit and be made of letters, digits, _ and -, "
            f"got {dataset!r}. Use a name like yellow_trips."
        )
    return dataset


def _checked(root: Path, dataset: str, writers: Mapping[str, object], date: str, meta: Json) -> list[str]:
    """The files' names under `root`."""
    _checked_dataset(dataset)
    if not writers:
        raise InputError(f"a version of {dataset} must have files, got none. Pass a writer for each file.")
    if not meta.get("batch"):
        raise InputError(f"a version of {dataset} must say which batch it adds, got {meta}. Pass meta['batch'].")
    if not _DATE.fullmatch(date):
        raise InputError(f"the date of a version of {dataset} must be YYYY-MM-DD, got {date!r}. Pass its first day.")
    reserved = [name for name in writers if name.endswith((".dvc", ".tmp"))]
    if reserved:
        raise InputError(f"a file of {dataset} must not end in .dvc or .tmp, got {reserved}. Rename it.")
    return [inside(root, f"{dataset}/{name}").relative_to(root).as_posix() for name in writers]
