"""The search against an enumeration of everything, and its parts."""

import tracemalloc
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom, chi2

from upkeep.core.columns import Coded
from upkeep.core.feedback.late.coding import Coding
from upkeep.core.feedback.late.counts import add_pairs, pair_counts
from upkeep.core.feedback.late.rules import who_is_late
from upkeep.core.feedback.late.terms import Terms


class Enumeration:
    """Rules by counting every conjunction in the rows themselves; a conjunction is a tuple of (column, code)."""

    def __init__(self, codes, sizes, late, terms):
        self.terms, self.rows, self.alive = terms, late.size, late.copy()
        self.least = terms.least_share * late.sum()
        self.items = [(j, c) for j, size in enumerate(sizes) for c in range(size)]
        has = {(j, c): codes[j] == c for j, c in self.items}
        self.mask = {
            held: np.logical_and.reduce([has[item] for item in held])
            for many in range(1, terms.clauses + 1)
            for held in combinations(self.items, many)
            if len({j for j, _ in held}) == many
        }
        often = [held for held in self.mask if all(has[item].sum() >= terms.least_rows for item in held)]
        self.count = Counter(map(len, often))

    def numbers(self, held):
        return int(self.mask[held].sum()), int((self.mask[held] & self.alive).sum())

    def suspicious(self, pair):
        (n, k), mean = self.numbers(pair), self.alive.sum() / self.rows
        excess = k - n * mean
        return excess > 0 and excess >= max(self.least / 2, 3 * np.sqrt(n * mean * (1 - mean)))

    def matters(self, held):
        """Every clause makes the likelihood of the parent's late rows higher."""
        n, k = self.numbers(held)
        for parent in combinations(held, len(held) - 1) if len(held) > 1 else ():
            m, j = self.numbers(parent)
            if m == n or k / n <= (j - k) / (m - n):
                return False
            apart = binom.logpmf(k, n, k / n) + binom.logpmf(j - k, m - n, (j - k) / (m - n))
            together = binom.logpmf(k, n, j / m) + binom.logpmf(j - k, m - n, j / m)
            if 2 * (apart - together) <= chi2.isf(self.terms.alpha / len(self.items), 1):
                return False
        return True

    def excess(self, held, taken, step):
        """Certain excess over the rest; minus one where a conjunction is no candidate."""
        (n, k), terms, every = self.numbers(held), self.terms, sum(self.count.values())
        m, j = self.rows - taken - n, int(self.alive.sum()) - k
        grown = len(held) < 3 or any(self.suspicious(pair) for pair in combinations(held, 2))
        if min(n, m) < terms.least_rows or k < max(self.least, 1) or not grown:
            return -1.0
        alpha = terms.alpha / 2 / len(self.count) / self.count[len(held)] if self.count[len(held)] else terms.alpha
        rest_alpha = terms.alpha / 2 / terms.most * min(1.0, np.prod(np.arange(1, step + 1) / every))
        return beta.ppf(alpha, k, n - k + 1) - (beta.isf(rest_alpha, j + 1, m - j) if m > j else 1.0)

    def rules(self):
        taken, found = 0, []
        for step in range(1, self.terms.most + 1):
            sure = {held: self.excess(held, taken, step) for held in self.mask}
            best = [
                (-round(excess * self.numbers(held)[1], 9), len(held), held)
                for held, excess in sure.items()
                if excess > self.terms.tolerance and self.matters(held)
            ]
            if not best:
                break
            chosen = min(best)[2]
            found.append(chosen)
            taken += self.numbers(chosen)[0]
            self.alive &= ~self.mask[chosen]
        return found


@st.composite
def windows(draw):
    """A few columns of two or three levels, and rows that are late by a conjunction of up to three items, or by chance."""
    seed, rows = draw(st.integers(0, 2**32 - 1)), draw(st.integers(60, 400))
    rng = np.random.default_rng(seed)
    sizes = draw(st.lists(st.integers(2, 3), min_size=1, max_size=4))
    codes = np.array([rng.choice(size, rows, p=rng.dirichlet(np.full(size, 3.0))) for size in sizes])
    chance = np.full(rows, draw(st.sampled_from([0.0, 0.05, 0.3])))
    for _ in range(draw(st.integers(0, 2))):
        columns = rng.permutation(len(sizes))[: draw(st.integers(1, 3))]
        hit = np.logical_and.reduce([codes[j] == rng.integers(sizes[j]) for j in columns])
        chance[hit] = draw(st.sampled_from([0.5, 0.9, 1.0]))
    return codes, sizes, rng.random(rows) < chance


