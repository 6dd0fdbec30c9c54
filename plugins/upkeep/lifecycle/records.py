"""Between JSON and dataclasses: results of stages as records, sections of a life's file as policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from upkeep.core.plain import plain
from upkeep.errors import InputError
from upkeep.ports import Json


def json_record(result: object) -> Json:
    """A result dataclass as a dict of JSON builtins."""
    record: Any = plain(result)
    return dict(record)


_Policy = TypeVar("_Policy")


def policy(kind: type[_Policy], settings: Mapping[str, Any], section: str) -> _Policy:
    """A policy from a section of a life's file; an unknown or missing key is named."""
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]  # every policy is a dataclass
    unknown = sorted(set(settings) - known)
    if unknown:
        raise InputError(
            f"{section} of a life may hold {', '.join(sorted(known))}, got {', '.join(unknown)}. Correct the file."
        )
    try:
        return kind(**settings)
    except TypeError as err:
        raise InputError(f"{section} of a life is not complete: {err}. Correct the file.") from err
