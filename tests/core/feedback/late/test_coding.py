import operator
from itertools import pairwise

import numpy as np
import pytest

from upkeep.core.columns import Coded
from upkeep.core.feedback.late.coding import Coding
from upkeep.core.profile.cells import NumericCells
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError


def test_numbers_fall_into_cells_of_equal_mass_and_a_frequent_value_has_its_own():
    values = np.concatenate([np.zeros(400), np.arange(1.0, 601.0)])
    coding = Coding.fit({"x": values}, cells=5)
    codes = coding.encode({"x": np.array([-1.0, 0.0, 0.5, 599.0, np.inf, -np.inf, np.nan])})[0]
    said = [coding.clause(0, int(code)) for code in codes]
    assert said[0] == said[5] == "x < 0"
    assert said[1] == "x = 0"
    assert said[2].startswith("0 < x <")
    assert said[3] == said[4] == "x ≥ 401"
    assert said[6] == "x is missing"


COMPARISONS = {"<": operator.lt, "≤": operator.le, "=": operator.eq, "≥": operator.ge, ">": operator.gt}


def holds(clause, value):
    """Whether a clause such as ``0 < x < 401`` holds for a value of x."""
    words = clause.split()
    sides = [value if word == "x" else float(word) for word in words[::2]]
    return all(COMPARISONS[word](*pair) for word, pair in zip(words[1::2], pairwise(sides), strict=True))


def test_every_clause_says_what_its_rows_have_and_no_others():
    values = np.round(np.random.default_rng(0).normal(size=5_000), 1)
    coding = Coding.fit({"x": values})
    codes = coding.encode({"x": values})[0]
    for code in np.unique(codes):
        said = coding.clause(0, int(code))
        assert [holds(said, value) for value in np.unique(values)] == [
            value in values[codes == code] for value in np.unique(values)
        ]


def test_text_is_spelled_alike_however_it_comes():
    coding = Coding.fit({"z": np.array(["a", "a", "1", None, "True"], dtype=object)})
    forms = [
        np.array(["a", "1", "rare", None], dtype=object),
        Coded(np.array([2, 0, 1, -1]), ("1", "other", "a")),
        np.array(["a", 1, 2, float("nan")], dtype=object),
    ]
    assert [coding.encode({"z": form}).tolist() for form in forms] == [[[0, 1, 3, 4]]] * 3
    assert coding.encode({"z": np.array([True, False])}).tolist() == [[2, 3]]
    assert coding.encode({"z": np.array([1, 7])}).tolist() == [[1, 3]]


def test_levels_without_end_share_a_cell():
    ids = np.array([f"id {i}" for i in range(5_000)], dtype=object)
    coding = Coding.fit({"id": ids}, levels=30)
    codes = coding.encode({"id": ids})[0]
    assert coding.sizes.tolist() == [32]
    assert (codes == 30).sum() == 4_970
    assert coding.clause(0, 30) == "id is none of its 30 levels"


def test_hours_of_times_are_utc_and_missing_ones_have_their_own_code():
    at = np.array(["1969-12-31T23:30", "2024-01-01T05:59", "NaT"], dtype="datetime64[us]")
    assert Coding.fit({"at": at}).encode({"at": at}).tolist() == [[23, 5, 24]]


def test_a_column_without_values_has_the_code_of_missing_ones_only():
    nothing = {"x": np.full(3, np.nan), "z": np.array([None] * 3, dtype=object)}
    coding = Coding.fit(nothing)
    codes = coding.encode(nothing)
    assert [coding.clause(j, int(codes[j, 0])) for j in range(2)] == ["x is missing", "z is missing"]
    assert coding.clause(0, 0) == "x is known"


@pytest.mark.parametrize(
    "table", [{}, {"x": np.array(["a", "b"], object)}, {"x": Coded(np.array([0]), ("a",))}, {"x": np.zeros((2, 2))}]
)
def test_what_was_not_fitted_is_refused(table):
    with pytest.raises(InputError):
        Coding.fit({"x": np.arange(9.0)}).encode(table)


def test_times_must_stay_times():
    at = {"at": np.array(["2024-01-01T05"], dtype="datetime64[us]")}
    with pytest.raises(InputError, match=r"column 'at'.*times"):
        Coding.fit(at).encode({"at": np.zeros(1)})


def test_more_cells_than_a_byte_can_tell_are_refused():
    with pytest.raises(InputError, match="at most 254"):
        Coding.fit({"z": np.array([f"{i}" for i in range(400)], dtype=object)}, levels=300)


