import numpy as np
import pytest

from upkeep.core.checks.table_checks import expectation_name, names_rows, table_checks

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
        expect("column_values_to_not_be_null"),
        expect("column_values_to_not_be_null", column_A="flag"),
        expect("column_values_to_be_between", column="when", min_value="2024-01-01"),
        expect("column_values_to_be_between", column="fare", min_value=0, strict_min=True),
        expect("column_values_to_be_between", column="flag", min_value=0),
        expect("column_values_to_be_unique", column="fare"),
        expect("column_values_to_match_regex", column="flag", regex="x"),
        expect("column_to_exist", column="tip", column_index=3),
        expect("column_to_exist"),
        expect("table_columns_to_match_set", column_set=None),
        expect("table_row_count_to_be_between", min_value=True),
        expect("column_to_exist", "nonsense", column="tip"),
        {"type": "expect_column_to_exist", "kwargs": 3},
        {},
        "nonsense",
    ],
)
def test_what_is_not_understood_or_not_fatal_is_left_to_the_validator(left):
    assert answers(left) == []


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


@pytest.mark.parametrize(
    ("expectation", "answer"),
    [
        (expect("table_row_count_to_equal", value=3), False),
        (expect("column_mean_to_be_between", column="fare"), False),
        (expect("column_distinct_values_to_be_in_set", column="fare"), False),
        (expect("column_value_lengths_to_equal", column="flag", value=1), True),
        (expect("column_value_lengths_to_equal", "info", column="flag", value=1), False),
        (expect("compound_columns_to_be_unique", column_list=["fare"]), True),
        ({"type": "made_up"}, True),
        ("nonsense", True),
    ],
)
def test_only_expectations_known_to_look_at_the_whole_name_no_rows(expectation, answer):
    assert names_rows([expectation]) is answer
