import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from upkeep.core.drift.distances import distances
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile

VALUES = st.lists(st.one_of(st.floats(-9, 9), st.sampled_from([0.0, 1.0, 1.0, 2.0])), min_size=1, max_size=120)


def of(reference, current, bins=1024, top=100):
    grid = ReferenceGrid.fit({"x": reference}, bins=bins, top=top)
    found = distances(Profile.build(grid, {"x": reference}), Profile.build(grid, {"x": current}), "x")
    return {d.name: d for d in found}


def test_kolmogorov_smirnov_by_hand():
    d = of(np.array([1.0, 2.0, 3.0, 4.0]), np.array([3.0, 4.0, 5.0, 6.0]))["ks"]

    assert d.statistic == 0.5
    assert d.rate == 0.5
    assert d.radius(0.05) == pytest.approx(math.sqrt((1 + math.log(20)) / 4))


@given(VALUES, VALUES, st.integers(2, 50))
def test_the_exact_distance_lies_between_the_grid_distance_and_its_error(a, b, bins):
    d = of(np.array(a), np.array(b), bins)["ks"]
    exact = ks_2samp(a, b, method="asymp").statistic

    assert d.statistic <= exact + 1e-12
    assert exact <= d.statistic + d.grid_error + 1e-12


def test_the_grid_of_few_distinct_values_is_exact():
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 9, 400), rng.integers(1, 9, 300)
    d = of(a, b)["ks"]
    assert (d.statistic, d.grid_error) == (pytest.approx(ks_2samp(a, b, method="asymp").statistic), 0.0)


def test_total_variation_and_new_categories_by_hand():
    found = of(np.array(list("aaabbbbb"), dtype=object), np.array(list("aaaabbzz"), dtype=object))

    assert found["total_variation"].statistic == pytest.approx(0.375)  # a +1/8, b -3/8, other +2/8
    assert found["total_variation"].bias == pytest.approx(math.sqrt(2 * 0.25) / 2)
    assert (found["new_categories"].before, found["new_categories"].after) == (0.0, 0.25)


def test_missing_values_are_a_distance_of_their_own_and_not_part_of_the_others():
    some = np.where(np.arange(100) < 63, np.nan, np.arange(100.0))
    found = of(some, some[63:])

    assert found["ks"].statistic == 0.0
    assert found["null_rate"].statistic == pytest.approx(0.63)
    assert found["null_rate"].radius(0.05) == pytest.approx(math.sqrt(math.log(40) * (1 / 100 + 1 / 37) / 2))


def test_a_side_without_values_says_nothing_about_values():
    d = of(np.array([1.0, 2.0]), np.array([np.nan, np.nan]))
    assert (d["ks"].statistic, d["ks"].rate) == (0.0, math.inf)
    assert d["null_rate"].statistic == 1.0


@given(VALUES, VALUES)
def test_distances_are_symmetric_shares(a, b):
    table = {"x": np.array(a + b)}
    grid = ReferenceGrid.fit(table)
    p, q = (Profile.build(grid, {"x": np.array(part)}) for part in (a, b))
    for there, back in zip(distances(p, q, "x"), distances(q, p, "x"), strict=True):
        assert there.statistic == pytest.approx(back.statistic)
        assert 0 <= there.statistic <= 1
