"""A clause judged row by row: what it bets, when it stops, and that parts are as good as the whole."""

import json
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from upkeep.core.gate.anytime import AnytimeState, anytime
from upkeep.core.gate.betting import Wealth, bets, growth
from upkeep.errors import InputError

MIRRORED = {">": "<", "<": ">"}
TEST = {"span": (0.0, 1.0), "threshold": 0.5, "comparison": ">", "tolerance": 0.1, "log_tests": 3.0}

tests = st.fixed_dictionaries(
    {
        "threshold": st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]),
        "comparison": st.sampled_from([">", "<"]),
        "tolerance": st.sampled_from([0.015625, 0.0625, 0.25]),
        "log_tests": st.sampled_from([0.5, 2.0, 5.0]),
    }
)
# Multiples of 1/64 carry no rounding, neither in the sums nor when the span is mirrored.
streams = st.lists(st.integers(0, 64).map(lambda k: k / 64), min_size=1, max_size=80)


def test_the_wealth_is_the_mean_over_the_shares_of_what_each_has_won():
    start = Wealth.begin((0.5, 0.25), (0.2, 0.5))
    path = start.path(np.array([4096, 4096, 0]))  # won, won, lost, at 1 : 1 against one half, 3 : 1 against one quarter
    assert np.exp(path.log_wealth[0]) == pytest.approx([1.35, (1.44 + 2.25) / 2, (1.44 * 0.8 + 2.25 * 0.5) / 2])
    assert np.exp(path.log_wealth[1]) == pytest.approx([2.05, (2.56 + 6.25) / 2, (2.56 * 0.8 + 6.25 * 0.5) / 2])


def test_six_right_answers_of_six_are_enough_for_better_than_one_half_at_1_in_20():
    # Shares 1/4, .487, .95 at 1 : 1: five wins make (3.05 + 7.27 + 28.2) / 3 = 12.8, six (3.81 + 10.8 + 55.0) / 3 = 23.2.
    assert bets(0.5, 0.25) == pytest.approx([0.25, math.sqrt(0.25 * 0.95), 0.95])
    test = TEST | {"tolerance": 0.25, "log_tests": math.log(20)}
    assert not anytime([1.0] * 5, **test).stopped
    found = anytime([1.0] * 50, **test)
    assert (found.truth, found.rows_used, found.stopped) == ("true", 6, True)


@given(st.floats(0.01, 0.99), st.floats(0.001, 0.5), st.integers(0, 4096))
def test_a_bet_is_fair_at_the_claimed_mean_and_loses_below_it(null, tolerance, cell):
    shares = bets(null, tolerance)
    low, high = np.exp(growth(np.array([0.0, 1.0]), null, shares)).T
    assert (1 - null) * low + null * high == pytest.approx(1.0)
    value = cell / 4096
    assert np.exp(growth(np.array([value]), null, shares))[:, 0] == pytest.approx((1 - value) * low + value * high)


def exact_rate(null, mean, tolerance, log_tests, rows):
    """Probability that 0/1 rows of this mean ever refute "null or less" within so many rows, by recursion."""
    shares = bets(null, tolerance)
    lost, won = growth(np.array([0.0, 1.0]), null, shares).T
    alive, crossed = np.array([1.0]), 0.0
    for t in range(1, rows + 1):
        alive = np.append(alive * (1 - mean), 0.0) + np.append(0.0, alive * mean)
        count = np.arange(t + 1)[:, None]
        wealth = np.logaddexp.reduce(count * won + (t - count) * lost, axis=1) - math.log(len(shares))
        crossed += alive[wealth >= log_tests].sum()
        alive[wealth >= log_tests] = 0.0
    return crossed


@pytest.mark.parametrize(("null", "tolerance"), [(0.5, 0.05), (0.9, 0.02), (0.02, 0.01)])
def test_the_exact_chance_of_ever_being_wrong_is_within_the_promise(null, tolerance):
    rate = exact_rate(null, null, tolerance, math.log(20), 1500)
    assert 0.01 < rate <= 0.05  # not idle either
    assert exact_rate(null, null + 2 * tolerance, tolerance, math.log(20), 1500) > 0.9  # the control: a true "better"


@settings(max_examples=60)
@given(streams, tests, st.lists(st.integers(0, 80), max_size=4))
def test_rows_in_parts_with_the_state_stored_between_give_what_all_at_once_give(rows, test, cuts):
    state = AnytimeState.begin(span=(0.0, 1.0), **test)
    for part in np.split(np.array(rows), sorted(min(cut, len(rows)) for cut in cuts)):
        stored = json.loads(json.dumps(state.to_json(), allow_nan=False))
        assert AnytimeState.from_json(stored) == state
        state = AnytimeState.from_json(stored).update(part)
    assert state == AnytimeState.begin(span=(0.0, 1.0), **test).update(rows)
    assert state.result == anytime(rows, span=(0.0, 1.0), **test)


