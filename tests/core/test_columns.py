"""Columns: lengths that agree, rows that are picked, tables that are joined, values that are missing."""

import numpy as np
import pytest

from upkeep.core.columns import Coded, concatenate, missing, row_count, select
from upkeep.errors import InputError


def test_counts_rows_and_a_table_without_columns_has_none():
    assert row_count({"a": np.zeros(3), "b": np.ones(3)}) == 3
    assert row_count({}) == 0


def test_names_both_columns_whose_lengths_differ():
    with pytest.raises(InputError, match="got 2 in 'a' and 3 in 'c'"):
        row_count({"a": np.zeros(2), "b": np.zeros(2), "c": np.zeros(3)})


@pytest.mark.parametrize("values", [np.array(1.0), np.zeros((2, 2))])
def test_a_column_that_is_not_one_value_per_row_is_named(values):
    with pytest.raises(InputError, match=r"every column must have shape \(n,\), got .* in 'b'"):
        row_count({"a": np.zeros(2), "b": values})


@pytest.mark.parametrize(
    ("codes", "levels", "message"),
    [
        ([0, 2], ("a", "b"), r"codes must lie in \[-1, 2\).*from 0 to 2"),
        ([-2, 0], ("a",), "from -2 to 0"),
        ([0], (), r"\[-1, 0\)"),
        ([0, 1], ("a", None), "levels must be texts, got None"),
        ([0, 1], ("a", 1), "levels must be texts, got 1"),
        ([0.0], ("a",), "codes must be whole numbers"),
        ([[0]], ("a",), r"shape \(n,\)"),
    ],
)
def test_codes_name_levels_and_levels_are_texts(codes, levels, message):
    with pytest.raises(InputError, match=message):
        Coded(np.array(codes), levels)


def test_codes_of_any_whole_number_type_pick_rows():
    for kind in (np.int8, np.uint8, np.uint64):
        coded = Coded(np.array([0, 1, 1], dtype=kind), ("a", "b"))
        assert coded[np.array([True, False, True])].codes.tolist() == [0, 1]
    assert len(Coded(np.array([], dtype=np.int64), ())) == 0
    assert Coded(np.array([-1, -1]), ()).codes.tolist() == [-1, -1]


def test_a_value_that_does_not_say_whether_it_is_missing_is_refused():
    values = np.array([None, None], dtype=object)
    values[1] = np.zeros(2)
    with pytest.raises(InputError, match="must be None or NaN"):
        missing(values)


def test_selects_by_mask_and_by_position_in_every_column():
    table = {"a": np.array([1, 2, 3]), "b": np.array(["x", "y", None], dtype=object)}
    assert select(table, np.array([True, False, True]))["b"].tolist() == ["x", None]
    assert select(table, np.array([2, 0]))["a"].tolist() == [3, 1]


def test_joins_whole_numbers_with_gaps_as_float_and_keeps_order():
    joined = concatenate([{"a": np.array([1, 2])}, {"a": np.array([np.nan, 4.0])}])
    np.testing.assert_array_equal(joined["a"], [1.0, 2.0, np.nan, 4.0])
    assert concatenate([]) == {}


def test_refuses_to_join_tables_with_other_columns_and_names_them():
    with pytest.raises(InputError, match=r"\['b', 'c'\] are not in both"):
        concatenate([{"a": np.zeros(1), "b": np.zeros(1)}, {"a": np.zeros(1), "c": np.zeros(1)}])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([1.0, np.nan]), [False, True]),
        (np.array(["2019-01-01", "NaT"], dtype="datetime64[us]"), [False, True]),
        (np.array(["a", None, float("nan")], dtype=object), [False, True, True]),
        (np.array([0, 1]), [False, False]),
        (np.array(["a", ""], dtype=np.dtypes.StringDType()), [False, False]),
        (np.array([False, True]), [False, False]),
    ],
)
def test_knows_what_is_missing_in_every_kind_of_column(values, expected):
    assert missing(values).tolist() == expected
