"""What an entry of an expectation suite says, as far as it can be said without the validator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypeGuard

import numpy as np

Arguments: TypeAlias = Mapping[str, object]

#: Whole numbers up to here are the same as float64, which Great Expectations reads bounds as.
EXACT = 2**53
#: Expectations that do not need their column to be there.
EXISTENCE = ("expect_table_", "expect_column_to_exist", "expect_column_type_to_be")
#: Expectations that look at a table or a column as a whole. Any other is taken to name rows.
_ABOUT_THE_WHOLE = (
    *EXISTENCE,
    *(f"expect_column_{what}_" for what in ("max", "mean", "median", "min", "stdev", "sum", "quantile", "proportion")),
    *(f"expect_column_{what}_" for what in ("distinct_values", "most_common_value", "unique_value_count")),
)


def names_rows(expectations: Sequence[object]) -> bool:
    """Whether the failure of any of these expectations may send rows to quarantine.

    Examples
    --------
    >>> names_rows([{"type": "expect_column_mean_to_be_between", "kwargs": {"column": "fare"}}])
    False
    """
    return any(
        not isinstance(entry, Mapping)
        or (not str(entry.get("type")).startswith(_ABOUT_THE_WHOLE) and entry.get("severity") != "info")
        for entry in expectations
    )


def expectation_name(entry: object) -> str:
    """Kind and columns of an entry of a suite, as in ``expect_column_to_exist(fare)``."""
    if not isinstance(entry, Mapping):
        return repr(entry)
    arguments = entry.get("kwargs")
    columns = columns_named(arguments) if isinstance(arguments, Mapping) else []
    return f"{entry.get('type')}({', '.join(map(str, columns))})"


def columns_named(arguments: Arguments) -> list[object]:
    """The columns that an expectation is about, as they are written; `are_names` says whether they can be ones.

    Examples
    --------
    >>> columns_named({"column_A": "pickup", "column_B": "dropoff"}), are_names([["fare"]])
    (['pickup', 'dropoff'], False)
    """
    several = arguments.get("column_list")
    single = [arguments[name] for name in ("column", "column_A", "column_B") if name in arguments]
    return [*single, *(several if isinstance(several, (list, tuple)) else ())]


def are_names(values: object) -> TypeGuard[Sequence[str]]:
    """Whether these are texts, none of them empty."""
    return isinstance(values, (list, tuple)) and all(isinstance(value, str) and value for value in values)


def bounds(arguments: Arguments) -> tuple[float, float] | None:
    """``min_value`` and ``max_value``; None where the validator might read others, or refuses them.

    Examples
    --------
    >>> bounds({"min_value": 2}), bounds({"min_value": 2, "max_value": 1}), bounds({"max_value": 2**53 + 1})
    ((2, inf), None, None)
    """
    low, high = _bound(arguments.get("min_value"), -np.inf), _bound(arguments.get("max_value"), np.inf)
    return (low, high) if low <= high and (low, high) != (-np.inf, np.inf) else None


def _bound(value: object, absent: float) -> float:
    """NaN, which is in no order with anything, where the validator might read another bound."""
    if value is None:
        return absent
    return value if _is_number(value) and abs(value) <= EXACT else np.nan


def mostly(arguments: Arguments) -> float | None:
    """The share of values that must be right, 1 where none is given; None where it is no share."""
    share = arguments.get("mostly", 1.0)
    return share if _is_number(share) and 0 <= share <= 1 else None


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
