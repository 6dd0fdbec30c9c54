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


def test_a_grid_refuses_unusable_sizes_and_unknown_columns():
    with pytest.raises(InputError, match="at least 2 bins"):
        ReferenceGrid.fit({"x": np.arange(3.0)}, bins=1)
    with pytest.raises(InputError, match=r"\['y'\] are not"):
        ReferenceGrid.fit({"x": np.arange(3.0)}).only(["y"])
