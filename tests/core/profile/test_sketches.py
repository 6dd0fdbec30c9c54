import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.columns import Coded
from upkeep.core.profile.cells import CategoryCells
from upkeep.core.profile.sketches import LevelSketch, QuantileSketch, heavy_levels, sketch_column
from upkeep.errors import InputError


def texts(*levels):
    return np.array(levels, dtype=object)


def shops(rows, levels, seed=1):
    """Shops by Zipf's law: few that are frequent, and very many that are not."""
    rng = np.random.default_rng(seed)
    weight = 1 / np.arange(1, levels + 1)
    return rng.choice(levels, rows, p=weight / weight.sum())


def named(numbers):
    return np.array([f"shop-{number}" for number in numbers.tolist()], dtype=object)


def test_a_small_column_is_counted_exactly():
    sketch = LevelSketch.empty().update(texts("b", "a", None, "", "a")).update(np.array([True, False, True]))
    assert (sketch.rows, sketch.nulls) == (8, 1)
    assert [(count.level, count.low, count.high) for count in sketch.frequent()] == [
        ("True", 2, 2),
        ("a", 2, 2),
        ("", 1, 1),
        ("False", 1, 1),
        ("b", 1, 1),
    ]
    distinct = sketch.distinct()
    assert distinct.low <= 5 <= distinct.high
    assert distinct.estimate == pytest.approx(5, abs=0.01)


@given(st.lists(st.sampled_from(["a", "b", "", "c\0", None]), max_size=30))
def test_coded_text_gives_the_bytes_of_plain_text_whatever_its_dictionary(values):
    plain = LevelSketch.empty().update(texts(*values))
    for levels in (("a", "b", "", "c\0"), ("unused", "c\0", "", "b", "a")):
        codes = np.array([-1 if value is None else levels.index(value) for value in values], dtype=np.int64)
        assert LevelSketch.empty().update(Coded(codes, levels)) == plain


def test_counts_of_frequent_levels_lie_in_their_bounds_in_batches_and_merged():
    drawn = shops(200_000, 100_000)
    true = dict(zip(*np.unique(named(drawn), return_counts=True), strict=True))
    parts = [LevelSketch.empty().update(named(part)) for part in np.array_split(drawn, 7)]
    merged = parts[0]
    for part in parts[1:]:
        merged = merged.merge(part)
    for sketch in (LevelSketch.empty().update(named(drawn)), merged):
        counts = sketch.frequent()
        assert all(count.low <= true[count.level] <= count.high for count in counts)
        error = max(count.high - count.low for count in counts)
        assert error <= 3.5 / 2**12 * len(drawn)
        assert {level for level, rows in true.items() if rows > error} <= {count.level for count in counts}
        assert sketch.distinct().estimate == pytest.approx(len(true), rel=0.05)  # three standard errors
        assert sketch.rows == len(drawn)


def test_the_heavy_levels_of_a_long_stream_are_the_true_ones():
    drawn = shops(300_000, 200_000)
    exact = CategoryCells.fit(named(drawn), 50)
    sketch = LevelSketch.empty()
    for part in np.array_split(drawn, 5):
        sketch = sketch.update(named(part))
    assert set(heavy_levels(sketch, 50).levels[:40]) <= set(exact.levels)
    assert heavy_levels(sketch, 10).levels == exact.levels[:10]
    assert heavy_levels(sketch_column(named(drawn[:1000])), 50) == CategoryCells.fit(named(drawn[:1000]), 50)


def test_the_same_batches_give_the_same_bytes_also_through_a_stored_record():
    parts = np.array_split(named(shops(60_000, 30_000)), 3)
    straight, stored = LevelSketch.empty(), LevelSketch.empty()
    for part in parts:
        straight = straight.update(part)
        stored = LevelSketch.from_json(json.loads(json.dumps(stored.update(part).to_json())))
    assert stored == straight
    assert heavy_levels(stored, 100) == heavy_levels(straight, 100)


def test_a_histogram_by_hand_with_an_atom_in_the_middle():
    made = sketch_column(np.array([0.0, 1, 5, 5, 5, 5, 5, 5, 8, 9, np.nan, np.inf])).histogram(bins=4)
    # Quartiles of the ten finite values are 5, 5, 5 or 8; the atom has a bin to itself and what is below the next edge.
    assert made.edges[0] == 0
    assert made.edges[-1] == 9
    values = np.array([0, 1, 5, 5, 5, 5, 5, 5, 8, 9])
    np.testing.assert_allclose(made.masses, np.histogram(values, made.edges)[0] / 10)
    assert 5.0 in made.edges
    assert made.rank_error == 0.0


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=150), st.integers(1, 40))
def test_a_column_held_whole_has_the_histogram_of_its_values(values, bins):
    column = np.array(values, dtype=np.float64)
    sketch = sketch_column(column)
    made = sketch.histogram(bins)
    finite = column[np.isfinite(column)]
    assert (sketch.rows, sketch.nulls) == (len(column), len(column) - len(finite))
    if not len(finite):
        assert not len(made.masses)
        return
    assert (made.edges[0], made.edges[-1]) == (finite.min(), finite.max())
    if finite.min() == finite.max():
        assert made.masses.tolist() == [1.0]
        return
    assert len(made.masses) <= bins
    np.testing.assert_allclose(made.masses, np.histogram(finite, made.edges)[0] / len(finite), atol=1e-12)


def test_quantiles_survive_json_and_merge_within_their_error():
    rng = np.random.default_rng(3)
    parts = [rng.normal(size=30_000) for _ in range(4)]
    merged = QuantileSketch.empty()
    for part in parts:
        merged = merged.merge(QuantileSketch.from_json(json.loads(json.dumps(sketch_column(part).to_json()))))
    made = merged.histogram(20)
    true = np.histogram(np.concatenate(parts), made.edges)[0] / 120_000
    assert np.abs(made.masses - true).max() <= 2 * made.rank_error
    assert made.rank_error < 0.02
    assert merged.rows == 120_000


@pytest.mark.parametrize("column", [texts("a", "b"), np.arange(5000.0)])
def test_a_damaged_or_foreign_record_is_refused(column):
    sketch = sketch_column(column)
    record = sketch.to_json()
    cut = [*record["states"][:-1], record["states"][-1][:8]]
    for change in (
        {"format": 2},
        {"kind": "trees"},
        {"rows": 3},
        {"states": cut},
        {"states": None},
        {"digest": ""},
    ):
        with pytest.raises(InputError, match="a stored sketch must have"):
            type(sketch).from_json(record | change)
    with pytest.raises(InputError, match="a stored sketch must have"):
        type(sketch).from_json({})


@pytest.mark.parametrize("states", [["AAAA"], ["!"], [1]])
def test_bytes_that_the_library_cannot_read_are_refused_whatever_their_digest(states):
    from upkeep.core.profile.sketch_records import _digest

    record = sketch_column(np.arange(3.0)).to_json() | {"states": states}
    with pytest.raises(InputError, match=r"must be (base64|one that datasketches reads)"):
        QuantileSketch.from_json(record | {"digest": _digest(record)})


def test_what_cannot_be_sketched_is_named():
    with pytest.raises(InputError, match="numbers, text or booleans, got datetime64"):
        sketch_column(np.array(["2024-01-01"], dtype="datetime64[us]"))
    with pytest.raises(InputError, match="at least 1 bin, got bins=0"):
        QuantileSketch.empty().histogram(0)
    with pytest.raises(InputError, match="got top=0"):
        heavy_levels(LevelSketch.empty(), 0)
