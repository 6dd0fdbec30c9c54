"""A stream says what the batch says about the same rows."""

import json
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upkeep.core.columns import Coded, concatenate
from upkeep.core.feedback.late.coding import Coding
from upkeep.core.feedback.late.counter import LateCounter
from upkeep.core.feedback.late.counts import pair_counts
from upkeep.core.feedback.late.rules import who_is_late
from upkeep.core.feedback.late.terms import Terms
from upkeep.core.feedback.late.window import LateWindow
from upkeep.errors import InputError

COLUMNS = 4


def batch(rng, rows, chance=0.8):
    """Rows of four columns, late by a conjunction of two or three items; text as it comes, missing values included."""
    table = {
        f"c{j}": rng.choice(np.array(["a", "b", "c", None], dtype=object), rows, p=[0.4, 0.3, 0.28, 0.02])
        for j in range(COLUMNS)
    }
    hit = (table["c0"] == "a") & (table["c1"] == "b") & ((table["c2"] == "a") | (rows % 2 == 0))
    return table, rng.random(rows) < np.where(hit, chance, 0.06)


def every_pair(coding):
    items = [(j, first + code) for j, first in enumerate(coding.first) for code in range(coding.sizes[j])]
    return [(int(a), int(b)) for (i, a), (j, b) in combinations(items, 2) if i != j]


CODING = Coding.fit(batch(np.random.default_rng(0), 500)[0])
ALL = every_pair(CODING)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.lists(st.integers(0, 300), min_size=1, max_size=5), st.sampled_from([0.0, 0.3, 1.0])
)
def test_counts_that_grow_and_shrink_give_the_rules_of_the_rows_that_are_late_now(seed, sizes, comes):
    rng = np.random.default_rng(seed)
    counter, tables, lates, labelled = LateCounter(CODING, watched=ALL), [], [], []
    for number, rows in enumerate(sizes):
        table, late = batch(rng, rows)
        ids = [f"{number}-{i}" for i in range(rows)]
        counter.add(ids, table, late)
        came = rng.random(rows) < comes
        labelled.append((ids, came))
        tables.append(table)
        lates.append(late & ~came)
    for ids, came in reversed(labelled):  # labels come in any order, more than once, and of rows that are not late
        some = [ids[i] for i in rng.permutation(np.flatnonzero(came))]
        assert counter.labelled([*some, *some, "unknown"]) <= len(some)
    terms = Terms(least_rows=10)
    expected = who_is_late(concatenate(tables), np.concatenate(lates), coding=CODING, terms=terms)
    assert counter.rules(terms) == expected
    assert (counter.rows, counter.late) == (expected.rows, expected.late)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 7))
def test_a_window_says_what_the_batch_says_of_its_slots(seed, slots, moves):
    rng = np.random.default_rng(seed)
    window, held = LateWindow(CODING, slots=slots, watched=ALL), []
    for number in range(moves):
        if number:
            window.advance()
        table, late = batch(rng, 150)
        window.add([(number, i) for i in range(150)], table, late)
        held.append((table, late))
        for back in range(min(number + 1, slots)):  # labels of any slot of the window
            came = rng.random(150) < 0.1
            window.labelled([(number - back, int(i)) for i in np.flatnonzero(came)])
            held[number - back] = (held[number - back][0], held[number - back][1] & ~came)
    window.labelled([(moves - slots - 1, i) for i in range(150)])  # these have left
    tables, lates = zip(*held[-slots:], strict=True)
    terms = Terms(least_rows=10, clauses=2)
    expected = who_is_late(concatenate(tables), np.concatenate(lates), coding=CODING, terms=terms)
    assert window.rules(terms) == expected


def test_a_third_clause_is_found_once_every_slot_has_watched_its_pair():
    rng = np.random.default_rng(1)
    window, seen, slots = LateWindow(CODING, slots=3), [], []
    for slot in range(6):
        if slot:
            window.advance()
        table, late = batch(rng, 2_001)  # an odd number of rows: three clauses
        window.add([(slot, i) for i in range(2_001)], table, late)
        slots.append((table, late))
        tables, lates = zip(*slots[-3:], strict=True)
        seen.append(window.rules().rules[0].clauses)
        now = who_is_late(concatenate(tables), np.concatenate(lates), coding=CODING)
        assert now.rules[0].clauses == ("c0 = a", "c1 = b", "c2 = a")
        if slot >= 3:
            assert window.rules() == now
    assert [len(clauses) for clauses in seen] == [2, 2, 2, 3, 3, 3]


def test_memory_is_that_of_the_rows_that_are_late_now():
    rng = np.random.default_rng(2)
    counter = LateCounter(CODING)
    for number in range(60):
        table, _ = batch(rng, 200)
        counter.add([(number, i) for i in range(200)], table, np.ones(200, bool))
        counter.labelled([(number, i) for i in range(200)])
    assert counter.rows == 12_000
    assert counter.late == 0
    assert counter._waiting._codes.shape[1] <= 1_000
    assert not counter._late_pairs.any()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.sampled_from([0.0, 1.0, 7.5, 24.0]), min_size=1, max_size=5))
