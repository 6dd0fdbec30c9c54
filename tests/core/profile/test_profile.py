import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.columns import Coded, select
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError


def trips(rng, rows):
    return {
        "distance": rng.gamma(2, 2, rows),
        "passengers": rng.integers(1, 6, rows),
        "surcharge": np.where(rng.random(rows) < 0.3, np.nan, 2.5),
        "borough": rng.choice(np.array(["Queens", "Bronx", None], dtype=object), rows),
        "flag": rng.random(rows) < 0.5,
        "wild": np.where(rng.random(rows) < 0.2, np.inf, rng.standard_cauchy(rows) * 1e300),
        "at": np.datetime64("2024-01-01", "us") + rng.integers(0, 10**12, rows),
    }


def bits(profile):
    return json.dumps(profile.to_json(), sort_keys=True)


def test_counts_by_hand():
    grid = ReferenceGrid.fit({"x": np.arange(8.0), "c": np.array(list("aaaabbbb"), dtype=object)}, bins=4)
    profile = Profile.build(
        grid, {"x": np.array([-1.0, 2.0, 3.0, np.nan]), "c": np.array(["a", "z", None, None], dtype=object)}
    )

    assert profile.columns["x"].counts.tolist() == [1, 2, 0, 0]
    assert (profile.columns["x"].low, profile.columns["x"].high) == (-1.0, 3.0)
    assert profile.columns["c"].counts.tolist() == [1, 0, 1]
    assert profile.columns["c"].null_share == 0.5


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 2), min_size=60, max_size=60))
def test_any_split_merged_in_any_order_gives_the_same_bits(seed, parts):
    table = trips(np.random.default_rng(seed), 60)
    grid = ReferenceGrid.fit(table, bins=16, top=1)
    a, b, c = (Profile.build(grid, select(table, np.array(parts) == i)) for i in range(3))

    whole = bits(Profile.build(grid, table).merge(Profile.empty(grid)))
    assert bits(a.merge(b).merge(c)) == whole
    assert bits(a.merge(b.merge(c))) == whole
    assert bits(c.merge(a).merge(b)) == whole


def test_a_profile_survives_json():
    table = trips(np.random.default_rng(1), 300)
    grid = ReferenceGrid.fit(table)
    profile = Profile.build(grid, table)
    stored = json.loads(json.dumps(profile.to_json(), allow_nan=False))

    assert bits(Profile.from_json(stored, ReferenceGrid.from_json(grid.to_json()))) == bits(profile)
    with pytest.raises(InputError, match="belong to the grid"):
        Profile.from_json(stored, ReferenceGrid.fit(trips(np.random.default_rng(2), 300)))
    with pytest.raises(InputError, match="got format 3"):
        Profile.from_json(stored | {"format": 3}, grid)


def test_records_of_the_first_format_are_read():
    grid = ReferenceGrid.from_json({"format": 1, "columns": {"x": {"cuts": [1.0, 2.0]}, "c": {"levels": ["a"]}}})
    x = {"counts": [1, 0, 2], "nulls": 1, "low": 0.5, "high": 9.0}
    c = {"counts": [3, 1], "nulls": 0, "low": None, "high": None}
    digest = "9e84bd1b8a6f9530"  # as it was computed then
    record = {"format": 1, "grid": grid.digest, "rows": 4, "columns": {"x": x, "c": c}}
    profile = Profile.from_json(record, grid)

    assert grid.digest.startswith(digest)
    assert (profile.columns["x"].null_share, profile.columns["x"].infinite, profile.mean("x")) == (0.25, 0, None)
    assert profile.merge(Profile.empty(grid)).columns["x"].moments is None


def test_coded_text_is_counted_like_text():
    text = np.array(["b", None, "a", "b", "z"], dtype=object)
    coded = Coded(np.array([1, -1, 0, 1, 2], dtype=np.int8), ("a", "b", "z", "unused"))
    grid = ReferenceGrid.fit({"c": coded}, top=2)

    assert grid.digest == ReferenceGrid.fit({"c": text}, top=2).digest
    assert bits(Profile.build(grid, {"c": coded})) == bits(Profile.build(grid, {"c": text}))
    assert Profile.build(grid, {"c": coded[1:3]}).columns["c"].counts.tolist() == [0, 1, 0]


