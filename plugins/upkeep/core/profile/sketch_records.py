"""Sketches as stored records: the library's own bytes with a digest, so that damage is seen before it is parsed."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from upkeep.errors import InputError

FORMAT = 1


def packed(kind: str, rows: int, nulls: int, states: Sequence[bytes]) -> dict[str, Any]:
    """A record of builtins; `states` are serialised sketches."""
    texts = [base64.b64encode(state).decode() for state in states]
    record = {"format": FORMAT, "kind": kind, "rows": rows, "nulls": nulls, "states": texts}
    return record | {"digest": _digest(record)}


def unpacked(kind: str, record: Mapping[str, Any], states: int) -> tuple[int, int, list[bytes]]:
    """Rows, nulls and serialised sketches of a record; InputError for another format and for a damaged record."""
    if record.get("format") != FORMAT or record.get("kind") != kind:
        raise InputError(
            f"a stored sketch must have format {FORMAT} and kind {kind!r}, "
            f"got format {record.get('format')!r} and kind {record.get('kind')!r}. Make it again."
        )
    stated = {name: record.get(name) for name in ("format", "kind", "rows", "nulls", "states")}
    if record.get("digest") != _digest(stated) or len(record["states"]) != states:
        raise InputError(
            f"a stored sketch must have the digest {_digest(stated)} of its content, got {record.get('digest')!r}: "
            "it was damaged or changed. Restore it from a backup, or make it again."
        )
    try:
        return record["rows"], record["nulls"], [base64.b64decode(text, validate=True) for text in record["states"]]
    except (binascii.Error, TypeError, ValueError) as err:
        raise InputError(f"the states of a stored sketch must be base64, but are not: {err}. Make it again.") from err


def readable(parse: Callable[[], object]) -> None:
    """Parse once, so that bytes which the library cannot read are refused when they are loaded."""
    try:
        parse()
    except (RuntimeError, ValueError, IndexError) as err:
        raise InputError(f"a stored sketch must be one that datasketches reads, but: {err}. Make it again.") from err


def _digest(record: Mapping[str, Any]) -> str:
    text = "\n".join(str(record[name]) for name in ("format", "kind", "rows", "nulls", "states"))
    return hashlib.sha256(text.encode()).hexdigest()
