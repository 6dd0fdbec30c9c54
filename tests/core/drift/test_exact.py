import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from upkeep.core.drift.exact import exact_ks

VALUES = st.lists(st.one_of(st.floats(-9, 9), st.sampled_from([0.0, 1.0, 2.0])), min_size=1, max_size=60)


def test_the_exact_test_by_hand():
    """Of the 6 orders of two and two rows, 2 separate the sides wholly."""
    found = exact_ks(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    assert (found.statistic, found.p_value) == (1.0, pytest.approx(2 / 6))
    assert exact_ks(np.array([1.0, 3.0]), np.array([2.0, 4.0])).p_value == 1.0


@settings(deadline=None)
@given(VALUES, VALUES)
def test_it_agrees_with_scipy_with_and_without_ties(a, b):
    found = exact_ks(np.array(a), np.array(b))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        theirs = ks_2samp(a, b, method="exact")
    assert found.statistic == pytest.approx(theirs.statistic)
    if not said:  # else scipy gave up counting and gave the limit
        assert found.p_value == pytest.approx(theirs.pvalue, rel=1e-5, abs=1e-8)


@given(VALUES, VALUES, st.randoms())
def test_order_and_missing_values_change_nothing(a, b, random):
    mixed = [*a, float("nan")]
    random.shuffle(mixed)
    assert exact_ks(np.array(mixed), np.array(b)) == exact_ks(np.array(a), np.array(b))


def test_p_values_of_many_rows_are_those_of_the_limit():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=30_000), rng.normal(0.015, 1, 20_000)
    found, theirs = exact_ks(a, b), ks_2samp(a, b, method="asymp")
    assert found.statistic == pytest.approx(theirs.statistic)
    assert found.p_value == pytest.approx(theirs.pvalue, rel=0.02)


def test_a_distance_beyond_all_doubt_has_a_tiny_p_value_and_not_a_rounding():
    found = exact_ks(np.arange(300), np.arange(300) + 250)
    assert 0 < found.p_value < 1e-60


def test_infinities_are_the_furthest_values():
    found = exact_ks(np.array([-np.inf, 0.0]), np.array([0.0, np.inf]))
    assert found.statistic == 0.5


def test_a_side_without_values_says_nothing():
    found = exact_ks(np.array([np.nan]), np.array([1.0]))
    assert (found.statistic, found.p_value, found.reference_rows) == (0.0, 1.0, 0)