def test_of_times_the_hours_of_the_day_are_counted():
    when = np.array(["2024-01-01T05:59", "2024-03-02T05:00", "NaT", "1969-12-31T23:30"], dtype="datetime64[us]")
    grid = ReferenceGrid.fit({"at": when})
    column = Profile.build(grid, {"at": when}).columns["at"]

    assert (column.counts[5], column.counts[23], column.values, column.nulls) == (2, 1, 3, 1)
    assert (column.low, column.high) == (-1.8e9, 1_709_355_600e6)


def test_moments_by_hand():
    grid = ReferenceGrid.fit({"x": np.arange(9.0)}, bins=4)  # cuts 2, 4, 6: the middle half spans 4, of which 2 is half
    cells = grid.cells["x"]
    profile = Profile.build(grid, {"x": np.array([4.0, 5.0, 3.0, 1e9, np.nan, np.inf])})

    assert (cells.pivot, cells.unit) == (4.0, 2.0**-8)
    assert profile.columns["x"].moments == (256 - 256 + 2**18, 2 * 2**16 + 2**36)
    assert (profile.columns["x"].nulls, profile.columns["x"].infinite) == (1, 1)


@given(st.lists(st.floats(-1e6, 1e6).map(lambda value: round(value, 3)), min_size=2, max_size=60))
def test_mean_and_deviation_are_those_of_the_rows_to_within_a_unit(values):
    x = np.array(values)
    grid = ReferenceGrid.fit({"x": x})
    near = np.clip(
        x, grid.cells["x"].pivot - 2**18 * grid.cells["x"].unit, grid.cells["x"].pivot + 2**18 * grid.cells["x"].unit
    )
    profile = Profile.build(grid, {"x": x})

    assert abs(profile.mean("x") - near.mean()) <= grid.cells["x"].unit
    assert abs(profile.deviation("x") - near.std()) <= grid.cells["x"].unit


def test_batches_add_up_to_the_table():
    table = trips(np.random.default_rng(4), 90)
    grid = ReferenceGrid.fit(table)
    profile = Profile.empty(grid)
    for start in range(0, 90, 40):
        profile = profile.update(select(table, np.arange(start, min(start + 40, 90))))
    assert bits(profile) == bits(Profile.build(grid, table))


def test_threads_change_nothing():
    table = trips(np.random.default_rng(3), 5_000)
    grid = ReferenceGrid.fit(table)
    assert bits(Profile.build(grid, table, threads=4)) == bits(Profile.build(grid, table))


def test_profiles_of_different_grids_do_not_merge():
    one, two = ({"x": np.arange(float(n))} for n in (10, 11))
    with pytest.raises(InputError, match="share one reference grid"):
        Profile.build(ReferenceGrid.fit(one), one).merge(Profile.build(ReferenceGrid.fit(two), two))


def test_absent_columns_and_text_for_numbers_are_named():
    grid = ReferenceGrid.fit({"x": np.arange(10.0), "y": np.arange(10.0)})
    with pytest.raises(InputError, match=r"lacks \['y'\]"):
        Profile.build(grid, {"x": np.arange(3.0)})
    with pytest.raises(InputError, match="column 'x' must hold numbers"):
        Profile.build(grid, {"x": np.array(["a", "b"], dtype=object), "y": np.arange(2.0)})


def test_a_number_column_that_lost_all_its_values_is_all_null():
    grid = ReferenceGrid.fit({"x": np.arange(10.0)})
    assert Profile.build(grid, {"x": np.array([None, None], dtype=object)}).columns["x"].null_share == 1.0


def test_integers_and_floats_fall_into_the_same_cells():
    grid = ReferenceGrid.fit({"x": np.arange(100)})
    whole, number = (Profile.build(grid, {"x": np.arange(40).astype(kind)}) for kind in (np.int64, np.float64))
    assert bits(whole) == bits(number)


def test_some_columns_of_a_profile():
    table = trips(np.random.default_rng(1), 50)
    profile = Profile.build(ReferenceGrid.fit(table), table).only(["flag", "distance"])
    assert list(profile.columns) == list(profile.grid.cells) == ["flag", "distance"]
