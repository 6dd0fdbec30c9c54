import json
import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.columns import Coded, select
from upkeep.core.profile.cells import category_counts
from upkeep.core.profile.grid import NumericCells, ReferenceGrid
from upkeep.core.profile.profile import ColumnProfile, Profile
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

    within = grid.cells["x"].unit + 2 * np.spacing(abs(near).max())
    assert abs(profile.mean("x") - math.fsum(near) / len(near)) <= within
    assert abs(profile.deviation("x") - statistics.pstdev(near.tolist())) <= within


def test_moments_of_numbers_whose_differences_overflow_are_limited():
    cells = NumericCells(cuts=np.array([-1.7e308, -1.6e308, 1.7e308]))
    for cuts, wild in ((cells.cuts, 1.79e308), (-cells.cuts[::-1], -1.79e308)):
        grid = ReferenceGrid(cells={"x": NumericCells(cuts=cuts)})
        total, _ = Profile.build(grid, {"x": np.array([wild])}).columns["x"].moments
        assert total == round(math.copysign(2e307, wild) / grid.cells["x"].unit)


@pytest.mark.parametrize("values", [[-0.0], [-0.0, -1.0], [1.0, -0.0]])
def test_least_and_largest_values_are_never_minus_zero(values):
    column = Profile.build(ReferenceGrid.fit({"x": np.arange(4.0)}), {"x": np.array(values)}).columns["x"]
    assert "-0.0" not in (str(column.low), str(column.high))


def test_moments_that_one_part_has_not_kept_are_not_those_of_the_whole():
    kept, lost = (ColumnProfile(counts=np.array([2]), nulls=0, moments=moments) for moments in ((3, 9), None))
    assert kept.merge(kept).moments == (6, 18)
    assert kept.merge(lost).moments is lost.merge(kept).moments is lost.merge(lost).moments is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"counts": [1, 2]}, "3 counts"),
        ({"counts": [1, 2, -1]}, "3 counts"),
        ({"counts": [1, 2, 0.5]}, "3 counts"),
        ({"counts": [1, 2, True]}, "3 counts"),
        ({"counts": [1, 2, 2**63]}, "3 counts"),
        ({"counts": [[1], [2], [3]]}, "3 counts"),
        ({"counts": "123"}, "3 counts"),
        ({"counts": None}, "3 counts"),
        ({"counts": [2**62, 2**62, 0]}, "below 2\\^63 rows"),
        ({"nulls": -1}, "nulls and infinite"),
        ({"nulls": None}, "nulls and infinite"),
        ({"infinite": 0.5}, "nulls and infinite"),
        ({"low": "1"}, "low <= high"),
        ({"low": None}, "low <= high"),
        ({"low": 5.0}, "low <= high"),
        ({"high": float("inf")}, "low <= high"),
        ({"high": float("nan")}, "low <= high"),
        ({"high": 10**400}, "low <= high"),
        ({"moments": [1]}, "moments"),
        ({"moments": [1.5, 2]}, "moments"),
        ({"moments": [True, 2]}, "moments"),
        ({"moments": 7}, "moments"),
        ({"moments": [4, 3]}, "moments"),  # the squares of 4 numbers that add up to 4 add up to 4 at least
        ({"counts": [0, 0, 0], "moments": [0, 1]}, "moments"),
    ],
)
def test_a_damaged_column_of_a_stored_profile_is_named(change, message):
    grid = ReferenceGrid(cells={"x": NumericCells(cuts=np.array([1.0, 2.0]))})
    entry = {"counts": [1, 2, 1], "nulls": 1, "infinite": 0, "low": 0.5, "high": 3, "moments": [4, 4]}
    record = {"format": 2, "grid": grid.digest, "rows": 9, "columns": {"x": entry}}
    assert Profile.from_json(record, grid).columns["x"].rows == 5  # its own rows: those of the table may be others
    with pytest.raises(InputError, match=f"column 'x' must have.*{message}.*The record is damaged"):
        Profile.from_json(record | {"columns": {"x": entry | change}}, grid)


@pytest.mark.parametrize("part", ["format", "grid", "rows", "columns", "counts", "nulls", "low", "high"])
def test_a_part_that_a_stored_profile_lacks_is_named(part):
    table = {"x": np.arange(3.0)}
    grid = ReferenceGrid.fit(table)
    record = Profile.build(grid, table).to_json()
    record.pop(part, None)
    record.get("columns", {"x": {}})["x"].pop(part, None)
    with pytest.raises(InputError, match=f"lacks .'{part}'"):
        Profile.from_json(record, grid)


