"""What a correction wins back, by hand, by property and over whole lives."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.retrain.recoverable import BETS, recoverable
from upkeep.errors import InputError


def evidence(better, worse, rows, tolerated=0.0):
    found = recoverable(better=better, worse=worse, rows=rows, tolerated=tolerated, alpha=0.05)
    return math.exp(found.log_evidence)


def test_one_row_won_is_worth_what_was_bet_on_it():
    first = 6 / math.pi**2  # of the stake lies on the first look

    assert sum(BETS) / len(BETS) == pytest.approx(0.315)
    assert evidence([1], [0], [1]) == pytest.approx(1 + 0.315 * first)
    assert evidence([0], [1], [1]) == pytest.approx(1 - 0.315 * first)
    assert evidence([0], [0], [1]) == pytest.approx(1)


def test_a_row_that_nobody_wins_costs_what_is_tolerated():
    mean = sum(BETS) / len(BETS)

    assert evidence([0], [0], [1], tolerated=0.25) == pytest.approx(1 - 6 / math.pi**2 * mean * 0.25 / 1.25)


def test_a_gain_that_begins_late_is_told_from_its_begin():
    found = recoverable(better=[2] * 20 + [30] * 3, worse=[2] * 23, rows=[200] * 23, tolerated=0.03, alpha=0.05)

    assert (found.looks, found.rows, found.certain) == (3, 600, True)
    assert found.gain == pytest.approx(0.14)


def test_a_gain_within_what_is_tolerated_is_never_certain_however_many_rows_show_it():
    found = recoverable(better=[600] * 40, worse=[400] * 40, rows=[10_000] * 40, tolerated=0.03, alpha=0.05)

    assert found.gain == pytest.approx(0.02)
    assert not found.certain
    assert recoverable(better=[600] * 40, worse=[400] * 40, rows=[10_000] * 40, tolerated=0.01, alpha=0.05).certain


counted = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 9)), max_size=6)


@given(counted, st.floats(0, 0.5), st.floats(0, 1))
def test_one_more_row_wins_nothing_on_average_where_the_gain_is_the_tolerated_one(past, tolerated, spread):
    looks = [(won, lost, won + lost + same) for won, lost, same in past]
    loses = spread * (1 - tolerated) / 2
    chances = {(1, 0, 1): loses + tolerated, (0, 1, 1): loses, (0, 0, 1): 1 - 2 * loses - tolerated}

    def stake(counts):
        return evidence(*(list(column) for column in zip(*counts, strict=True)), tolerated=tolerated)

    before = stake(looks) if looks else 1.0
    assert sum(chance * stake([*looks, row]) for row, chance in chances.items()) == pytest.approx(before, rel=1e-9)


@given(counted.filter(bool), st.randoms(use_true_random=False))
def test_a_look_without_labels_is_no_evidence(past, random):
    won, lost, rows = map(list, zip(*((a, b, a + b + c) for a, b, c in past), strict=True))
    before = evidence(won, lost, rows, tolerated=0.1)
    for column in (won, lost, rows):
        column.append(0)

    assert evidence(won, lost, rows, tolerated=0.1) == pytest.approx(before)


def test_over_whole_lives_a_tolerated_gain_is_called_certain_no_more_often_than_promised_and_a_test_a_look_breaks_it():
    rng, tolerated, looks, rows = np.random.default_rng(11), 0.03, 60, 100
    alarmed = by_tests = 0
    for _ in range(200):
        counts = rng.multinomial(rows, [0.08 + tolerated, 0.08, 0.84 - tolerated], looks)
        won, lost = counts[:, 0], counts[:, 1]
        gain = np.cumsum(won - lost) / (rows * np.arange(1, looks + 1)) - tolerated
        error = np.sqrt(0.19 / (rows * np.arange(1, looks + 1)))
        by_tests += bool((gain > 1.645 * error).any())
        alarmed += any(
            recoverable(
                better=won[:look], worse=lost[:look], rows=[rows] * look, tolerated=tolerated, alpha=0.05
            ).certain
            for look in range(1, looks + 1, 3)
        )

    assert alarmed <= 0.05 * 200
    assert by_tests > 0.15 * 200  # the control: one test at 5 % per look


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"better": []}, "one count"),
        ({"worse": [60]}, "won and lost are parts"),
        ({"better": [-1]}, "won and lost are parts"),
        ({"tolerated": 1.0}, r"lie in \[0, 1\)"),
        ({"alpha": 0.0}, "alpha must lie strictly"),
    ],
)
def test_counts_that_cannot_be_are_refused(changes, said):
    with pytest.raises(InputError, match=said):
        recoverable(**{"better": [50], "worse": [10], "rows": [100], "tolerated": 0.03, "alpha": 0.05} | changes)