def against_enumeration(window, terms):
    codes, sizes, late = window
    table = {f"c{j}": Coded(codes[j], tuple("abc"[:size])) for j, size in enumerate(sizes)}
    coding = Coding.fit(table)
    found = [rule.places for rule in who_is_late(table, late, coding=coding, terms=terms).rules]
    expected = Enumeration(coding.encode(table), coding.sizes.tolist(), late, terms).rules() if late.any() else []
    assert found == [tuple((f"c{j}", code) for j, code in held) for held in expected]
    return found


@settings(max_examples=120, deadline=None)
@given(windows(), st.sampled_from([0.0, 0.05]), st.sampled_from([0.05, 0.5]), st.integers(1, 3))
def test_the_search_finds_what_an_enumeration_of_all_conjunctions_finds(window, tolerance, alpha, clauses):
    terms = Terms(alpha=alpha, tolerance=tolerance, clauses=clauses, least_rows=8, most=3)
    against_enumeration(window, terms)


def test_among_such_windows_are_rules_of_one_two_and_three_clauses_and_several_rules():
    lengths, several = set(), 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        codes = rng.integers(0, 2, (4, 600))
        hit = np.logical_and.reduce(codes[: 1 + seed % 3] == 1)
        other = (codes[2] == 0) & (codes[3] == 0)
        late = rng.random(600) < np.select([hit, other & (seed % 2 == 0)], [0.9, 0.5], 0.05)
        found = against_enumeration((codes, [2] * 4, late), Terms(least_rows=8, most=3))
        lengths |= {len(rule) for rule in found}
        several += len(found) > 1
    assert lengths == {1, 2, 3}
    assert several > 5


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=7),
    st.integers(0, 300),
    st.integers(0, 2**32 - 1),
    st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_pairs_are_counted_as_one_hot_columns_say(sizes, rows, seed, weighted):
    rng = np.random.default_rng(seed)
    codes = np.array([rng.integers(0, size, rows) for size in sizes], dtype=np.uint8)
    weights = rng.integers(1, 9, rows) / 8 if weighted else None  # eighths add up exactly
    hot = np.concatenate([codes[j] == np.arange(size)[:, None] for j, size in enumerate(sizes)]).astype(float)
    expected = (hot if weights is None else hot * weights) @ hot.T
    found = pair_counts(codes, np.array(sizes), weights)
    np.testing.assert_array_equal(found, expected)
    add_pairs(found, codes, np.array(sizes), -np.ones(rows) if weights is None else -weights)
    assert not found.any()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("columns", "rows"), [(110, 500), (110, 1_500), (110, 6_500), (60, 3_000)])
def test_pairs_of_many_columns_are_counted_as_one_hot_columns_say(columns, rows, weighted):
    rng = np.random.default_rng(columns + rows)
    sizes = rng.integers(1, 12, columns)
    codes = np.array([rng.integers(0, size, rows) for size in sizes], dtype=np.uint8)
    weights = rng.integers(1, 9, rows) / 8 if weighted else None
    hot = np.concatenate([codes[j] == np.arange(size)[:, None] for j, size in enumerate(sizes)]).astype(float)
    np.testing.assert_array_equal(
        pair_counts(codes, sizes, weights), (hot if weights is None else hot * weights) @ hot.T
    )


@pytest.mark.parametrize("rows", [40, 1_000, 3_000, 6_001])
def test_counting_takes_little_more_memory_than_the_counts(rows):
    sizes = np.full(300, 11)
    codes = np.random.default_rng(0).integers(0, 11, (300, rows)).astype(np.uint8)
    tracemalloc.start()
    found = pair_counts(codes, sizes)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < found.nbytes + codes.nbytes + 60e6