@pytest.mark.parametrize(
    "change",
    [
        {"rows": -1},
        {"rows": 1.0},
        {"columns": {}},
        {"columns": {"x": None}},
        {"columns": []},
        {"columns": {"x": 1, "y": 1}},
    ],
)
def test_what_is_no_stored_profile_is_refused(change):
    table = {"x": np.arange(3.0)}
    grid = ReferenceGrid.fit(table)
    with pytest.raises(InputError, match="The record is damaged"):
        Profile.from_json(Profile.build(grid, table).to_json() | change, grid)
    with pytest.raises(InputError, match="stored profile must be a mapping"):
        Profile.from_json(None, grid)


MIXED = [1, True, 1.0, np.int64(1), np.True_, np.float32(1), np.float64(2), 2, "1", np.str_("1"), 0.5, -0.0, False, 0]
MIXED += [None, float("nan"), np.nan, np.inf, 10**20, 1e20]


@given(st.lists(st.sampled_from(MIXED), max_size=12), st.lists(st.sampled_from(MIXED), max_size=12))
def test_categories_of_any_type_are_spelled_alike_however_the_rows_are_split(one, other):
    parts = [np.array([*values, None], dtype=object) for values in (one, other)]
    whole = category_counts(np.concatenate(parts))
    assert whole == {key: sum(category_counts(part).get(key, 0) for part in parts) for key in whole}
    assert sum(whole.values()) == sum(value is not None and value == value for value in [*one, *other])


def test_whole_numbers_with_gaps_are_the_categories_that_they_are_without():
    grid = ReferenceGrid.fit({"c": np.array(["1", "True", "2"], dtype=object)})
    for values in (np.array([1, 2, 2]), np.array([1, np.nan, 2, 2]), np.array([1, 2.0, None, 2], dtype=object)):
        assert Profile.build(grid, {"c": values}).columns["c"].counts.tolist() == [1, 2, 0, 0]
    mixed = np.array([1, True, True], dtype=object)
    assert Profile.build(grid, {"c": mixed}).columns["c"].counts.tolist() == [1, 0, 2, 0]


class _Unequal:
    """Like pandas.NA: whether it equals itself has no answer."""

    __hash__ = object.__hash__

    def __eq__(self, other):
        return self

    __ne__ = __eq__

    def __bool__(self):
        raise TypeError("ambiguous")


@pytest.mark.parametrize("value", [["a"], {"a": 1}, _Unequal(), b"a", 1j, object()])
def test_values_that_are_no_category_are_refused_and_the_column_is_named(value):
    values = np.array(["a", None, "b"], dtype=object)
    values[1] = value
    with pytest.raises(InputError, match="column 'c': a category must be text"):
        ReferenceGrid.fit({"c": values})
    for table in ({"c": np.array(["a", "b"])}, {"c": np.arange(3.0)}):
        with pytest.raises(InputError, match="column 'c'"):
            Profile.build(ReferenceGrid.fit(table), {"c": values})
    with pytest.raises(InputError, match="column 'c': categories must be text"):
        Profile.build(ReferenceGrid.fit({"c": np.array(["a"])}), {"c": np.array([b"a"])})


def test_booleans_and_numbers_with_gaps_are_numbers():
    grid = ReferenceGrid.fit({"x": np.array([0, 1, 1, 2])})
    gaps = np.array([True, None, np.False_, 2, 1.0, np.float32(2), np.nan], dtype=object)
    plain = np.array([1, np.nan, 0, 2, 1, 2, np.nan])
    assert bits(Profile.build(grid, {"x": gaps})) == bits(Profile.build(grid, {"x": plain}))
    with pytest.raises(InputError, match="column 'x' must hold numbers"):
        Profile.build(grid, {"x": np.array([True, "2", None], dtype=object)})


def test_unsigned_codes_and_levels_that_come_twice_are_counted():
    coded = Coded(np.array([0, 1, 2, 2], dtype=np.uint64), ("a", "b", "a"))
    assert category_counts(coded) == {"a": 3, "b": 1}


@pytest.mark.parametrize("unit", ["s", "m", "h", "D", "Y"])
def test_times_beyond_what_64_bits_of_microseconds_hold_are_refused(unit):
    grid = ReferenceGrid.fit({"at": np.array(["2024-01-01T05"], dtype="datetime64[us]")})
    for far in (10**13, -(10**13)):
        with pytest.raises(InputError, match="column 'at': its times must lie in the years"):
            Profile.build(grid, {"at": np.array([5, far], dtype=f"datetime64[{unit}]")})


@pytest.mark.parametrize("unit", ["ns", "us", "ms", "s", "m", "h"])
def test_times_are_counted_alike_in_any_unit(unit):
    when = np.array(["2024-01-01T05", "NaT", "1677-09-22T23", "2262-04-11T01"], dtype="datetime64[us]")
    grid = ReferenceGrid.fit({"at": when})
    later = when.astype(f"datetime64[{unit}]")
    assert bits(Profile.build(grid, {"at": later})) == bits(Profile.build(grid, {"at": when}))


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
