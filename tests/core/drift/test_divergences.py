import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.spatial.distance import jensenshannon
from scipy.special import chdtrc, kolmogorov
from scipy.stats import (
    chi2,
    chi2_contingency,
    cramervonmises_2samp,
    entropy,
    ks_2samp,
    ncx2,
    norm,
    wasserstein_distance,
)

from upkeep.core.drift.cramer_von_mises import LARGEST, null_law, null_tail
from upkeep.core.drift.divergence import NullLaw, square_high, square_low
from upkeep.core.drift.divergences import divergences
from upkeep.core.drift.f_divergences import f_divergences, grouped
from upkeep.core.profile.cells import CategoryCells, HourCells, NumericCells
from upkeep.core.profile.counting import ColumnProfile
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError

NUMERIC = {"ks", "cramer_von_mises", "wasserstein"}
SHARES = {"psi", "kl", "jensen_shannon", "hellinger", "cramers_v", "total_variation"}
LARGE = {"ks": 1, "cramer_von_mises": LARGEST, "wasserstein": math.inf, "psi": math.inf, "kl": math.inf}


def counted(cells, counts):
    column = ColumnProfile(counts=np.array(counts, dtype=np.int64), nulls=0)
    return Profile(grid=ReferenceGrid(cells={"x": cells}), rows=int(column.counts.sum()), columns={"x": column})


def of(cells, reference, current, alpha=0.05):
    return {d.name: d for d in divergences(counted(cells, reference), counted(cells, current), "x", alpha=alpha)}


def categories(reference, current, alpha=0.05):
    return of(CategoryCells(levels=tuple(map(str, range(len(reference) - 1)))), reference, current, alpha)


def points(reference, current, alpha=0.05):
    """Rows at 0, 1, 2, ..., each value in a cell of its own."""
    at = np.arange(len(reference), dtype=float)
    cuts = np.sort(np.concatenate([at, np.nextafter(at, np.inf)]))
    sides = [np.zeros(len(cuts) + 1, dtype=int) for _ in range(2)]
    for side, rows in zip(sides, (reference, current), strict=True):
        side[1::2] = rows
    return of(NumericCells(cuts=cuts), *sides, alpha)


def some(least, most):
    rows = st.lists(st.integers(0, 400), min_size=least, max_size=most)
    return rows.flatmap(
        lambda a: st.tuples(st.just(a), st.lists(st.integers(0, 400), min_size=len(a), max_size=len(a)))
    ).filter(lambda sides: sum(sides[0]) and sum(sides[1]))


SIDES = some(1, 15)


def test_distances_of_shares_by_hand():
    """30, 10 and no others against 20, 20 and no others: the empty cell of others is left out."""
    found = categories([30, 10, 0], [20, 20, 0])

    # Half a row more each: 30.5/41 and 10.5/41 against 20.5/41 twice.
    assert found["psi"].statistic == pytest.approx(10 / 41 * math.log(30.5 / 10.5))
    assert found["kl"].statistic == pytest.approx((30.5 * math.log(30.5 / 20.5) + 10.5 * math.log(10.5 / 20.5)) / 41)
    # 3/4 and 1/4 against 1/2 twice: in the middle 5/8 and 3/8.
    bits = (
        3 / 4 * math.log2(6 / 5) + 1 / 4 * math.log2(2 / 3) + 1 / 2 * math.log2(4 / 5) + 1 / 2 * math.log2(4 / 3)
    ) / 2
    assert found["jensen_shannon"].statistic == pytest.approx(math.sqrt(bits))
    assert found["hellinger"].statistic == pytest.approx(math.sqrt(1 - (math.sqrt(3) + 1) / math.sqrt(8)))
    # chi2 = 80 (30*20 - 10*20)^2 / (40*40*50*30) = 16/3 for 80 rows
    assert found["cramers_v"].statistic == pytest.approx(math.sqrt(16 / 3 / 80))
    assert found["cramers_v"].p_value == pytest.approx(chdtrc(1, 16 / 3))
    # Plain shares move by 1/4. Chance alone: sqrt(2/pi)/2 times two standard errors at 30.5/41 and 1/2.
    error = math.sqrt((30.5 * 10.5 / 41**2 + 1 / 4) / 40)
    assert found["total_variation"].statistic == 0.25
    assert found["total_variation"].low == max(
        0, 0.25 - math.sqrt(2 / math.pi) * error - 1.959964 * math.sqrt(1 / 20) / 2
    )
    assert found["total_variation"].high == pytest.approx(0.25 + 1.959964 * math.sqrt(1 / 20) / 2)


