import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.profile.grid import CategoryCells, HourCells, NumericCells, ReferenceGrid
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError

NUMBERS = st.lists(st.one_of(st.floats(-50, 50), st.sampled_from([0.0, 1.0, 2.5, np.nan, np.inf])), max_size=200)


def test_cuts_are_equi_depth_and_an_atom_has_a_cell_of_its_own():
    values = np.concatenate([np.arange(8.0), np.full(8, 3.0)])  # 3 holds 9 of 16 rows
    cells = NumericCells.fit(values, bins=4)

    assert cells.cuts.tolist() == [3.0, np.nextafter(3.0, 4.0), 4.0]
    assert cells.single.tolist() == [False, True, False, False]


@given(NUMBERS, st.integers(2, 40))
def test_no_cell_holds_more_than_two_depths_unless_it_is_one_value(values, bins):
    table = {"x": np.array(values, dtype=float)}
    grid = ReferenceGrid.fit(table, bins=bins)
    column = Profile.build(grid, table).columns["x"]

    crowded = column.counts > max(1, 2 * column.values / bins + 1)
    assert not (crowded & ~grid.cells["x"].single).any()
    assert column.values + column.nulls + column.infinite == len(values)


@pytest.mark.parametrize("values", [np.full(5, np.nan), np.full(5, 7.0), np.array([1.0]), np.empty(0)])
def test_constant_empty_and_all_null_columns_have_their_cells(values):
    grid = ReferenceGrid.fit({"x": values})
    profile = Profile.build(grid, {"x": np.array([7.0, 8.0, np.nan, -np.inf])})

    assert profile.columns["x"].values == 2
    assert profile.columns["x"].null_share == 0.5


def test_text_and_booleans_are_categories_and_of_times_the_hours_count():
    table = {
        "text": np.array(["b", "a", None, "a", "c"], dtype=object),
        "flag": np.array([True, False, True, True, True]),
        "when": np.zeros(5, dtype="datetime64[us]"),
        "count": np.arange(5),
    }
    grid = ReferenceGrid.fit(table, top=2)

    assert list(grid.cells) == ["text", "flag", "when", "count"]
    assert grid.cells["when"] == HourCells()
    assert grid.cells["text"] == CategoryCells(levels=("a", "b"))
    assert grid.cells["flag"] == CategoryCells(levels=("True", "False"))


def test_a_grid_survives_json_and_another_format_is_refused():
    grid = ReferenceGrid.fit({"x": np.random.default_rng(1).normal(size=500), "c": np.array(["é", "b"] * 250, object)})
    again = ReferenceGrid.from_json(grid.to_json())

    assert again.digest == grid.digest
    with pytest.raises(InputError, match="format 1 or 2, got 9"):
        ReferenceGrid.from_json({"format": 9})


GRID = {"format": 1, "columns": {"x": {"cuts": [-0.0, 5e-324, 2]}, "c": {"levels": ["a", "b"]}, "t": {"hours": 24}}}


def test_cuts_of_either_zero_and_whole_numbers_are_read():
    assert ReferenceGrid.from_json(json.loads(json.dumps(GRID))).cells["x"].cuts.tolist() == [0.0, 5e-324, 2.0]
    assert ReferenceGrid.from_json({"format": 2, "columns": {"x": {"cuts": []}}}).cells["x"].size == 1


@pytest.mark.parametrize(
    "entry",
    [
        {"cuts": [1.0, 1.0]},
        {"cuts": [0.0, -0.0]},
        {"cuts": [2.0, 1.0]},
        {"cuts": [1.0, float("nan")]},
        {"cuts": [1.0, float("inf")]},
        {"cuts": [0, 10**400]},
        {"cuts": [2**53, 2**53 + 1]},
        {"cuts": [False, True]},
        {"cuts": ["1"]},
        {"cuts": "12"},
        {"cuts": None},
        {"levels": ["a", "a"]},
        {"levels": ["a", None]},
        {"levels": "ab"},
        {"levels": [["a"]]},
        {"hours": 25},
        {},
        None,
        [1.0],
    ],
)
def test_a_damaged_column_of_a_stored_grid_is_named(entry):
    with pytest.raises(InputError, match="column 'x' of a stored grid must have"):
        ReferenceGrid.from_json(GRID | {"columns": {"x": entry}})


@pytest.mark.parametrize("record", [None, [], {}, {"format": 1}, {"format": 1, "columns": None}, {"format": [1]}])
def test_what_is_no_stored_grid_is_refused(record):
    with pytest.raises(InputError, match="stored grid must"):
        ReferenceGrid.from_json(record)


@pytest.mark.parametrize(
    "values", [np.array([b"a"]), np.array([1], "timedelta64[s]"), np.array([1j]), np.zeros(1, dtype=[("a", int)])]
)
def test_a_column_that_no_cells_can_count_is_named_and_not_dropped(values):
    with pytest.raises(InputError, match=r"column 'y' must hold numbers.*Convert it, or leave it out"):
        ReferenceGrid.fit({"x": np.zeros(1), "y": values})


@pytest.mark.parametrize("values", [np.zeros((3, 2)), np.array(1.0)])
def test_a_column_has_one_value_per_row(values):
    with pytest.raises(InputError, match=r"shape \(n,\), got .* in 'y'"):
        ReferenceGrid.fit({"y": values})


def test_numpy_strings_are_text():
    text = np.array(["b", "a", "b"], dtype=np.dtypes.StringDType())
    grid = ReferenceGrid.fit({"c": text})
    assert grid.cells["c"].levels == ("b", "a")
    assert Profile.build(grid, {"c": text}).columns["c"].counts.tolist() == [2, 1, 0]
    with pytest.raises(InputError, match="column 'c' must hold numbers"):
        Profile.build(ReferenceGrid.fit({"c": np.arange(3)}), {"c": text})


def test_dates_have_no_hour_and_are_left_out():
    when = np.array(["2024-01-01T05", "NaT"], dtype="datetime64[h]")
    dates = {unit: when.astype(f"datetime64[{unit}]") for unit in ("Y", "M", "W", "D")}
    assert list(ReferenceGrid.fit({"h": when, "us": when.astype("datetime64[us]"), **dates}).cells) == ["h", "us"]


def test_the_largest_float_can_be_a_value_of_its_own_cell():
    largest = np.finfo(float).max
    with np.errstate(all="raise"):
        cells = NumericCells.fit(np.array([largest, largest, 1.0, -largest]), bins=4)
        assert not cells.single.any()
    assert cells.cuts.tolist() == [1.0, largest]


def test_a_grid_refuses_unusable_sizes_and_unknown_columns():
    with pytest.raises(InputError, match="at least 2 bins"):
        ReferenceGrid.fit({"x": np.arange(3.0)}, bins=1)
    with pytest.raises(InputError, match=r"\['y'\] are not"):
        ReferenceGrid.fit({"x": np.arange(3.0)}).only(["y"])
