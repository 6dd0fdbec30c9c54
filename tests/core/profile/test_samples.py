import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.columns import Coded, select
from upkeep.core.identity import row_ids
from upkeep.core.profile.samples import RowSample
from upkeep.errors import InputError

ROWS = 80


def trips(rows=ROWS, seed=1):
    rng = np.random.default_rng(seed)
    return {
        "fare": np.where(rng.random(rows) < 0.2, np.nan, rng.gamma(2, 5, rows)),
        "zone": rng.integers(0, 2**62, rows),
        "paid": rng.random(rows) < 0.5,
        "when": np.datetime64("2024-01-01", "us") + rng.integers(0, 10**12, rows) * np.timedelta64(1, "us"),
        "borough": rng.choice(np.array(["Queens", "é\0", None], dtype=object), rows),
    }


def drawn(table, ids, **kwargs):
    weights = kwargs.pop("weights", None)
    return RowSample.empty(**kwargs).update(table, ids, weights=weights)


def bits(sample):
    return json.dumps(sample.to_json(), allow_nan=False)


def splitmix64(state):
    mask = 2**64 - 1
    z = (state + 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)


def test_keys_chances_and_the_weighted_mean_by_hand():
    weights, values = np.array([1.0, 4.0, 2.0, 0.5]), np.array([10.0, 20.0, 30.0, 40.0])
    sample = drawn({"v": values}, np.arange(4), weights=weights, size=2, seed=7)
    uniform = [((splitmix64(splitmix64(7) ^ row) >> 12) + 0.5) / 2**52 for row in range(4)]
    keys = [-np.log1p(-u) / w for u, w in zip(uniform, weights, strict=True)]
    first, second, threshold, _ = sorted(range(4), key=keys.__getitem__)
    chance = [1 - np.exp(-weights[i] * keys[threshold]) for i in (first, second)]

    assert sample.ids.tolist() == [first, second]
    assert sample.threshold == pytest.approx(keys[threshold])
    assert sample.inclusion == pytest.approx(chance)
    assert sample.mean(sample.rows["v"]) == pytest.approx((values[first] / chance[0] + values[second] / chance[1]) / 4)


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, 2), min_size=ROWS, max_size=ROWS),
    st.sampled_from([1, 7, ROWS, 2 * ROWS]),
    st.booleans(),
)
def test_any_split_merged_in_any_order_gives_the_same_bits(seed, parts, size, weighted):
    table, ids = trips(seed=seed), np.random.default_rng(seed).integers(0, 2**62, ROWS)
    weights = np.random.default_rng(seed).pareto(1, ROWS) + 0.01 if weighted else np.ones(ROWS)

    def part(which):
        mask = np.array(parts) == which
        return drawn(select(table, mask), ids[mask], weights=weights[mask], size=size, seed=3)

    a, b, c = map(part, range(3))
    whole = bits(drawn(table, ids, weights=weights, size=size, seed=3))
    assert bits(a.merge(b).merge(c)) == bits(a.merge(b.merge(c))) == bits(c.merge(a).merge(b)) == whole
    streamed = RowSample.empty(size=size, seed=3)
    for row in range(ROWS):
        streamed = streamed.update(select(table, np.array([row])), ids[[row]], weights=weights[[row]])
    assert bits(streamed) == whole


@given(st.lists(st.integers(0, 12), max_size=60), st.integers(1, 15))
def test_a_row_that_is_offered_again_is_kept_once(ids, size):
    given_ids = np.array(ids, dtype=np.int64)
    again = drawn({"x": given_ids}, given_ids, size=size)
    once = drawn({"x": np.unique(given_ids)}, np.unique(given_ids), size=size)
    assert again.seen == len(ids)
    assert (again.ids.tolist(), again.threshold) == (once.ids.tolist(), once.threshold)
    merged = again.merge(again)
    assert (merged.ids.tolist(), merged.threshold, merged.seen) == (again.ids.tolist(), again.threshold, 2 * len(ids))


def test_all_rows_are_kept_with_certainty_while_there_is_room():
    table = trips()
    sample = drawn(table, np.arange(ROWS), weights=np.arange(1.0, ROWS + 1), size=ROWS)
    assert sample.threshold == np.inf
    assert sample.inclusion.tolist() == [1.0] * ROWS
    assert sample.mean(sample.rows["zone"]) == pytest.approx(table["zone"].mean())


