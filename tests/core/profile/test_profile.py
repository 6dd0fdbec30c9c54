import json
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.columns import select
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

    whole = bits(Profile.build(grid, table))
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
    with pytest.raises(InputError, match="got format 2"):
        Profile.from_json(stored | {"format": 2}, grid)


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


def test_a_window_of_20_000_rows_and_15_columns_is_counted_in_well_below_a_second():
    rng = np.random.default_rng(1)
    table = {f"x{i}": rng.normal(size=20_000) for i in range(12)} | {
        f"c{i}": rng.choice(np.array(list("abcdefgh"), dtype=object), 20_000) for i in range(3)
    }
    grid = ReferenceGrid.fit(table)
    started = time.process_time()
    Profile.build(grid, table)
    assert time.process_time() - started < 0.3
