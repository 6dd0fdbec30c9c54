"""Fatal expectations that one pass over an array answers, so that a lost batch is known before a validator is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from upkeep.core.checks.suite_entries import EXACT, EXISTENCE, Arguments, are_names, bounds, columns_named, mostly
from upkeep.core.columns import Columns, missing, row_count

#: Failing rows, none where the expectation is about the table, and what was seen; or None where it holds.
Seen: TypeAlias = tuple[NDArray[np.int64], str] | None
#: Cells to look at, and how to look at them.
Look: TypeAlias = tuple[float, Callable[[], Seen]]

_NO_ROWS = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableResult:
    """What a `TableCheck` says, as `core.validation.judge` takes it."""

    expectation: str
    column: str
    severity: str
    success: bool
    crashed: bool
    rows: NDArray[np.int64] = field(repr=False)
    observed: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCheck:
    """An expectation of a suite whose failure is fatal; `at` is its place there, `cost` the cells it looks at."""

    at: int
    expectation: str
    column: str
    severity: str
    cost: float
    look: Callable[[], Seen] = field(repr=False)
    crashes: bool = False
    fatal: bool = True
    names_rows: bool = False  # whoever wants the rows asks the validator

    @property
    def name(self) -> str:
        """As in ``expect_column_to_exist(fare)``."""
        return f"{self.expectation}({self.column})"

    def run(self) -> TableResult:
        """Look, and say what Great Expectations would say."""
        seen = self.look()
        rows, message = seen or (_NO_ROWS, "")
        return TableResult(
            expectation=self.expectation,
            column=self.column,
            severity=self.severity,
            success=seen is None,
            crashed=self.crashes,
            rows=rows,
            observed="" if self.crashes else message,
            message=message,
        )


def table_checks(expectations: Sequence[object], table: Columns) -> list[TableCheck]:
    """The expectations of a suite that can be answered here, and are fatal when they fail.

    Parameters
    ----------
    expectations : sequence of dict
        ``{"type", "kwargs", "severity"}`` in the format of Great Expectations. What is not understood, down to an
        argument, is left to the validator, and so is what it might read in another way.

    Notes
    -----
    An expectation about a column that is not there cannot be carried out, which fails a table whatever the severity.

    Examples
    --------
    >>> suite = [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "fare"}, "severity": "critical"}]
    >>> (check,) = table_checks(suite, {"fare": np.array([2.5, np.nan])})
    >>> check.run().success, check.run().message, check.run().rows.tolist()
    (False, '1 of 2 rows fail', [1])
    """
    made = (_check(at, entry, table) for at, entry in enumerate(expectations) if isinstance(entry, Mapping))
    return [check for check in made if check]


def _check(at: int, entry: Mapping[str, object], table: Columns) -> TableCheck | None:
    kind, arguments = str(entry.get("type")), entry.get("kwargs") or {}
    severity = {"critical": "error", "warning": "warn", "info": "info"}.get(str(entry.get("severity", "critical")))
    columns = columns_named(arguments) if isinstance(arguments, Mapping) else None
    if not isinstance(arguments, Mapping) or not are_names(columns) or severity is None:
        return None
    absent = [name for name in columns if name not in table]
    crashes = bool(absent) and kind.startswith("expect_") and not kind.startswith(EXISTENCE)
    look: Look | None = None
    if crashes:
        look = 1.0, lambda: (_NO_ROWS, f"column {absent[0]!r} is not in the table")
    elif kind in _KINDS and severity == "error" and ("column" in arguments or kind.startswith("expect_table_")):
        look = _KINDS[kind](table, arguments)
    return look and TableCheck(
        at=at,
        expectation=kind,
        column=", ".join(columns),
        severity=severity,
        cost=max(look[0], 1.0),  # of a table without rows too
        look=look[1],
        crashes=crashes,
    )


def _exists(table: Columns, arguments: Arguments) -> Look | None:
    name = arguments.get("column")
    if set(arguments) != {"column"}:
        return None
    return 1.0, lambda: None if name in table else (_NO_ROWS, f"column {name!r} is not in the table")


def _match_set(table: Columns, arguments: Arguments) -> Look | None:
    wanted, exact = arguments.get("column_set"), arguments.get("exact_match", True)
    if set(arguments) - {"column_set", "exact_match"} or not isinstance(exact, bool):
        return None
    if not wanted or not are_names(wanted):
        return None
    lacking, extra = sorted(set(wanted) - set(table)), sorted(set(table) - set(wanted)) if exact else []
    said = f"mismatched columns: missing {lacking}, unexpected {extra}"
    return 1.0, lambda: (_NO_ROWS, said) if lacking or extra else None


def _row_count(table: Columns, arguments: Arguments) -> Look | None:
    limits, rows = bounds(arguments), row_count(table)
    rounded = any(isinstance(value, float) for value in arguments.values())  # by the validator
    if limits is None or rounded or set(arguments) - {"min_value", "max_value"}:
        return None
    return 1.0, lambda: None if limits[0] <= rows <= limits[1] else (_NO_ROWS, f"wanted {_words(arguments)}; {rows}")


def _not_null(table: Columns, arguments: Arguments) -> Look | None:
    share = mostly(arguments)
    if share is None or set(arguments) - {"column", "mostly"}:
        return None
    values = table[str(arguments["column"])]
    cost = len(values) * (30.0 if values.dtype.kind == "O" else 1.0)  # an object at a time
    return cost, lambda: _too_many(missing(values), np.ones(len(values), dtype=bool), share)


def _between(table: Columns, arguments: Arguments) -> Look | None:
    limits, share, values = bounds(arguments), mostly(arguments), table[str(arguments["column"])]
    known = {"column", "min_value", "max_value", "mostly"}  # strict bounds are left to the validator
    if limits is None or share is None or set(arguments) - known or not _compares_as_float64(values):
        return None

    def look() -> Seen:
        seen = _too_many((values < limits[0]) | (values > limits[1]), ~missing(values), share)
        return seen and (seen[0], f"wanted {_words(arguments)}; {seen[1]}")

    return 3.0 * len(values), look


def _unique(table: Columns, arguments: Arguments) -> Look | None:
    values = table[str(arguments["column"])]
    if set(arguments) != {"column"} or values.dtype.kind not in "iu":
        return None

    def look() -> Seen:
        _, where, times = np.unique(values, return_inverse=True, return_counts=True)
        return _too_many(times[where] > 1, np.ones(len(values), dtype=bool), 1.0)

    return 20.0 * len(values), look


def _too_many(wrong: NDArray[np.bool_], held: NDArray[np.bool_], share: float) -> Seen:
    """Great Expectations' rule: the share of right values among those that are held must reach `share`."""
    rows, total = np.flatnonzero(wrong & held), int(held.sum())
    if not total or (total - len(rows)) / total >= share:
        return None
    return rows, f"{len(rows)} of {len(held)} rows fail"


def _compares_as_float64(values: NDArray[np.generic]) -> bool:
    """The validator compares other floats with a bound that keeps its own digits."""
    if values.dtype.kind in "iu":
        return -EXACT <= int(values.min(initial=0)) and int(values.max(initial=0)) <= EXACT
    return values.dtype == np.float64


def _words(arguments: Arguments) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items() if name != "column")


_KINDS: Mapping[str, Callable[[Columns, Arguments], Look | None]] = {
    "expect_column_to_exist": _exists,
    "expect_table_columns_to_match_set": _match_set,
    "expect_table_row_count_to_be_between": _row_count,
    "expect_column_values_to_not_be_null": _not_null,
    "expect_column_values_to_be_between": _between,
    "expect_column_values_to_be_unique": _unique,
}
