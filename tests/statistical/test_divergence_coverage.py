"""Intervals of all distances hold the distance of the sources: for equal sources, near that, and far away."""

import math

import numpy as np
import pytest
from scipy.special import chdtrc, ndtri
from scipy.stats import binom, norm

from upkeep.core.drift.cramer_von_mises import cramer_von_mises, null_tail
from upkeep.core.drift.divergences import divergences
from upkeep.core.drift.f_divergences import f_divergences, grouped
from upkeep.core.drift.transport import wasserstein
from upkeep.core.profile.cells import NumericCells
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile

pytestmark = pytest.mark.slow

ALPHA, RUNS = 0.05, 1_000
#: Of RUNS intervals that miss with chance ALPHA more than this many miss in one of 100,000 tables only.
MOST = binom.isf(1e-5, RUNS, ALPHA)
SIZES = [(300, 300), (1_000, 300), (300, 20_000), (10_000, 10_000), (100_000, 1_000), (100_000, 100_000)]
BILLIONS = 10**15


def tilted(p, by):
    q = p * np.exp(by * np.linspace(-1, 1, len(p)))
    return q / q.sum()


TENTHS = np.full(10, 0.1)
LONG_TAIL = 1 / np.arange(1, 31) / (1 / np.arange(1, 31)).sum()
RARE = np.array([0.3, 0.3, 0.3, 0.05, 0.02, 0.01, 0.01, 0.005, 0.0025, 0.0025])


def truths(p, q, n, m):
    """The distances by their definitions."""
    w, middle = n / (n + m), (p + q) / 2
    bits = (p @ np.log2(p / middle) + q @ np.log2(q / middle)) / 2
    return {
        "psi": float((p - q) @ np.log(p / q)),
        "kl": float(p @ np.log(p / q)),
        "jensen_shannon": math.sqrt(max(bits, 0.0)),
        "hellinger": math.sqrt(max(1 - float(np.sqrt(p * q).sum()), 0.0)),
        "cramers_v": math.sqrt(w * (1 - w) * float(((p - q) ** 2 / (w * p + (1 - w) * q)).sum())),
        "total_variation": float(np.abs(p - q).sum() / 2),
    }


def misses(found, truth):
    return found.low > truth + 1e-7 or found.high < truth - 1e-7


@pytest.mark.parametrize(
    ("p", "q"),
    [
        *((TENTHS, tilted(TENTHS, by)) for by in (0.0, 0.05, 0.2, 0.6, 1.5)),
        *((LONG_TAIL, tilted(LONG_TAIL, by)) for by in (0.0, 0.3)),
        (TENTHS, RARE),
        (RARE, TENTHS),
        (np.array([0.99, 0.01]), np.array([0.97, 0.03])),
    ],
    ids=["equal", "local", "near", "apart", "far", "long tail", "long tail tilted", "to rare", "from rare", "two"],
)
def test_intervals_of_shares_hold_in_every_regime(p, q):
    rng = np.random.default_rng(20240607)
    for n, m in SIZES:
        truth, missed = truths(p, q, n, m), dict.fromkeys(truths(p, q, n, m), 0)
        for a, b in zip(rng.multinomial(n, p, RUNS), rng.multinomial(m, q, RUNS), strict=True):
            for d in f_divergences(a, b, ALPHA):
                missed[d.name] += misses(d, truth[d.name])
        assert max(missed.values()) <= MOST, (n, m, missed)


def test_intervals_are_no_wider_than_the_statistic_s_own_spread_demands():
    """Far from equality, with many rows, an interval is 3.92 standard deviations long."""
    rng, q = np.random.default_rng(4), tilted(TENTHS, 0.6)
    ends = {}
    for a, b in zip(rng.multinomial(50_000, TENTHS, RUNS), rng.multinomial(20_000, q, RUNS), strict=True):
        for d in f_divergences(a, b, ALPHA):
            ends.setdefault(d.name, []).append((d.low, d.statistic, d.high))
    for name in ("psi", "kl", "jensen_shannon", "hellinger", "cramers_v"):
        low, statistic, high = np.array(ends[name]).T
        assert 0.9 < np.mean(high - low) / (2 * ndtri(1 - ALPHA / 2) * statistic.std()) < 1.15


