"""Results of stages as records."""

from __future__ import annotations

from typing import Any

from upkeep.core.plain import plain
from upkeep.ports import Json


def json_record(result: object) -> Json:
    """A result dataclass as a dict of JSON builtins."""
    record: Any = plain(result)
    return dict(record)