def test_distances_of_numbers_by_hand():
    """200 rows at 0 and 200 at 1, against 400 rows at 1."""
    found = points([200, 200, 0], [0, 400, 0])

    assert found["ks"].statistic == 0.5
    assert found["ks"].p_value == pytest.approx(kolmogorov(0.5 / math.sqrt(2 / 400)))
    # F - G rises to 1/2 over a quarter of (F + G)/2 and falls over the rest; a slope's mean square is its end's over 3.
    assert found["cramer_von_mises"].statistic == pytest.approx(math.sqrt(1 / 12))
    assert found["cramer_von_mises"].p_value == pytest.approx(null_tail(200 / 12))
    # 1/2 over the way from 0 to 1; quartiles 0 and 1; variances 1/4 and 0; standard error of F - G sqrt(1/4/400) = 1/40.
    radius, bias = 1.959964 / 40, math.sqrt(2 / math.pi) / 40
    assert found["wasserstein"].statistic == pytest.approx(0.5)
    assert found["wasserstein"].low == pytest.approx(0.5 - radius - bias, abs=1e-6)
    assert found["wasserstein"].high == pytest.approx(0.5 + radius, abs=1e-6)
    assert {found[name].grid_error for name in ("ks", "cramer_von_mises")} == {0.0}
    assert found["wasserstein"].grid_error < 1e-12


def test_wide_cells_leave_an_error_of_the_grid():
    """Half and half below 1 and below 2, against all in [1, 2): cells of width 1 with shares (1/2 + 0)/2 and (1/2 + 1)/2."""
    found = of(NumericCells(cuts=np.array([0.0, 1.0, 2.0])), [0, 2, 2, 0], [0, 0, 4, 0])

    assert found["wasserstein"].statistic == 0.5
    assert found["wasserstein"].grid_error == 1.0
    # 2 sqrt(1/4 min(1/2, 0)^2 + 3/4 min(1/2, 1)^2)
    assert found["cramer_von_mises"].grid_error == pytest.approx(2 * math.sqrt(3 / 16))


def test_interval_of_a_square_by_hand():
    """D = 5 with mean 9, most 19, z = 1.96, r = 1: the largest statistic that is accepted has low = D."""
    law = NullLaw(mean=9.0, least=2.7, most=19.0)
    z = 1.959964
    s = math.sqrt(4 * z * z * 5 + 10**2)
    accepted = 9 + 5 + s + (z * z - 1) * 2 * z * math.sqrt(5) / s

    assert square_low(accepted, 4 * accepted, 1.0, law, 0.05) == pytest.approx(5.0)
    assert square_low(accepted / 8, 4 * accepted / 64, 1 / 8, law, 0.05) == pytest.approx(5.0 / 8)
    least = 9 + 30 - math.sqrt(4 * z * z * 30 + 6.3**2)
    assert square_high(least, 4 * least, 1.0, law, 0.05) == pytest.approx(30.0)
    assert square_high(0.0, 0.0, 1.0, law, 0.05) == pytest.approx(2 * z * z + math.sqrt(4 * z**4 + 6.3**2))


@pytest.mark.parametrize("groups", [1, 2, 9, 23, 100])
@pytest.mark.parametrize("alpha", [0.3, 0.05, 0.001, 1e-5])
def test_low_ends_hold_for_the_whole_noncentral_law_and_wald_ends_do_not(groups, alpha):
    law = NullLaw(mean=groups, least=chi2.ppf(alpha / 2, groups), most=chi2.isf(alpha / 2, groups))
    z, missed, wald = norm.isf(alpha / 2), [], []
    for truth in (0.01, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1e3, 1e4):
        accepted = brentq(lambda x, t=truth: square_low(x, 4 * x, 1.0, law, alpha) - t, law.most, 20 * (truth + 1e3))
        missed.append(ncx2.sf(accepted, groups, truth) / (alpha / 2))
        wald.append(ncx2.sf((z + math.sqrt(z * z + truth)) ** 2, groups, truth) / (alpha / 2))  # x - 2 z sqrt(x) > D
        rejected = truth + groups - math.sqrt(4 * z * z * truth + (groups - law.least) ** 2)
        assert rejected <= groups or ncx2.cdf(rejected, groups, truth) <= alpha / 2 * 1.001

    assert max(missed) <= 1.01
    assert max(missed) > 0.9  # and not wider than need be
    if groups >= 9 and alpha >= 0.05:
        assert max(wald) > 1.5  # negative control: the plain delta interval takes the quadratic part for a difference


