"""Small records as JSON files."""

from __future__ import annotations

import json
from pathlib import Path

from upkeep.adapters.atomic_files import create_atomically, inside, write_atomically
from upkeep.core.plain import plain
from upkeep.errors import BackendError
from upkeep.ports import Json

FORMAT = 1


class JsonDocuments:
    """A `ports.Documents` over two folders: `records` for machines, `reports` for people."""

    def __init__(self, records: Path, reports: Path) -> None:
        self._records = records
        self._reports = reports

    def put(self, kind: str, name: str, record: Json) -> None:
        write_atomically(inside(self._records, f"{kind}/{name}.json"), _body(kind, record))

    def create(self, kind: str, name: str, record: Json) -> bool:
        return create_atomically(inside(self._records, f"{kind}/{name}.json"), _body(kind, record))

    def get(self, kind: str, name: str) -> Json | None:
        path = inside(self._records, f"{kind}/{name}.json")
        try:
            body = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as err:
            raise BackendError(
                f"{path} must be a JSON record, but cannot be read: {err}. Restore it from a backup."
            ) from err
        if body.get("format") != FORMAT:
            raise BackendError(
                f"{path} must have format {FORMAT}, got {body.get('format')!r}. It was written by a newer Upkeep: upgrade."
            )
        record: Json = body["record"]
        return record

    def names(self, kind: str, prefix: str = "") -> list[str]:
        folder = inside(self._records, kind)
        found = (path.relative_to(folder).as_posix().removesuffix(".json") for path in folder.rglob("*.json"))
        return sorted(name for name in found if name.startswith(prefix))

    def put_text(self, kind: str, name: str, text: str) -> str:
        path = inside(self._reports, f"{kind}/{name}")
        write_atomically(path, text.encode())
        return path.relative_to(self._reports).as_posix()


def _body(kind: str, record: Json) -> bytes:
    return json.dumps({"format": FORMAT, "kind": kind, "record": plain(record)}, indent=1, allow_nan=False).encode()
