"""Slices of columns of every kind that a table can hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.columns import Coded
from upkeep.core.gate.condition import Predicate, Worst, parse
from upkeep.core.gate.slices import in_slices, levels
from upkeep.errors import InputError

TIMES = np.array(["2024-01-07T23:59", "2024-01-08", "NaT"], dtype="datetime64[ns]")
TEXT = np.array(["Queens", "Staten Island", None], dtype=object)
TABLE = {
    "text": TEXT,
    "fixed": np.array(["Queens", "Staten Island", "x"]),
    "coded": Coded(np.array([1, 0, -1]), ("Staten Island", "Queens")),
    "nothing": np.array([None, None, None], dtype=object),
    "coded_nothing": Coded(np.array([-1, -1, -1]), ()),
    "whole": np.array([1, 5, 9]),
    "unsigned": np.array([1, 5, 9], dtype=np.uint8),
    "real": np.array([1.0, 5.0, np.nan]),
    "boxed": np.array([1, 5.0, None], dtype=object),
    "flag": np.array([True, False, True]),
    "boxed_flag": np.array([True, False, None], dtype=object),
    "time": TIMES,
    "two words": np.array([1, 2, 3]),
    "mixed": np.array(["a", 1, None], dtype=object),
    "lapse": np.array([1, 2, 3], dtype="timedelta64[s]"),
}


def inside(text):
    ((variable, _),) = parse(f"n[{text}] > 0 +/- 1").clauses[0].weights
    return in_slices([variable.slice], TABLE, 3)[variable.slice].tolist()


@pytest.mark.parametrize("column", ["text", "fixed", "coded"])
def test_text_is_equal_or_not_and_missing_text_is_neither(column):
    assert inside(f"{column} = Queens") == [True, False, False]
    assert inside(f'{column} = "Staten Island"') == [False, True, False]
    assert inside(f"{column} != Queens") == [False, True, column == "fixed"]
    assert inside(f"{column} = Brooklyn") == [False, False, False]


@pytest.mark.parametrize("column", ["whole", "unsigned", "real", "boxed"])
@pytest.mark.parametrize(
    ("comparison", "expected"),
    [("=", "010"), ("!=", "101"), ("<", "100"), ("<=", "110"), (">", "001"), (">=", "011")],
)
def test_numbers_compare_in_every_way_and_a_missing_one_in_none(column, comparison, expected):
    wanted = [digit == "1" for digit in expected]
    wanted[2] &= column in ("whole", "unsigned")
    assert inside(f"{column} {comparison} 5") == wanted
    assert inside(f"{column} {comparison} -1e300") == [
        comparison in ("!=", ">", ">=") and here for here in inside(f"{column} > 0")
    ]


def test_booleans_are_true_or_false_and_times_come_in_iso():
    assert inside("flag = true") == inside("flag != false") == [True, False, True]
    assert inside("boxed_flag = false") == [False, True, False]
    assert inside('time >= "2024-01-08"') == [False, True, False]
    assert inside('time < "2024-01-07T23:59:30"') == [True, False, False]
    assert inside('time != "2024-01-08"') == [True, False, False]
    assert inside('"two words" > 1, flag = true') == [False, False, True]


@pytest.mark.parametrize("column", ["nothing", "coded_nothing"])
def test_where_nothing_is_known_no_row_belongs(column):
    assert inside(f"{column} = a") == inside(f"{column} != a") == [False] * 3


@given(st.lists(st.sampled_from(["a", "b", None]), min_size=1), st.sampled_from(["=", "!="]))
def test_coded_text_is_sliced_like_text(values, comparison):
    codes = np.array([-1 if value is None else "ba".index(value) for value in values])
    plain, coded = {"c": np.array(values, dtype=object)}, {"c": Coded(codes, ("b", "a"))}
    for level in ("a", "b", "c"):
        where = (Predicate("c", comparison, level),)
        plainly, by_code = (in_slices([where], table, len(values))[where].tolist() for table in (plain, coded))
        assert plainly == by_code == [v is not None and (v == level) == (comparison == "=") for v in values]
    assert levels(plain, "c") == levels(coded, "c")


def test_levels_are_those_that_rows_have():
    assert levels(TABLE, "text") == levels(TABLE, "coded") == ("Queens", "Staten Island")
    assert levels(TABLE, "boxed") == (1.0, 5.0)
    assert levels(TABLE, "flag") == levels(TABLE, "boxed_flag") == ("false", "true")
    assert levels(TABLE, "nothing") == levels(TABLE, "coded_nothing") == ()
    assert levels({"c": Coded(np.array([0, -1]), ("a", "unused"))}, "c") == ("a",)


@given(st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=1))
def test_the_slices_at_all_levels_share_out_the_rows_that_are_not_missing(values):
    table = {"c": np.array(values, dtype=object)}
    slices = [(Predicate("c", "=", level),) for level in levels(table, "c")]
    hits = list(in_slices(slices, table, len(values)).values())
    assert np.sum(hits, axis=0, initial=0).tolist() == ([int(v is not None) for v in values] if hits else 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("zone = a", "column 'zone', which the rows do not have. There are: boxed, boxed_flag"),
        ("text > a", "'text' is of text and compares by = or !="),
        ("text = 5", 'as in text = Queens or text = "12"'),
        ('whole = "5"', "is of numbers and compares with a number"),
        ("flag = yes", "true or false"),
        ("flag = 1", "true or false"),
        ("flag > true", "true or false"),
        ("time > 2024", 'time >= "2024-01-08"'),
        ('time > "yesterday"', "must be a UTC time"),
        ("mixed = a", "must hold text, numbers, booleans or times to be sliced by, got int, str"),
        ("lapse > 1", "got timedelta64"),
    ],
)
def test_what_cannot_be_compared_is_refused(text, words):
    with pytest.raises(InputError, match=words):
        inside(text)


def test_a_worst_slice_and_levels_of_times_are_refused():
    with pytest.raises(InputError, match="Expand"):
        in_slices([Worst("text")], TABLE, 3)
    with pytest.raises(InputError, match="no levels"):
        levels(TABLE, "time")