@given(SIDES)
def test_intervals_hold_the_statistic_and_stay_within_the_distance_s_bounds(sides):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for d in (*points(*sides).values(), *categories(*sides).values()):
            assert 0 <= d.low <= d.statistic <= d.high <= LARGE.get(d.name, 1)
            assert d.p_value is None or 0 <= d.p_value <= 1


@given(SIDES, st.floats(0.001, 0.5))
def test_an_interval_leaves_zero_only_if_the_p_value_is_below_half_of_alpha(sides, alpha):
    for d in (*points(*sides, alpha).values(), *categories(*sides, alpha).values()):
        if d.name != "ks" and d.p_value is not None:
            assert d.low == 0 or d.p_value < alpha / 2 + 1e-6


@given(SIDES)
def test_all_but_kl_and_wasserstein_are_symmetric(sides):
    there, back = points(*sides), points(*sides[::-1])
    for name in NUMERIC - {"wasserstein"}:
        assert there[name].statistic == pytest.approx(back[name].statistic)
    there, back = categories(*sides), categories(*sides[::-1])
    for name in SHARES - {"kl"}:
        assert there[name].statistic == pytest.approx(back[name].statistic)
        assert there[name].low == pytest.approx(back[name].low, abs=1e-9)
        assert there[name].high == pytest.approx(back[name].high)


@given(SIDES)
def test_equal_counts_are_at_distance_zero_and_others_are_not(sides):
    a, b = np.array(sides[0]), np.array(sides[1])
    for found in (points(a, a), categories(a, a)):
        assert all(d.statistic == d.low == 0 and d.p_value in (1.0, None) for d in found.values())
    apart = any(a * b.sum() != b * a.sum())
    for name in ("jensen_shannon", "hellinger", "cramers_v", "total_variation"):
        assert (categories(a, b)[name].statistic > 1e-7) == apart


@given(some(3, 15), st.data())
def test_taking_groups_together_never_moves_sources_apart(sides, data):
    at = data.draw(st.integers(1, len(sides[0]) - 2))
    fine, coarse = (
        categories(*sides),
        categories(*(np.add.reduceat(s, [i for i in range(len(s)) if i != at]) for s in sides)),
    )
    for name in ("jensen_shannon", "hellinger", "cramers_v", "total_variation"):
        assert coarse[name].statistic <= fine[name].statistic + 1e-9


@given(SIDES)
def test_shares_agree_with_scipy(sides):
    found = categories(*sides)
    a, b = (np.array(side) for side in sides)
    held = a + b > 0
    a, b = a[held], b[held]
    p, q = a / a.sum(), b / b.sum()
    assert found["jensen_shannon"].statistic == pytest.approx(jensenshannon(p, q, base=2), abs=1e-7)
    assert found["kl"].statistic == pytest.approx(entropy(a + 0.5, b + 0.5), abs=1e-12)
    assert found["psi"].statistic == pytest.approx(
        sum(entropy(x / x.sum(), y / y.sum()) for x, y in ((a + 0.5, b + 0.5), (b + 0.5, a + 0.5))), abs=1e-12
    )
    if len(a) > 1:
        table = chi2_contingency([a, b], correction=False)
        assert found["cramers_v"].statistic == pytest.approx(math.sqrt(table.statistic / (a.sum() + b.sum())))
        assert found["cramers_v"].p_value == pytest.approx(table.pvalue)


@given(some(2, 15))
def test_numbers_agree_with_scipy(sides):
    found, at = points(*sides), np.arange(len(sides[0]))
    a, b = (np.repeat(at, side) for side in sides)
    assert found["ks"].statistic == pytest.approx(ks_2samp(a, b, method="asymp").statistic)
    lower, upper = (float(np.quantile(a, share, method="inverted_cdf")) for share in (0.25, 0.75))
    if upper > lower and not any(4 * rows % len(a) == 0 for rows in np.cumsum(sides[0])[:-1]):
        assert found["wasserstein"].statistic == pytest.approx(wasserstein_distance(a, b) / (upper - lower))


def test_cramer_von_mises_agrees_with_scipy_where_cells_are_fine():
    rng = np.random.default_rng(2)
    for shift in (0.0, 0.04, 0.08):
        a, b = rng.normal(size=4_000), rng.normal(shift, 1, 4_000)
        grid = ReferenceGrid.fit({"x": a})
        both = (Profile.build(grid, {"x": side}) for side in (a, b))
        found = next(d for d in divergences(*both, "x") if d.name == "cramer_von_mises")
        theirs = cramervonmises_2samp(a, b, method="asymptotic")
        assert found.statistic**2 * 2_000 == pytest.approx(theirs.statistic, rel=0.02)
        assert found.p_value == pytest.approx(theirs.pvalue, rel=0.1)
        assert abs(found.statistic - math.sqrt(theirs.statistic / 2_000)) <= found.grid_error


