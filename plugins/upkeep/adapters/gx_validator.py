"""Expectation suites run by Great Expectations over a table in memory, quietly and without leaving files."""

from __future__ import annotations

import difflib
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from upkeep.core.columns import Columns, row_count
from upkeep.errors import BackendError, GateClosed, InputError
from upkeep.ports import CheckResult, Json

SEVERITIES = {"critical": "error", "warning": "warn", "info": "info"}
_KEYS = {"type", "kwargs", "severity", "meta", "notes", "id"}
_POSITION = "upkeep_position"
_NOT_WANTED = {
    "column",
    "column_A",
    "column_B",
    "column_list",
    "ignore_row_if",
}  # what is looked at, not what must hold


class GxValidator:
    """A `ports.Validator`. A suite is ``{"name", "expectations": [{"type", "kwargs", "severity", "meta", "notes"}]}``."""

    def run(self, suite: Json, table: Columns) -> list[CheckResult]:
        """Run a suite in an ephemeral context; results come in the suite's order.

        Raises
        ------
        InputError
            If the suite is empty, or an expectation is unknown or has unusable arguments: Great Expectations
            itself drops these and passes what is left.
        GateClosed
            If the table has no rows.
        BackendError
            If Great Expectations fails as a whole; an expectation that fails alone is a crashed result.
        """
        expectations = _expectations(suite)
        if not row_count(table):
            raise GateClosed(f"suite {suite['name']!r} must see rows, got none. Everything would pass.")
        gx = load_quietly()
        _refuse_unknown(expectations)
        from great_expectations.exceptions import GreatExpectationsError

        try:
            prepared = _suite(gx, suite["name"], expectations)
            results = _batch(gx, table).validate(prepared, result_format="COMPLETE").results
        except GreatExpectationsError as err:
            raise BackendError(f"suite {suite['name']!r} could not be run: {err}. See the cause below.") from err
        placed = {result.expectation_config.meta[_POSITION]: result for result in results}
        return [_check(expectation, placed[at]) for at, expectation in enumerate(expectations)]


def load_quietly() -> Any:
    """Import Great Expectations with its loggers at WARNING, unless someone has set them.

    Under Airflow's root handler the import alone writes 216 lines; after it one module sets its level again.
    """
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    parent = logging.getLogger("great_expectations")
    if parent.level == logging.NOTSET:
        parent.setLevel(logging.WARNING)
    with _spark_out_of_sight():
        import great_expectations as gx

    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)
    return gx


@contextmanager
def _spark_out_of_sight() -> Iterator[None]:
    """Great Expectations imports PySpark where it is installed, for tables that we never give it.

    PySpark warns of pandas 3, and under ``python -c`` without gRPC it takes that for its own doctests and exits with 0.
    """
    hidden = [name for name in ("pyspark", "pyspark.sql.connect") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None makes an import fail
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name)


def _expectations(suite: Json) -> list[Json]:
    expectations = suite.get("expectations")
    if not suite.get("name") or not isinstance(expectations, list) or not expectations:
        raise InputError(
            f"a suite must have a name and at least one expectation, got name {suite.get('name')!r} and "
            f"{len(expectations) if isinstance(expectations, list) else 'no list of'} expectations. Everything would pass."
        )
    for at, expectation in enumerate(expectations):
        where = f"expectation {at} of suite {suite['name']!r}"
        unknown = set(expectation) - _KEYS if isinstance(expectation, Mapping) else {repr(expectation)}
        if unknown or "type" not in expectation:
            raise InputError(f"{where} must have type, kwargs and severity, got {sorted(unknown) or 'no type'}.")
        if expectation.get("severity", "critical") not in SEVERITIES:
            raise InputError(
                f"{where} must have severity {', '.join(SEVERITIES)}, got {expectation['severity']!r}. Correct the suite."
            )
    return expectations


def _refuse_unknown(expectations: list[Json]) -> None:
    from great_expectations.expectations.registry import list_registered_expectation_implementations

    known = list_registered_expectation_implementations()
    for expectation in expectations:
        if expectation["type"] not in known:
            near = difflib.get_close_matches(str(expectation["type"]), known, n=1)
            raise InputError(
                f"an expectation must be one that Great Expectations knows, got {expectation['type']!r}. "
                + (f"Did you mean {near[0]!r}?" if near else "See the Expectation Gallery for their names.")
            )


