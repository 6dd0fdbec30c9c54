"""Exact tails against scipy and against enumeration, and the numbers of rows that follow from them."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from upkeep.core.gate.bounds import bennett, binomial, hoeffding, trinomial
from upkeep.core.gate.bounds.ends import End, whole
from upkeep.core.gate.bounds.lattice import log_tail
from upkeep.errors import InputError

LEVELS = st.floats(0.7, 30.0)
TOLERANCES = st.floats(0.02, 0.3)


def enumerated(draws, up, down):
    """Probabilities of the sums -draws .. draws, one step at a time."""
    sums = np.array([1.0])
    for _ in range(draws):
        sums = np.convolve(sums, [down, 1.0 - up - down, up])
    return sums


@given(st.integers(1, 5000), st.floats(0.001, 0.999), st.floats(0.0, 1.0))
@example(5, 0.1, 1.0)
@example(2, 0.5, 0.0)
def test_a_binomial_tail_is_scipys(draws, share, place):
    total = math.ceil(draws * share + place * draws * (1.0 - share))
    expected = stats.binom.logsf(total - 1, draws, share)
    found = float(log_tail(draws, total, share, 0.0))
    if total - draws * share < 0.05 * math.sqrt(draws * share * (1.0 - share)):
        assert found == 0.0  # close to the mean: an upper bound
    elif expected > -600.0:
        assert found == pytest.approx(expected, abs=1e-8, rel=1e-8)


@given(st.integers(1, 60), st.floats(0.001, 1.0), st.floats(0.001, 1.0), st.data())
@example(21, 1.0, 0.5, None)
@example(20, 0.3, 0.0, None)
@example(20, 0.3, 1.0, None)
@example(20, 1.0, 0.999, None)
def test_a_trinomial_tail_is_that_of_enumeration(draws, differing, gains, data):
    up, down = differing * gains, differing * (1.0 - gains)
    sums = enumerated(draws, up, down)
    totals = np.arange(-draws, draws + 1) if data is None else np.array([data.draw(st.integers(-draws, draws))])
    expected = np.array([sums[total + draws :].sum() for total in totals])
    found = np.exp(log_tail(draws, totals, up, down))
    near = totals < draws * (up - down) + 0.05 * math.sqrt(draws * (up + down - (up - down) ** 2)) + 1e-9
    assert np.all(found[near] >= expected[near] - 1e-12)
    assert found[~near] == pytest.approx(expected[~near], rel=1e-7, abs=1e-300)


@given(st.integers(1, 50), st.integers(-50, 50), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
@example(1, 0, 1.0, 1e-278)
def test_no_probability_is_too_small_to_calculate_with(draws, total, differing, gains):
    tail = float(log_tail(draws, total, differing * gains, differing * (1.0 - gains)))
    assert tail <= 0.0
    assert (tail == -math.inf) <= (total > 0)


@pytest.mark.parametrize(("heads", "coins"), [(1300, 2000), (4000, 5000), (2999, 3000)])
def test_tails_too_small_for_a_float_are_exact_as_logarithms(heads, coins):
    ways = sum(math.comb(coins, k) for k in range(heads, coins + 1))
    assert float(log_tail(coins, heads, 0.5, 0.0)) == pytest.approx(math.log(ways) - coins * math.log(2), rel=1e-12)


def wrong_rows(end, most):
    """Numbers of rows up to `most` at which a share that is `end.truth` breaks the promise, by scipy."""
    rows = np.arange(1, most + 1)
    slack = 1e-9 * (1 + rows)
    if end.limit > end.truth:
        errors = stats.binom.logsf(np.ceil(rows * end.limit - slack) - 1, rows, end.truth)
    else:
        errors = stats.binom.logcdf(np.floor(rows * end.limit + slack), rows, end.truth)
    return rows[errors > -end.log_tests * (1 - 1e-12)]


@given(st.floats(0.02, 0.98), TOLERANCES, LEVELS, st.sampled_from([-1, 1]))
@example(0.5, 0.02, 12.0, 1)
def test_a_share_keeps_its_promise_from_the_stated_rows_on_and_not_one_before(share, tolerance, level, side):
    end = End(truth=share, limit=share + side * tolerance, log_tests=level)
    found = binomial.rows_at(end)
    assert found <= hoeffding.rows_at(end, 0.0, 1.0) <= hoeffding.rows_needed(1.0, tolerance, level)
    wrong = wrong_rows(end, hoeffding.rows_needed(1.0, tolerance, level))
    near_mean = 4 / tolerance  # so few rows that tails are not computed but bounded by 1
    assert found == (wrong[-1] + 1 if wrong.size else 1) or found < near_mean


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_negative_control_a_fifth_fewer_rows_break_the_promise(share):
    end = End(truth=share, limit=share - 0.05, log_tests=math.log(32 / 1e-4))
    fewer = math.ceil(0.8 * binomial.rows_at(end))
    assert fewer in wrong_rows(end, fewer)


@given(st.floats(0.05, 0.95), st.floats(0.03, 0.3), LEVELS, st.sampled_from([-1, 1]))
def test_a_mean_of_bounded_values_needs_no_fewer_rows_than_a_share_and_no_more_than_by_hoeffding(
    mean, eps, level, side
):
    end = End(truth=mean, limit=mean + side * eps, log_tests=level)
    by_hoeffding = hoeffding.rows_at(end, 0.0, 1.0)
    assert binomial.rows_at(end) <= binomial.rows_bounded(end, 0.0, 1.0) <= by_hoeffding
    stretched = End(truth=3 * mean - 1, limit=3 * end.limit - 1, log_tests=level)
    assert abs(binomial.rows_bounded(stretched, -1.0, 2.0) - binomial.rows_bounded(end, 0.0, 1.0)) <= 1 / eps


@pytest.mark.parametrize("middle", [0.0, 0.2, 0.4])
@pytest.mark.parametrize("side", [-1, 1])
def test_values_between_the_ends_of_their_range_keep_the_promise(middle, side):
    # 0, 1/2 or 1 with mean 0.4: the sum of twice these less 1 is one of gains and losses
    end = End(truth=0.4, limit=0.4 + 0.15 * side, log_tests=8.0)
    rows = binomial.rows_bounded(end, 0.0, 1.0)
    top = 0.4 - middle / 2
    up, down = (top, 1 - top - middle) if side > 0 else (1 - top - middle, top)
    for more in range(rows, rows + 30):
        total = math.ceil(more * side * (2 * end.limit - 1) - 1e-9)
        assert math.log(enumerated(more, up, down)[total + more :].sum()) <= -8.0


@pytest.mark.parametrize(("tolerance", "log_tests"), [(0.1, 5.0), (0.05, 8.07), (0.2, 1.0)])
def test_a_share_that_may_be_anything_keeps_its_promise_from_the_stated_rows_on(tolerance, log_tests):
    most = hoeffding.rows_needed(1.0, tolerance, log_tests)

    def worst(rows):
        sums = np.arange(math.floor(rows * tolerance) + 1, rows + 1)
        return stats.binom.logsf(sums - 1, rows, sums / rows - tolerance).max()

    wrong = [rows for rows in range(1, most + 1) if worst(rows) > -log_tests]
    assert binomial.rows_anywhere(tolerance, log_tests) == wrong[-1] + 1


def trinomial_error(rows, end, differing):
    """Largest probability over every share that may differ, on a fine grid."""
    sign = 1.0 if end.limit > end.truth else -1.0
    truth, limit = sign * end.truth, sign * end.limit
    shares = np.unique(
        np.concatenate([np.linspace(abs(truth), differing, 60), differing - np.arange(0, 6, 0.1) / rows])
    )
    shares = shares[(shares >= abs(truth)) & (shares > 0.0)]
    total = math.ceil(rows * limit - 1e-9 * (1 + rows))
    return max(
        math.log(max(enumerated(rows, (d + truth) / 2, (d - truth) / 2)[total + rows :].sum(), 1e-300)) for d in shares
    )


@pytest.mark.parametrize("differing", [0.1, 0.4, 0.5, 0.8, 1.0])
@pytest.mark.parametrize(("truth", "limit"), [(0.0, 0.2), (0.05, 0.25), (-0.05, -0.3)])
def test_a_difference_keeps_its_promise_whatever_share_differs(differing, truth, limit):
    end = End(truth=truth, limit=limit, log_tests=6.0)
    found = trinomial.rows_at(end, differing)
    for rows in range(found, found + 12):
        assert trinomial_error(rows, end, differing) <= -6.0
    if found > 12 / abs(limit - truth):
        assert trinomial_error(math.ceil(0.8 * found), end, differing) > -6.0  # the negative control


@given(
    st.floats(0.05, 0.5),
    st.floats(-1.0, 1.0),
    st.floats(0.05, 0.4),
    st.floats(1.0, 20.0),
    st.floats(0.0, 1.0),
)
def test_up_to_a_half_the_error_is_largest_where_most_rows_differ(bound, skew, tolerance, level, part):
    truth = skew * bound * 0.95
    rows = math.ceil(max(level * bound / tolerance**2, (2 + abs(truth)) / tolerance))
    total = math.ceil(rows * (truth + tolerance))
    fewer = abs(truth) + part * (bound - abs(truth))
    at_bound, below = (float(log_tail(rows, total, (d + truth) / 2, (d - truth) / 2)) for d in (bound, fewer))
    assert below <= at_bound + 1e-7


def test_a_truth_that_cannot_be_needs_no_rows_to_be_told_apart():
    beyond = End(truth=1.05, limit=1.0, log_tests=10.0)
    assert binomial.rows_at(beyond) == trinomial.rows_at(beyond) == hoeffding.rows_at(beyond, 0.0, 1.0) == 1
    unreachable = End(truth=0.95, limit=1.05, log_tests=10.0)
    assert binomial.rows_at(unreachable) == trinomial.rows_at(unreachable) == 1


def test_where_all_rows_must_be_right_the_rows_are_those_of_a_power():
    end = End(truth=0.9, limit=1.0, log_tests=10.0)
    assert binomial.rows_at(end) == math.ceil(10 / -math.log(0.9))


@given(st.integers(1, 3000), st.floats(0.0, 1.0), st.floats(1.0, 20.0))
def test_the_upper_bound_on_a_share_is_that_of_clopper_and_pearson(rows, share, level):
    hits = round(share * rows)
    expected = 1.0 if hits == rows else stats.beta.isf(math.exp(-level), hits + 1, rows - hits)
    assert binomial.upper(hits / rows, rows, level) == pytest.approx(expected, abs=1e-8)


@given(st.integers(0, 3000), st.floats(0.001, 0.999), st.floats(1.0, 20.0))
def test_the_most_hits_are_the_quantile_of_a_binomial(draws, share, level):
    found = binomial.most_hits(draws, share, level)
    assert stats.binom.logsf(found, draws, share) <= -level + 1e-9
    mean_like = draws * share + 0.1 * math.sqrt(draws * share) + 1
    assert found <= mean_like or stats.binom.logsf(found - 1, draws, share) > -level - 1e-9


@given(st.floats(0.01, 1.0), TOLERANCES, LEVELS)
def test_bennetts_inequality_falls_with_the_second_moment(moment, tolerance, level):
    found = bennett.rows_needed(moment, tolerance, level)
    assert found <= bennett.rows_needed(min(1.1 * moment, 1.0), tolerance, level)
    # exp(-n v h(e/v)) by hand
    ratio = tolerance / moment
    assert (found - 1) * moment * ((1 + ratio) * math.log(1 + ratio) - ratio) <= level * (1 + 1e-9)


def test_a_tolerance_that_no_data_could_serve_is_refused():
    with pytest.raises(InputError, match="too small"):
        whole(math.inf)