def test_law_of_the_squared_bridge_has_anderson_and_darling_s_values():
    """Their table 1 (1952)."""
    for x, below in (
        (0.02480, 0.01),
        (0.11888, 0.5),
        (0.34730, 0.9),
        (0.46136, 0.95),
        (0.74346, 0.99),
        (1.16786, 0.999),
    ):
        assert null_tail(x) == pytest.approx(1 - below, abs=2e-5)
    assert null_tail(10.0) == pytest.approx(
        math.sqrt(2) * math.erfc(math.pi * math.sqrt(5)), rel=0.02
    )  # Zolotarev (1961)
    assert null_law(0.1).most == pytest.approx(0.46136, abs=1e-4)


@given(st.lists(st.integers(0, 900), min_size=1, max_size=60).filter(any))
def test_groups_keep_all_rows_and_large_cells_whole(rows):
    a = np.array(rows)
    there, numbers = grouped(a, np.arange(len(a)))
    assert (there.sum(), numbers.sum()) == (a.sum(), np.arange(len(a)).sum())
    assert len(there) == 10
    assert there.max() <= a.sum() / 10 + a.max()


def test_groups_of_a_fine_grid_are_tenths():
    assert grouped(np.full(1_000, 7), np.full(1_000, 3))[0].tolist() == [700] * 10


def test_a_side_without_values_says_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for sides in (([0, 0, 0], [1, 2, 3]), ([1, 2, 3], [0, 0, 0]), ([0, 0, 0], [0, 0, 0])):
            for found in (points(*sides), categories(*sides)):
                assert all(
                    d.statistic == d.low == 0 and d.high > 0 and d.p_value in (1.0, None) for d in found.values()
                )
    assert set(points([0], [1])) == NUMERIC | SHARES


@pytest.mark.parametrize(
    "cuts", [np.empty(0), np.array([3.0, np.nextafter(3.0, 4)]), np.array([-1.7e308, 0.0, 1.7e308])]
)
def test_constant_and_extreme_columns_need_no_special_care(cuts):
    counts = [0] * (len(cuts) + 1)
    counts[len(counts) // 2] = 50
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = of(NumericCells(cuts=cuts), counts, counts)
    assert all(d.statistic == 0 and d.p_value in (1.0, None) and math.isfinite(d.low) for d in found.values())


def test_a_constant_column_that_moves_is_seen():
    found = of(NumericCells(cuts=np.array([3.0, np.nextafter(3.0, 4)])), [0, 500, 0], [0, 300, 200])
    assert all(found[name].low > 0.1 for name in ("ks", "psi", "cramers_v", "hellinger", "jensen_shannon"))


def test_a_category_that_may_be_gone_leaves_psi_and_kl_without_an_end():
    found = categories([50, 50, 5], [60, 40, 0])
    assert found["psi"].high == found["kl"].high == math.inf
    found = categories([50, 50, 0], [60, 40, 5])
    assert found["psi"].high == math.inf
    assert found["kl"].high < 1


def test_counts_up_to_a_million_million_rows_are_exact_enough():
    a, b = np.full(20, 10**12), np.full(20, 10**12)
    b[0] += 10**8
    for found in (points(a, b), categories(a, b)):
        assert all(math.isfinite(d.high) and d.low <= d.statistic <= d.high for d in found.values())
        assert found["cramers_v"].p_value < 1e-6


def test_hours_are_compared_as_shares():
    assert set(of(HourCells(), [3] * 24, [4] * 24)) == SHARES


def test_foreign_cells_absent_columns_and_odd_alphas_are_refused():
    here = counted(NumericCells(cuts=np.array([0.0])), [1, 2])
    with pytest.raises(InputError, match=r"share the cells of 'x'"):
        divergences(here, counted(NumericCells(cuts=np.array([1.0])), [1, 2]), "x")
    with pytest.raises(InputError, match="must be in both profiles"):
        divergences(here, here, "y")
    with pytest.raises(InputError, match="strictly between 0 and 1, got 95"):
        divergences(here, here, "x", alpha=95)


def test_each_of_two_groups_of_one_row_has_its_value():
    found = f_divergences(np.array([1, 0]), np.array([0, 1]), 0.05)
    assert {d.name: d.statistic for d in found if d.name in ("hellinger", "total_variation", "jensen_shannon")} == {
        "hellinger": 1.0,
        "total_variation": 1.0,
        "jensen_shannon": pytest.approx(1.0),
    }