def test_a_coding_from_a_profile_has_cells_of_nearly_equal_mass_and_keeps_frequent_values():
    rng = np.random.default_rng(1)
    table = {
        "x": rng.normal(size=20_000),
        "tip": np.where(rng.random(20_000) < 0.4, 0.0, rng.exponential(3.0, 20_000)),
        "same": np.ones(20_000),
        "gone": np.full(20_000, np.nan),
        "at": np.datetime64("2024-01-01", "us") + rng.integers(0, 48, 20_000) * np.timedelta64(1, "h"),
        "zone": rng.choice(np.array(["a", "b", "c"], dtype=object), 20_000, p=[0.6, 0.3, 0.1]),
    }
    coding = Coding.of(Profile.build(ReferenceGrid.fit(table), table), levels=2)
    codes = coding.encode(table)
    held = np.bincount(codes[0], minlength=11)
    assert len(coding.cells["x"].cuts) == 9
    assert abs(held[:10] / 2_000 - 1).max() < 0.02
    tip = [coding.clause(1, int(code)) for code in np.unique(codes[1])]
    assert "tip = 0" in tip
    assert len(tip) <= 9
    assert [coding.clause(j, int(codes[j, 0])) for j in (2, 3)] == ["same = 1", "gone is missing"]
    assert coding.clause(5, 2) == "zone is none of its 2 levels"
    assert Coding.from_json(coding.to_json()).to_json() == coding.to_json()


def test_more_items_than_their_pairs_can_be_counted_for_are_refused():
    with pytest.raises(InputError, match="at most 5000 cells"):
        Coding(cells={f"x{j}": NumericCells(cuts=np.arange(9.0)) for j in range(500)})


def test_of_many_columns_the_widest_get_fewer_cells_and_none_is_left_out():
    rng = np.random.default_rng(2)
    few, zones = rng.choice(np.array(["a", "b"], object), 400), np.array([f"v{i}" for i in range(40)], object)
    wide = {f"x{j}": rng.normal(size=400) for j in range(300)} | {f"z{j}": rng.choice(zones, 400) for j in range(100)}
    coding = Coding.fit(wide | {"few": few})
    assert coding.left_out == ()
    assert coding.sizes[:300].tolist() == [11] * 300  # number columns keep what they would have alone
    assert set(coding.sizes[300:400].tolist()) == {16}
    assert coding.cells["few"].levels == Coding.fit({"few": few}).cells["few"].levels
    numbers = Coding.fit({f"x{j}": np.arange(4_000.0) for j in range(600)})
    assert np.bincount(numbers.encode({f"x{j}": np.arange(4_000.0) for j in range(600)})[0]).min() >= 400
    assert int(numbers.sizes.sum()) == 4_800


def test_of_far_too_many_columns_the_first_are_kept_and_the_others_named():
    numbers = {f"x{j}": np.arange(40.0) for j in range(2_000)}
    coding = Coding.fit(numbers)
    assert coding.names == tuple(numbers)[:1_666]
    assert coding.left_out == tuple(numbers)[1_666:]
    assert coding.cells["x0"].cuts.tolist() == [20.0]
    assert Coding.from_json(coding.to_json()).left_out == coding.left_out
    table = {name: values for name, values in numbers.items() if name in ("x0", "x1999")}
    profile = Profile.build(ReferenceGrid.fit(numbers), numbers)
    assert Coding.of(profile).left_out == coding.left_out
    assert Coding.fit(table).left_out == ()


ODD = {
    "day": np.array(["2024-01-01", "NaT", "2024-01-03"], dtype="datetime64[D]"),
    "took": np.array([1, 2, 3], dtype="timedelta64[h]"),
    "raw": np.array([b"a", b"b", b"c"]),
    "list": np.array([["a"], None, ["b"]], dtype=object),
}


def test_columns_that_no_cells_can_count_are_left_out():
    coding = Coding.fit({"x": np.arange(3.0)} | ODD)
    assert (coding.names, coding.left_out) == (("x",), tuple(ODD))


@pytest.mark.parametrize("values", [np.array(["a", "b", "c"], object), ODD["list"], ODD["raw"]])
def test_columns_that_have_become_of_another_sort_are_not_read(values):
    rows = {"x": np.arange(3.0), "at": ODD["day"].astype("datetime64[us]"), "y": np.array([2.0, 1.0, 3.0])}
    kept, codes = Coding.fit(rows).read(rows | {"x": values, "at": values})
    assert (kept.names, kept.left_out) == (("y",), ("x", "at"))
    np.testing.assert_array_equal(codes, Coding.fit({"y": rows["y"]}).encode(rows))


def test_lists_where_there_was_text_are_refused_with_a_reason():
    with pytest.raises(InputError, match=r"column 'z'.*unhashable"):
        Coding.fit({"z": np.array(["a", "b", "c"], object)}).encode({"z": ODD["list"]})