def test_a_sample_without_weights_is_the_one_of_equal_weights_and_depends_on_the_seed():
    table, ids = trips(), np.arange(ROWS)
    plain = drawn(table, ids, size=9)
    assert plain.ids.tolist() == drawn(table, ids, weights=np.full(ROWS, 5.0), size=9).ids.tolist()
    assert plain.ids.tolist() != drawn(table, ids, size=9, seed=1).ids.tolist()


def test_text_ids_and_coded_columns_give_the_rows_of_plain_ones():
    names = np.array([f"trip-{row}" for row in range(ROWS)], dtype=object)
    table = {"name": names, "code": Coded(np.arange(ROWS) % 3 - 1, ("a", "b"))}
    sample = drawn(table, names, size=5)
    assert sample.ids.tolist() == row_ids({"id": sample.rows["name"]}, ["id"]).tolist()
    rows = [int(name.removeprefix("trip-")) for name in sample.rows["name"]]
    assert sample.rows["code"].tolist() == [[None, "a", "b"][row % 3] for row in rows]


def test_a_sample_survives_json_to_the_bit():
    table = trips() | {"when": np.where(np.arange(ROWS) % 7, trips()["when"], np.datetime64("NaT"))}
    table["fare"][:3] = np.inf, -np.inf, -0.0
    sample = drawn(table, np.arange(ROWS), size=50)
    back = RowSample.from_json(json.loads(bits(sample)))
    assert bits(back) == bits(sample)
    for name, values in sample.rows.items():
        assert back.rows[name].dtype == values.dtype
        np.testing.assert_array_equal(back.rows[name], values)
    more = trips(seed=2)
    assert bits(back.update(more, np.arange(ROWS) + ROWS)) == bits(sample.update(more, np.arange(ROWS) + ROWS))
    empty = RowSample.empty(size=4)
    assert bits(RowSample.from_json(json.loads(bits(empty)))) == bits(empty)
    assert np.isnan(empty.mean([]))


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan, np.inf, 1e-250])
def test_weights_that_cannot_be_drawn_by_are_refused(weight):
    with pytest.raises(InputError, match=r"1 of 3 do not, the first at row 1: .* Add a floor"):
        drawn({"x": np.arange(3)}, np.arange(3), weights=[1.0, weight, 2.0])


def test_the_smallest_and_largest_weights_have_finite_keys_above_zero():
    sample = drawn({"x": np.arange(3)}, np.arange(3), weights=[1e-200, 1e200, 1.0], size=2)
    assert sample.ids.tolist() == [1, 2]
    assert 0 < sample.threshold < np.inf


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RowSample.empty(size=0), "at least 1 row, got size=0"),
        (lambda: RowSample.empty(seed=-1), r"seed must lie in \[0, 2\*\*63\), got -1"),
        (lambda: drawn({"x": np.arange(3)}, np.arange(3.0)), "whole numbers or text of shape"),
        (lambda: drawn({"x": np.arange(3)}, np.arange(2)), "of shape \\(3,\\), got int64 of \\(2,\\)"),
        (lambda: drawn({"x": np.arange(3)}, np.arange(3), weights=[1.0]), "one entry per row, shape \\(3,\\)"),
        (lambda: RowSample.empty(size=2).merge(RowSample.empty(size=3)), "must share size and seed"),
        (lambda: drawn({"x": np.arange(3)}, np.arange(3)).mean([1.0]), "one entry per row kept"),
        (lambda: RowSample.from_json({"format": 2}), "must have format 1, got 2"),
        (lambda: drawn({"x": np.array([object()])}, np.arange(1)).to_json(), "column 'x' must hold numbers"),
    ],
)
def test_what_cannot_be_used_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()


@pytest.mark.parametrize(
    "change",
    [
        {"weights": [1.0]},
        {"rows": None},
        {"weights": [0.0, 1.0, 1.0]},
        {"ids": [1]},
        {"rows": {"x": {"type": "int64", "values": [1, "a", 2]}}},
        {"rows": {"x": {"type": "V8", "values": [1, 2, 3]}}},
        {"rows": {"x": {"type": "nonsense", "values": [1, 2, 3]}}},
    ],
)
def test_a_damaged_record_is_refused(change):
    record = drawn({"x": np.arange(3)}, np.arange(3)).to_json()
    with pytest.raises(InputError):
        RowSample.from_json(record | change)


def test_a_record_that_lacks_a_part_is_refused():
    record = RowSample.empty().to_json()
    for part in record:
        with pytest.raises(InputError, match="must have"):
            RowSample.from_json({name: value for name, value in record.items() if name != part})
