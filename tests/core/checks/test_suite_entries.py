import pytest

from upkeep.core.checks.suite_entries import expectation_name, names_rows


def expect(kind, severity="critical", **kwargs):
    return {"type": f"expect_{kind}", "kwargs": kwargs, "severity": severity}


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


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        (expect("column_to_exist", column="fare"), "expect_column_to_exist(fare)"),
        (expect("column_to_exist", column=["fare"]), "expect_column_to_exist(['fare'])"),
        (expect("pair", column_A="a", column_B="b"), "expect_pair(a, b)"),
        (expect("several", column_list=["a", 3]), "expect_several(a, 3)"),
        ({"type": "x", "kwargs": 3}, "x()"),
        ({"type": "x"}, "x()"),
        ("x", "'x'"),
    ],
)
def test_any_entry_has_a_name(entry, name):
    assert expectation_name(entry) == name