def test_an_interval_of_few_large_steps_is_as_long_as_cramer_von_mises_varies():
    rng, single, p = np.random.default_rng(11), np.ones(4, dtype=bool), np.array([0.1, 0.2, 0.3, 0.4])
    for q in (p[::-1], np.array([0.3, 0.2, 0.1, 0.4])):
        drawn = zip(rng.multinomial(50_000, p, RUNS), rng.multinomial(20_000, q, RUNS), strict=True)
        found = [cramer_von_mises(a, b, single, ALPHA) for a, b in drawn]
        length = np.mean([d.high - d.low for d in found])
        assert 0.9 < length / (2 * ndtri(1 - ALPHA / 2) * np.std([d.statistic for d in found])) < 1.1


def test_the_plain_delta_interval_and_total_variation_without_its_mean_miss_equal_sources():
    """Negative control: 30 groups of one source; a squared Hellinger distance h has delta variance h(2 - h)(1/n + 1/m)/4."""
    rng, n, z = np.random.default_rng(5), 10_000, ndtri(1 - ALPHA / 2)
    p = np.full(30, 1 / 30)
    missed = {"hellinger": 0, "delta": 0, "total_variation": 0, "without mean": 0}
    for a, b in rng.multinomial(n, p, (RUNS, 2)):
        found = {d.name: d for d in f_divergences(a, b, ALPHA)}
        h = found["hellinger"].statistic ** 2
        missed["delta"] += h - z * math.sqrt(h * (2 - h) * (2 / n) / 4) > 0
        missed["without mean"] += found["total_variation"].statistic - z * math.sqrt(2 / n) / 2 > 0
        missed["hellinger"] += found["hellinger"].low > 0
        missed["total_variation"] += found["total_variation"].low > 0
    assert max(missed["hellinger"], missed["total_variation"]) <= MOST
    assert min(missed["delta"], missed["without mean"]) > 0.9 * RUNS


@pytest.mark.parametrize("p", [TENTHS, LONG_TAIL, np.array([0.99, 0.01])], ids=["tenths", "long tail", "two"])
def test_p_values_of_equal_sources_are_below_alpha_as_often_as_they_say(p):
    rng = np.random.default_rng(6)
    for n, m in SIZES:
        below, one_sample = {}, 0
        for a, b in zip(rng.multinomial(n, p, RUNS), rng.multinomial(m, p, RUNS), strict=True):
            for d in f_divergences(a, b, ALPHA):
                below[d.name] = below.get(d.name, 0) + (d.p_value is not None and d.p_value < ALPHA)
            held = a > 0
            expected = a[held] / n * m
            one_sample += chdtrc(held.sum() - 1, ((b[held] - expected) ** 2 / expected).sum()) < ALPHA
        assert max(below.values()) <= MOST, (n, m, below)
        if n <= m:
            assert one_sample > MOST  # negative control: the reference taken for the truth


def cells_of(cuts, shift, scale):
    up_to = norm.cdf((cuts - shift) / scale)
    return np.diff(up_to, prepend=0, append=1)