def test_a_long_stream_in_uneven_parts_is_the_same_to_the_last_bit():
    rows = np.random.default_rng(1).random(30_000)
    test = TEST | {"tolerance": 1e-4}
    state = AnytimeState.begin(**test)
    for part in np.split(rows, [1, 2, 5_000, 8_192, 8_193, 20_000]):
        state = state.update(part)
    assert state == AnytimeState.begin(**test).update(rows)


@settings(max_examples=60)
@given(streams, tests)
def test_the_mirrored_clause_gets_the_mirrored_answer(rows, test):
    found = anytime(rows, span=(0.0, 1.0), **test)
    mirror = test | {"threshold": -test["threshold"], "comparison": MIRRORED[test["comparison"]]}
    other = anytime([-row for row in rows], span=(-1.0, 0.0), **mirror)
    assert (other.truth, other.rows_used, other.stopped) == (found.truth, found.rows_used, found.stopped)
    assert [other.estimate, other.low, other.high] == pytest.approx([-found.estimate, -found.high, -found.low])


@settings(max_examples=60)
@given(streams, tests)
def test_the_answer_is_the_side_of_the_threshold_on_which_the_interval_lies(rows, test):
    found = anytime(rows, span=(0.0, 1.0), **test)
    assert 0.0 <= found.low <= found.high <= 1.0
    sides = {">": (found.low, test["threshold"]), "<": (test["threshold"], found.high)}
    if found.truth != "unknown":
        least, most = sides[test["comparison"] if found.truth == "true" else MIRRORED[test["comparison"]]]
        assert least >= most - 1e-12
    elif found.stopped:
        assert found.high - found.low <= 4 * test["tolerance"] + 1e-12


@pytest.mark.parametrize(("value", "truth"), [(1.0, "true"), (0.0, "false")])
def test_rows_at_the_end_of_the_span_decide(value, truth):
    found = anytime(np.full(500, value), **TEST)
    assert (found.truth, found.estimate) == (truth, value)
    assert found.rows_used < 20


def test_a_threshold_that_no_row_can_reach_is_known_at_once():
    assert anytime([0.5], **TEST | {"threshold": -0.1}).truth == "true"
    assert anytime([0.5], **TEST | {"threshold": 1.1}).truth == "false"
    assert anytime([0.0, 0.0, 0.01], **TEST | {"threshold": 0.0}).rows_used == 3


def test_rows_at_the_threshold_end_as_unknown_with_the_far_truths_refuted():
    found = anytime([0.0, 1.0] * 5_000, **TEST)
    assert (found.truth, found.stopped) == ("unknown", True)
    assert 0.3 <= found.low < 0.5 < found.high <= 0.7


def test_no_row_yet_says_nothing():
    found = AnytimeState.begin(**TEST).result
    assert math.isnan(found.estimate)
    assert (found.low, found.high, found.stopped, found.rows_used) == (0.0, 1.0, False, 0)


def test_rows_after_the_answer_are_not_looked_at():
    state = AnytimeState.begin(**TEST).update(np.ones(100))
    assert state.update(np.zeros(1000)) is state


@given(st.floats(0.0, 1.0), st.integers(1, 300))
def test_a_pair_of_loss_values_keeps_its_estimate_within_the_interval(value, times):
    assume(0.01 < value < 0.99)
    found = anytime([value, 1.0 - value] * times, **TEST | {"tolerance": 0.001})
    assert found.low <= found.estimate <= found.high


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"span": (1.0, 0.0)}, "span must be two finite numbers in order"),
        ({"comparison": ">="}, "comparison must be > or <"),
        ({"tolerance": 0.0}, "a tolerance and log_tests"),
        ({"log_tests": 0.0}, "log_tests"),
        ({"threshold": math.nan}, "finite threshold"),
    ],
)
def test_a_test_that_cannot_be_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        AnytimeState.begin(**TEST | change)


@pytest.mark.parametrize(
    ("rows", "message"), [([0.5, 1.5], "1.5 in row 1"), ([math.nan], "nan in row 0"), ([[0.1]], "shape")]
)
def test_rows_outside_the_span_are_named(rows, message):
    with pytest.raises(InputError, match=message):
        anytime(rows, **TEST)


def test_a_state_that_is_none_is_refused():
    with pytest.raises(InputError, match="what to_json wrote"):
        AnytimeState.from_json({"span": [0, 1]})
