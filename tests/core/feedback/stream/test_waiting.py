import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.feedback.stream.runs import arranged, shared, united, without
from upkeep.core.feedback.stream.waiting import Waiting, below
from upkeep.errors import InputError

TOP = 2**64


def run(keys, **columns):
    number = np.array(keys, dtype=np.uint64)
    rows = {"key": number, "weight": np.ones(len(number), dtype=np.int64), "at": np.zeros(len(number), dtype=np.int64)}
    return arranged(rows | columns)


def held(waiting):
    return {int(key): int(weight) for key, weight in zip(waiting.rows["key"], waiting.rows["weight"], strict=True)}


def test_by_hand():
    """Room for two; hashes .1, .3, .6: of 1, 1/2 the first that lets no more than two lie below is 1/2.

    Then .45 comes: .1, .3, .45 lie below 1/2, two of them below 1/3. When .1 leaves, .3 stands for three rows and room
    is for two, so that the next threshold is 1/2; .4 is kept under it.
    """
    tenth = TOP // 10
    waiting = Waiting.empty(2, {"at": np.int64}).add(run([tenth, 3 * tenth, 6 * tenth]), 1)
    assert held(waiting) == {tenth: 2, 3 * tenth: 2}
    waiting = waiting.add(run([45 * TOP // 100]), waiting.weight)
    assert (held(waiting), waiting.weight, waiting.estimated) == ({tenth: 3, 3 * tenth: 3}, 3, 6)
    waiting = waiting.take(np.array([0])).relaxed()
    assert waiting.weight == 2
    waiting = waiting.add(run([4 * tenth, 9 * tenth]), waiting.weight)
    assert (held(waiting), waiting.dropped) == ({3 * tenth: 3, 4 * tenth: 2}, 3)


def test_a_row_that_comes_again_has_the_larger_threshold_of_the_two():
    waiting = Waiting.empty(2, {"at": np.int64}).add(run([1, TOP // 2 - 9, TOP - 9]), 1)
    assert held(waiting) == {1: 2, TOP // 2 - 9: 2}
    assert held(waiting.again(run([1]), 1)[0]) == {1: 1, TOP // 2 - 9: 2}
    assert held(waiting.again(run([1]), 5)[0]) == {1: 2, TOP // 2 - 9: 2}


def test_a_row_at_the_threshold_is_not_below_it():
    assert [below(np.array([0, key], dtype=np.uint64), 2) for key in (TOP // 2 - 1, TOP // 2)] == [2, 1]
    assert below(np.array([TOP - 1], dtype=np.uint64), 1) == 1


KEYS = st.lists(st.integers(TOP >> 30, TOP - 1), max_size=30)


@given(st.lists(st.tuples(KEYS, st.integers(0, 3)), max_size=6), st.integers(1, 8))
def test_no_more_is_held_than_fits_and_each_row_lies_below_its_own_threshold(steps, capacity):
    waiting = Waiting.empty(capacity, {"at": np.int64})
    for keys, leaving in steps:
        fresh = run(sorted(set(keys) - set(held(waiting))))
        waiting = waiting.add(fresh, waiting.weight)
        assert len(waiting) <= capacity
        assert all(key < TOP // weight or weight == 1 for key, weight in held(waiting).items())
        waiting = waiting.take(np.arange(min(leaving, len(waiting)))).relaxed()
        assert waiting.weight >= 1


@given(KEYS, KEYS, st.booleans())
def test_runs_are_sets_of_keys(one, other, long):
    first, second = run(one), run(other * (40 if long else 1))
    here, there = shared(first, second)
    both = sorted(set(one) & set(other))
    assert first["key"][here].tolist() == second["key"][there].tolist() == both
    rest = without(second, there)
    assert rest["key"].tolist() == sorted(set(other) - set(one))
    assert united(first, rest)["key"].tolist() == sorted(set(one) | set(other))


def test_ids_that_were_made_to_hash_low_are_refused():
    with pytest.raises(InputError, match="choose another"):
        Waiting.empty(1, {"at": np.int64}).add(run([1, 2]), 1)


@pytest.mark.parametrize("swapped", [False, True])
def test_a_short_run_is_looked_up_in_a_long_one(swapped):
    long, short = run(range(0, 2000, 2)), run([0, 3, 4, 1998, 5000])
    here, there = shared(*((short, long) if swapped else (long, short)))
    assert (there if swapped else here).tolist() == [0, 2, 999]
    assert (here if swapped else there).tolist() == [0, 2, 3]


@given(st.lists(st.tuples(st.sampled_from([0, 1, 2, 7, TOP - 2, TOP - 1]), st.integers(0, 2)), max_size=20))
def test_rows_are_arranged_as_a_dictionary_would(entries):
    """Keys that differ in their last bits alone are where the quick sort has to give way."""
    first, last = {}, {}
    for number, (key, at) in enumerate(entries):
        first.setdefault(key, number)
        if key not in last or at >= entries[last[key]][1]:
            last[key] = number
    keys, times = zip(*entries, strict=True) if entries else ((), ())
    rows = {"key": np.array(keys, dtype=np.uint64), "at": np.array(times, dtype=np.int64), "no": np.arange(len(keys))}
    assert arranged(rows)["no"].tolist() == [first[key] for key in sorted(first)]
    assert arranged(rows, latest="at")["no"].tolist() == [last[key] for key in sorted(last)]


def test_of_rows_with_one_key_the_first_stays_or_the_latest():
    rows = {"key": np.array([5, 5, 2, 5], dtype=np.uint64), "at": np.array([1, 3, 0, 3]), "no": np.arange(4)}
    assert arranged(rows)["no"].tolist() == [2, 0]
    assert arranged(rows, latest="at")["no"].tolist() == [2, 3]


def test_a_row_that_comes_must_lie_below_the_threshold_of_its_own_weight():
    """Half of all keys lie below 2**63: the row there is not below 1/2, the one before it is."""
    come = run([TOP // 3 - 1, TOP // 3, TOP // 2 - 1, TOP // 2, TOP - 1])
    come["weight"] = np.array([3, 3, 2, 2, 1])
    waiting = Waiting.empty(9, {"at": np.int64}).add(come, 1)
    assert (held(waiting), waiting.dropped) == ({TOP // 3 - 1: 3, TOP // 2 - 1: 2, TOP - 1: 1}, 2)
