import numpy as np
import pytest

from upkeep.core.checks.ordering import run_checks
from upkeep.core.checks.suite_entries import expectation_name
from upkeep.core.checks.table_checks import table_checks

TABLE = {
    "row_id": np.array([1, 2, 2, 4]),
    "fare": np.array([10.0, -3.0, np.nan, 900.0]),
    "flag": np.array(["N", None, "Y", "N"], dtype=object),
    "when": np.array(["2024-01-01", "NaT", "2024-01-03", "2024-01-04"], dtype="M8[us]"),
}


def expect(kind, severity="critical", **kwargs):
    return {"type": f"expect_{kind}", "kwargs": kwargs, "severity": severity}


def answers(*expectations, table=TABLE):
    return [
        (made.success, made.crashed, made.rows.tolist())
        for made in (c.run() for c in table_checks(expectations, table))
    ]


@pytest.mark.parametrize(
    ("expectation", "answer"),
    [
        (expect("column_to_exist", column="fare"), (True, False, [])),
        (expect("column_to_exist", column="tip"), (False, False, [])),
        (expect("table_columns_to_match_set", column_set=["when", "fare", "flag", "row_id"]), (True, False, [])),
        (expect("table_columns_to_match_set", column_set=["fare"]), (False, False, [])),
        (expect("table_columns_to_match_set", column_set=["fare"], exact_match=False), (True, False, [])),
        (expect("table_columns_to_match_set", column_set=["tip"], exact_match=False), (False, False, [])),
        (expect("table_row_count_to_be_between", min_value=4, max_value=4), (True, False, [])),
        (expect("table_row_count_to_be_between", min_value=5), (False, False, [])),
        (expect("column_values_to_not_be_null", column="flag"), (False, False, [1])),
        (expect("column_values_to_not_be_null", column="when", mostly=0.75), (True, False, [])),
        (expect("column_values_to_not_be_null", column="fare", mostly=0.76), (False, False, [2])),
        (expect("column_values_to_be_between", column="fare", min_value=0, max_value=900), (False, False, [1])),
        (expect("column_values_to_be_between", column="fare", min_value=-3, max_value=900), (True, False, [])),
        (expect("column_values_to_be_between", column="fare", min_value=0, mostly=0.66), (True, False, [])),
        (expect("column_values_to_be_unique", column="row_id"), (False, False, [1, 2])),
        (expect("column_values_to_match_regex", "info", column="tip", regex="x"), (False, True, [])),
        (expect("column_pair_values_to_be_equal", column_A="fare", column_B="tip"), (False, True, [])),
    ],
)
def test_answers_by_hand(expectation, answer):
    assert answers(expectation) == [answer]


@pytest.mark.parametrize(
    "left",
    [
        expect("column_values_to_not_be_null", "warning", column="flag"),
        expect("column_values_to_not_be_null", column="flag", row_condition="x", condition_parser="pandas"),
        expect("column_values_to_not_be_null", column="flag", mostly={"$PARAMETER": "m"}),
        expect("column_values_to_not_be_null", column="flag", mostly=1.01),
        expect("column_values_to_not_be_null", column="flag", mostly=-0.01),
        expect("column_values_to_not_be_null", column="flag", mostly=float("nan")),
        expect("column_values_to_not_be_null"),
        expect("column_values_to_not_be_null", column_A="flag"),
        expect("column_values_to_be_between", column="when", min_value="2024-01-01"),
        expect("column_values_to_be_between", column="fare", min_value=0, strict_min=True),
        expect("column_values_to_be_between", column="flag", min_value=0),
        expect("column_values_to_be_between", column="fare"),
        expect("column_values_to_be_between", column="fare", min_value=None, max_value=None),
        expect("column_values_to_be_between", column="fare", min_value=2, max_value=1),
        expect("column_values_to_be_between", column="fare", min_value=float("nan")),
        expect("column_values_to_be_between", column="fare", max_value=2**53 + 1),
        expect("column_values_to_be_between", column="fare", min_value=-(10**400)),
        expect("column_values_to_be_between", column="large", min_value=0),
        expect("column_values_to_be_between", column="unsigned", min_value=0),
        expect("column_values_to_be_between", column="single", max_value=0.1),
        expect("column_values_to_be_unique", column="fare"),
        expect("column_values_to_match_regex", column="flag", regex="x"),
        expect("column_to_exist", column="tip", column_index=3),
        expect("column_to_exist"),
        expect("column_to_exist", column=["fare"]),
        expect("column_to_exist", column={"$PARAMETER": "c"}),
        expect("column_to_exist", column=3),
        expect("column_to_exist", column=""),
        expect("column_values_to_not_be_null", column=["tip"]),
        expect("compound_columns_to_be_unique", column_list=["fare", ["tip"]]),
        expect("table_columns_to_match_set", column_set=None),
        expect("table_columns_to_match_set", column_set=["fare", 3]),
        expect("table_columns_to_match_set", column_set=["fare"], exact_match=None),
        expect("table_columns_to_match_set", column_set=["fare"], exact_match=1),
        expect("table_row_count_to_be_between", min_value=True),
        expect("table_row_count_to_be_between", min_value=4.5),
        expect("table_row_count_to_be_between", min_value=4.0),
        expect("table_row_count_to_be_between", min_value=float("inf")),
        expect("column_to_exist", "nonsense", column="tip"),
        {"type": "expect_column_to_exist", "kwargs": 3},
        {},
        "nonsense",
    ],
)
def test_what_is_not_understood_or_not_fatal_is_left_to_the_validator(left):
    wider = {
        "large": np.array([1, 2, 3, 2**53 + 1]),
        "unsigned": np.array([1, 2, 3, 2**64 - 1], dtype=np.uint64),
        "single": np.array([0.1, 0.2, 0.3, 0.4], dtype=np.float32),
    }
    assert answers(left, table=TABLE | wider) == []


@pytest.mark.parametrize("low", [0, 0.5, -(2**53)])
@pytest.mark.parametrize("kind", ["i1", "u1", "i8", "u8"])
def test_whole_numbers_of_any_width_are_looked_at_up_to_where_floats_hold_them(kind, low):
    top = min(2**53, np.iinfo(kind).max)
    between = expect("column_values_to_be_between", column="x", min_value=low, max_value=top - 1)
    assert answers(between, table={"x": np.array([1, top, 2], dtype=kind)}) == [(False, False, [1])]


def test_a_table_without_rows_is_looked_at_too():
    suite = [
        expect("table_row_count_to_be_between", min_value=1),
        expect("column_values_to_not_be_null", column="fare"),
        expect("column_values_to_be_between", column="fare", min_value=0),
        expect("column_values_to_be_between", column="row_id", min_value=0),
        expect("column_values_to_be_unique", column="row_id"),
    ]
    checks = table_checks(suite, {name: values[:0] for name, values in TABLE.items()})
    ran = run_checks(checks, lambda check: check.run(), history={}, rows_wanted=True)
    assert [result.success for result in ran.results] == [False]
    assert len(ran.spared) == 4


def test_a_check_knows_its_place_its_name_and_that_objects_cost_more():
    suite = [
        "?",
        expect("column_values_to_not_be_null", column="fare"),
        expect("column_values_to_not_be_null", column="flag"),
    ]
    fare, flag = table_checks(suite, TABLE)
    assert (fare.at, flag.at) == (1, 2)
    assert fare.name == expectation_name(suite[1]) == "expect_column_values_to_not_be_null(fare)"
    assert fare.cost < flag.cost
    assert flag.run().message == "1 of 4 rows fail"