def test_what_fades_counts_by_its_age(seed, hours):
    rng = np.random.default_rng(seed)
    counter, age, rows, late = LateCounter(CODING, half_life_h=12.0, watched=ALL[:3]), [], [], []
    for number, passes in enumerate(hours):
        table, waits = batch(rng, 100)
        counter.add([(number, i) for i in range(100)], table, waits)
        rows.append(CODING.encode(table))
        late.append(waits)
        age = [a + passes for a in [*age, 0.0]]
        counter.pass_time(passes)
    weights = np.repeat(0.5 ** (np.array(age) / 12.0), 100)
    codes, waits = np.concatenate(rows, axis=1), np.concatenate(late)
    held = counter.evidence()
    np.testing.assert_allclose(held.pairs, pair_counts(codes, CODING.sizes, weights), rtol=1e-9, atol=1e-9)
    expected = pair_counts(codes[:, waits], CODING.sizes, weights[waits])
    np.testing.assert_allclose(held.late_pairs, expected, rtol=1e-9, atol=1e-9)
    assert held.rows == pytest.approx(weights.sum())
    counter.labelled([(number, i) for number in range(len(hours)) for i in range(100)])
    np.testing.assert_allclose(counter.evidence().late_pairs, 0.0, atol=1e-9)


def test_old_incidents_fade_and_rows_that_never_get_a_label_are_forgotten():
    rng = np.random.default_rng(3)
    counter = LateCounter(CODING, half_life_h=6.0)
    table, late = batch(rng, 4_000)
    counter.add(range(4_000), table, late)
    assert counter.rules().rules[0].clauses == ("c0 = a", "c1 = b")
    for hour in range(61):
        counter.pass_time(1.0)
        quiet, late = batch(rng, 400, chance=0.06)
        counter.add([(hour, i) for i in range(400)], quiet, late)
    assert counter.rules().rules == ()
    assert counter.labelled(range(4_000)) == 0


def test_what_is_stored_goes_on_as_if_it_had_not_been():
    rng = np.random.default_rng(4)
    kept = LateWindow(CODING, slots=2, watched=ALL[:5])
    table, late = batch(rng, 600)
    kept.add([f"a{i}" for i in range(600)], table, late)
    kept.advance()
    other = LateWindow.from_json(json.loads(json.dumps(kept.to_json())))
    table, late = batch(rng, 300)
    for window in (kept, other):
        window.labelled([f"a{i}" for i in range(0, 600, 3)])
        window.add(list(range(300)), table, late)
    assert other.rules(Terms(least_rows=10)) == kept.rules(Terms(least_rows=10))
    assert other.to_json() == kept.to_json()


def test_stored_numbers_hours_and_fading_come_back():
    table = {
        "x": np.array([1.0, 2.0, np.nan, 4.0]),
        "at": np.array(["2024-01-01T03", "2024-01-01T04", "NaT", "2024-01-01T04"], "datetime64[us]"),
        "zone": Coded(np.array([0, 1, -1, 1]), ("a", "b")),
    }
    counter = LateCounter(Coding.fit(table, cells=2), half_life_h=24.0)
    counter.add(np.arange(4), table, np.array([True, False, True, False]))
    counter.pass_time(5.0)
    again = LateCounter.from_json(json.loads(json.dumps(counter.to_json())))
    assert again.to_json() == counter.to_json()
    np.testing.assert_array_equal(again.coding.encode(table), counter.coding.encode(table))


@pytest.mark.parametrize("broken", [{}, [], {"format": 9}, None])
def test_what_is_no_stored_window_is_refused(broken):
    for kind in (LateCounter, LateWindow, Coding):
        with pytest.raises(InputError):
            kind.from_json(broken)


@pytest.mark.parametrize("broken", [{"ids": []}, {"weights": [1.0]}, {"codes": [[9] * COLUMNS] * 80}, {"pairs": [1.0]}])
def test_a_stored_counter_that_contradicts_itself_is_refused(broken):
    table, _ = batch(np.random.default_rng(7), 80)
    counter = LateCounter(CODING)
    counter.add(range(80), table, np.ones(80, bool))
    with pytest.raises(InputError, match="stored late counter"):
        LateCounter.from_json(counter.to_json() | broken)


def test_a_prediction_that_comes_twice_is_refused_and_nothing_is_counted():
    table, late = batch(np.random.default_rng(5), 80)
    late[:3] = True
    counter = LateCounter(CODING)
    counter.add(range(80), table, late)
    for ids in ([*range(80)], [900, 900, *range(1_000, 1_078)]):
        with pytest.raises(InputError, match="added once"):
            counter.add(ids, table, late)
    assert counter.rows == 80


def test_wrong_lengths_hours_and_slots_are_refused():
    table, late = batch(np.random.default_rng(6), 5)
    with pytest.raises(InputError, match="as many as the rows"):
        LateCounter(CODING).add(range(4), table, late)
    with pytest.raises(InputError, match="half_life_h"):
        LateCounter(CODING, half_life_h=0.0)
    with pytest.raises(InputError, match="forward"):
        LateCounter(CODING, half_life_h=1.0).pass_time(-1.0)
    with pytest.raises(InputError, match="slot"):
        LateWindow(CODING, slots=0)