def _suite(gx: Any, name: str, expectations: list[Json]) -> Any:
    from great_expectations.compatibility.pydantic import ValidationError

    suite = gx.ExpectationSuite(name=name)
    for at, expectation in enumerate(expectations):
        # The position travels in the notes for machines, since results come back in another order.
        config: Json = {key: expectation[key] for key in ("type", "kwargs", "severity", "notes") if key in expectation}
        config["meta"] = (expectation.get("meta") or {}) | {_POSITION: at}
        config.setdefault("kwargs", {})
        try:
            suite.expectations.append(gx.ExpectationSuite(name=name, expectations=[config]).expectations[0])
        except (ValidationError, TypeError) as err:
            reason = "; ".join(str(err).split("\n")[1:]) or str(err)
            raise InputError(
                f"expectation {expectation['type']!r} must have the arguments of its kind, got {config['kwargs']}: "
                f"{' '.join(reason.split())}. Correct the suite."
            ) from err
    return suite


def _batch(gx: Any, table: Columns) -> Any:
    import pandas as pd
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    # Text stays dtype object: type expectations know neither "str" nor "object" in pandas 3's own text dtype.
    series = {n: pd.Series(v, dtype=object) if v.dtype.kind == "O" else pd.Series(v) for n, v in table.items()}
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": pd.DataFrame(series)})


def _check(expectation: Json, result: Any) -> CheckResult:
    crash = _crash(result.exception_info or {})
    found = result.result or {}
    rows = np.array(found.get("unexpected_index_list") or [], dtype=np.int64)
    success = bool(result.success) and not crash  # numpy.bool for quantiles
    return CheckResult(
        expectation=expectation["type"],
        column=_column(expectation.get("kwargs") or {}),
        severity=SEVERITIES[expectation.get("severity", "critical")],
        success=success,
        crashed=bool(crash),
        rows=np.sort(rows),
        observed=_observed(found),
        message=crash or ("" if success else _message(found, expectation.get("kwargs") or {})),
    )


def _crash(info: Mapping[str, Any]) -> str:
    """The message, whether it is there itself or under the ids of metrics; empty where nothing was raised."""
    several = [info] if "raised_exception" in info else list(info.values())
    return _short("; ".join(dict.fromkeys(str(one["exception_message"]) for one in several if one["raised_exception"])))


def _column(kwargs: Mapping[str, Any]) -> str:
    if "column" in kwargs:
        return str(kwargs["column"])
    pair = [str(kwargs[name]) for name in ("column_A", "column_B") if name in kwargs]
    return ", ".join(pair or map(str, kwargs.get("column_list") or ()))


def _observed(found: Mapping[str, Any]) -> str:
    if found.get("observed_value") is not None:
        return _short(_word(found["observed_value"]))
    if "unexpected_count" not in found or "element_count" not in found:
        return ""
    return f"{found['unexpected_count']} of {found['element_count']} rows fail"


def _message(found: Mapping[str, Any], kwargs: Mapping[str, Any]) -> str:
    wanted = ", ".join(f"{name}={value!r}" for name, value in kwargs.items() if name not in _NOT_WANTED)
    mismatched = (found.get("details") or {}).get("mismatched")
    if mismatched:  # columns, of which there are too many to list
        return _short(f"mismatched {_word(mismatched)}")
    values = list(dict.fromkeys(_word(value) for value in found.get("partial_unexpected_list", [])[:5]))
    came = f"e.g. {', '.join(values)}" if values else ""
    parts = [part for part in (f"wanted {wanted}" if wanted else "", _observed(found), came) if part]
    return _short("; ".join(parts))


def _word(value: object) -> str:
    """A value of a table as a person writes it; pairs and rows of values in brackets."""
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(_word, value))})"
    if isinstance(value, Mapping):
        return f"({', '.join(f'{name} {_word(item)}' for name, item in value.items())})"
    return str(value)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 300 else f"{line[:297]}..."
