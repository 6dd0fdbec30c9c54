"""What stored grids and profiles must hold, checked before anything is computed from it."""

from __future__ import annotations

import reprlib
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

from upkeep.errors import InputError


def damaged(must: str, came: object) -> InputError:
    """The error to raise for a record whose content cannot be what was stored."""
    return InputError(f"{must}, got {reprlib.repr(came)}. The record is damaged: restore it, or build it again.")


def fields(what: str, record: object, names: Iterable[str]) -> Mapping[str, Any]:
    """The record, which must be a mapping that has all the names."""
    wanted = list(names)
    if not isinstance(record, Mapping):
        raise damaged(f"{what} must be a mapping with {wanted}", record)
    absent = [name for name in wanted if name not in record]
    if absent:
        raise damaged(f"{what} must have {wanted}, but lacks {absent}", list(record))
    return record


def is_whole(value: object) -> TypeGuard[int]:
    """A whole number of at least 0 that fits into 64 bits; True is none."""
    return type(value) is int and 0 <= value < 2**63


def are_numbers(values: list[Any]) -> TypeGuard[list[float]]:
    """All are numbers that are finite as floats; True is none."""
    return set(map(type, values)) <= {int, float} and all(abs(value) <= sys.float_info.max for value in values)


def stored_moments(what: str, values: int, moments: object) -> tuple[int, int] | None:
    """Sum and sum of squares of so many whole numbers, or None where they were not kept."""
    if moments is None:
        return None
    if isinstance(moments, list) and list(map(type, moments)) == [int, int]:
        total, squares = moments
        if values * squares >= total**2 and (values or not squares):
            return total, squares
    raise damaged(f"{what} must have moments null, or a sum and a sum of squares of {values} whole numbers", moments)