@pytest.mark.parametrize(("shift", "scale"), [(0, 1), (0.02, 1), (0.1, 1), (0.5, 1), (2, 1), (0, 1.3)])
def test_intervals_of_numbers_hold_in_every_regime(shift, scale):
    """The truth is that of 10^15 rows on each side, over the same cells."""
    rng, cuts = np.random.default_rng(7), norm.ppf(np.arange(1, 256) / 256)
    cells = NumericCells(cuts=cuts)
    p, q = cells_of(cuts, 0, 1), cells_of(cuts, shift, scale)
    many = [np.round(share * BILLIONS).astype(np.int64) for share in (p, q)]
    bridge = cramer_von_mises(*many, cells.single, ALPHA).statistic
    area = float(np.trapezoid(np.abs(norm.cdf(cuts) - norm.cdf((cuts - shift) / scale)), cuts))
    for n, m in SIZES:
        missed = [0, 0]
        for a, b in zip(rng.multinomial(n, p, RUNS), rng.multinomial(m, q, RUNS), strict=True):
            lower, upper = np.interp([0.25, 0.75], np.cumsum(a)[:-1] / n, cuts)
            missed[0] += misses(cramer_von_mises(a, b, cells.single, ALPHA), bridge)
            missed[1] += misses(wasserstein(a, b, cuts, ALPHA), area / (upper - lower))
        assert max(missed) <= MOST, (n, m, missed)


def test_wasserstein_without_its_mean_misses_equal_sources():
    """At alpha = 1/2 its normal part alone, .67 standard errors, is less than what chance gives on average."""
    rng, n, alpha = np.random.default_rng(8), 2_000, 0.5
    at = np.arange(10.0)
    cuts = np.sort(np.concatenate([at, np.nextafter(at, np.inf)]))
    missed = {"ours": 0, "without mean": 0}
    for drawn in rng.multinomial(n, TENTHS, (RUNS, 2)):
        a, b = np.zeros((2, 21), dtype=np.int64)
        a[1::2], b[1::2] = drawn
        found = wasserstein(a, b, cuts, alpha)
        missed["ours"] += found.low > 0
        missed["without mean"] += found.statistic - (found.high - found.statistic) > 0
    assert missed["ours"] <= binom.isf(1e-5, RUNS, alpha)
    assert missed["without mean"] > binom.isf(1e-5, RUNS, alpha)


def test_ties_make_the_cramer_von_mises_p_value_conservative_only_if_they_are_broken_evenly():
    """Two values, the first with 2/3 of the rows: read at the cells' upper ends the test alarms too often."""
    rng, n, runs = np.random.default_rng(9), 3_000, 4_000
    single = np.ones(2, dtype=bool)
    ours = upper = 0
    for first, second in rng.binomial(n, 2 / 3, (runs, 2)):
        a, b = np.array([first, n - first]), np.array([second, n - second])
        ours += cramer_von_mises(a, b, single, ALPHA).p_value < ALPHA
        share = (first + second) / (2 * n)
        upper += null_tail(share * ((first - second) / n) ** 2 * n / 2) < ALPHA
    assert ours <= binom.isf(1e-5, runs, ALPHA) < upper


@pytest.mark.parametrize("shift", [0.0, 0.1, 1.0])
def test_intervals_hold_from_rows_to_profile_to_groups(shift):
    """The grid and the tenths are the reference's own; the distances are those of the sources over them."""
    rng, n, m, runs = np.random.default_rng(10), 3_000, 1_000, 200
    missed = {}
    for _ in range(runs):
        rows = rng.normal(size=n)
        grid = ReferenceGrid.fit({"x": rows}, bins=128)
        reference, current = (Profile.build(grid, {"x": x}) for x in (rows, rng.normal(shift, 1, m)))
        cuts, counts = grid.cells["x"].cuts, reference.columns["x"].counts
        p, q = (grouped(counts, np.round(cells_of(cuts, by, 1) * BILLIONS).astype(np.int64))[1] for by in (0, shift))
        truth = truths(p / p.sum(), q / q.sum(), n, m) | {"ks": abs(2 * norm.cdf(shift / 2) - 1)}
        for d in divergences(reference, current, "x", alpha=ALPHA):
            if d.name in truth:
                missed[d.name] = missed.get(d.name, 0) + misses(d, truth[d.name])
    assert len(missed) == 7
    assert max(missed.values()) <= binom.isf(1e-5, runs, ALPHA), missed
