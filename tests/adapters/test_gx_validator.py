"""GxValidator: one result per expectation in the suite's order, nothing dropped, nothing printed, no file left."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from upkeep.adapters.gx_validator import GxValidator
from upkeep.errors import GateClosed, InputError

TABLE = {
    "row_id": np.array([1, 2, 2, 4]),
    "fare": np.array([10.0, -3.0, np.nan, 900.0]),
    "flag": np.array(["N", None, "Y", "N"], dtype=object),
    "begin": np.array(["2019-01-01", "2019-01-02", "2019-01-03", "2019-01-04"], dtype="M8[us]"),
    "end": np.array(["2019-01-02", "2019-01-01", "NaT", "2019-01-05"], dtype="M8[us]"),
}
BETWEEN = "expect_column_values_to_be_between"


def _expect(kind, severity="warning", **kwargs):
    return {"type": kind, "kwargs": kwargs, "severity": severity}


def _run(*expectations, table=TABLE):
    return GxValidator().run({"name": "s", "expectations": list(expectations)}, table)


def test_results_come_in_the_suites_order_with_severities_and_failing_positions():
    results = _run(
        _expect("expect_table_row_count_to_be_between", "critical", min_value=1, max_value=3),
        _expect(BETWEEN, "info", column="fare", min_value=0, max_value=500),
        _expect("expect_column_values_to_be_unique", column="row_id"),
        _expect(
            "expect_column_pair_values_a_to_be_greater_than_b",
            column_A="end",
            column_B="begin",
            ignore_row_if="either_value_is_missing",
        ),
        _expect("expect_column_values_to_not_be_null", column="flag"),
        _expect(BETWEEN, "info", column="fare", min_value=0, max_value=500),
    )
    assert [(r.column, r.severity, r.success, r.crashed, r.rows.tolist()) for r in results] == [
        ("", "error", False, False, []),
        ("fare", "info", False, False, [1, 3]),
        ("row_id", "warn", False, False, [1, 2]),
        ("end, begin", "warn", False, False, [1]),
        ("flag", "warn", False, False, [1]),
        ("fare", "info", False, False, [1, 3]),
    ]
    assert results[0].observed == "4"
    assert results[1].message == "wanted min_value=0, max_value=500; 2 of 4 rows fail; e.g. -3.0, 900.0"


def test_quantiles_whose_answer_is_a_numpy_bool_come_back_as_a_bool():
    ranges = {"quantiles": [0.5], "value_ranges": [[0, 50]]}
    (result,) = _run(_expect("expect_column_quantile_values_to_be_between", column="fare", quantile_ranges=ranges))
    assert result.success is True


@pytest.mark.parametrize("kind", ["expect_column_values_to_be_of_type", "expect_column_values_to_be_in_type_list"])
def test_text_is_of_type_str(kind):
    wanted = {"type_": "str"} if kind.endswith("of_type") else {"type_list": ["str"]}
    assert _run(_expect(kind, column="flag", **wanted))[0].success


@pytest.mark.parametrize(
    ("expectation", "message"),
    [
        (_expect(BETWEEN, column="gone", min_value=0), 'The column "gone" in BatchData does not exist'),
        (
            _expect(BETWEEN, "info", column="flag", min_value=0),
            "must either be None or of the same type",
        ),
        (
            {"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": "SELECT 1 FROM {batch}"}},
            "No provider found for",
        ),
    ],
)
def test_a_check_that_could_not_be_carried_out_is_crashed_with_its_message(expectation, message):
    (result,) = _run(expectation)
    assert (result.crashed, result.success) == (True, False)
    assert message in result.message


def test_a_missing_column_is_a_plain_failure_where_its_existence_is_what_is_expected():
    (result,) = _run(_expect("expect_column_to_exist", column="gone"))
    assert (result.crashed, result.success) == (False, False)


def test_columns_that_are_absent_are_named():
    (result,) = _run(_expect("expect_table_columns_to_match_set", column_set=["fare", "tip"], exact_match=False))
    assert result.message == "mismatched (unexpected (begin, end, flag, row_id), missing (tip))"


def test_values_of_a_pair_are_written_as_a_person_would():
    (result,) = _run(_expect("expect_column_pair_values_a_to_be_greater_than_b", column_A="row_id", column_B="fare"))
    assert result.message.endswith("e.g. (1, 10.0), (2, nan), (4, 900.0)")


def test_mostly_tolerates_rows_and_still_names_them():
    (result,) = _run(_expect(BETWEEN, column="fare", min_value=0, max_value=1000, mostly=0.6))
    assert result.success
    assert result.rows.tolist() == [1]


@pytest.mark.parametrize(
    ("suite", "message"),
    [
        ({"name": "s", "expectations": []}, "at least one expectation, got name 's' and 0 expectations"),
        ({"name": "s"}, "no list of expectations"),
        ({"expectations": [_expect(BETWEEN)]}, "got name None"),
        (
            {"name": "s", "expectations": [_expect("expect_column_values_to_be_betwen", column="fare")]},
            "got 'expect_column_values_to_be_betwen'. Did you mean 'expect_column_values_to_be_between'?",
        ),
        ({"name": "s", "expectations": [_expect("nonsense")]}, "got 'nonsense'. See the Expectation Gallery"),
        (
            {"name": "s", "expectations": [_expect(BETWEEN, "error", column="x")]},
            "critical, warning, info, got 'error'",
        ),
        ({"name": "s", "expectations": [_expect(BETWEEN, colum="x")]}, "extra fields not permitted"),
        ({"name": "s", "expectations": [{"expectation_type": BETWEEN, "kwargs": {}}]}, "got ['expectation_type']"),
        ({"name": "s", "expectations": [{"kwargs": {}}]}, "got no type"),
        ({"name": "s", "expectations": ["x"]}, "must have type, kwargs and severity"),
    ],
)
def test_a_suite_that_would_check_less_than_it_says_is_refused(suite, message):
    with pytest.raises(InputError) as caught:
        GxValidator().run(suite, TABLE)
    assert message in str(caught.value)


def test_a_table_without_rows_is_not_validated():
    with pytest.raises(GateClosed, match="must see rows, got none"):
        _run(_expect(BETWEEN, column="fare", min_value=0), table={"fare": np.array([])})


_QUIET = """
import airflow.sdk
import logging, sys
logging.getLogger().setLevel(logging.INFO)
logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))
import numpy as np
from upkeep.adapters.gx_validator import GxValidator
suite = {"name": "s", "expectations": [
    {"type": "expect_column_values_to_be_between", "kwargs": {"column": c, "min_value": 0}, "severity": "warning"}
    for c in ("fare", "gone")]}
results = GxValidator().run(suite, {"fare": np.array([1.0, -1.0])})
assert [r.rows.tolist() for r in results] == [[1], []]
"""


def test_nothing_is_printed_logged_or_left_behind_although_airflow_is_imported_first(tmp_path):
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir(), work.mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    env = kept | {
        "HOME": str(home),
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", _QUIET], capture_output=True, text=True, env=env, cwd=work, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [*home.rglob("*"), *work.rglob("*")] == []


def test_a_level_that_someone_has_set_is_kept():
    code = (
        "import logging; logging.getLogger('great_expectations').setLevel(logging.ERROR);"
        "from upkeep.adapters.gx_validator import load_quietly; load_quietly();"
        "print(logging.getLogger('great_expectations').level)"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert done.stdout.strip() == "40"


@pytest.mark.parametrize("name", ["raw", "clean", "features"])
def test_the_suites_of_the_running_example_name_no_unknown_key(name):
    path = Path(__file__).parents[2] / f"expectations/yellow_trips.{name}.json"
    suite = json.loads(path.read_bytes())
    assert suite["name"] == f"yellow_trips.{name}"
    assert {e["severity"] for e in suite["expectations"]} <= {"critical", "warning", "info"}
