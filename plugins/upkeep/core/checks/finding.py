"""What a check of a training says when it objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An objection; `error` stops the training, `warn` is recorded with it.

    `column` is empty where the objection is not about one column.
    """

    check: str
    severity: Literal["warn", "error"]
    column: str
    message: str
