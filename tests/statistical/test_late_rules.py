"""Rules about late rows are untrue in at most the share of looks promised, however many conjunctions were searched."""

import numpy as np
import pytest

from upkeep.core.columns import Coded
from upkeep.core.feedback.late.coding import Coding
from upkeep.core.feedback.late.counts import pair_counts
from upkeep.core.feedback.late.evidence import Evidence, items_of, matches
from upkeep.core.feedback.late.search import cover
from upkeep.core.feedback.late.terms import Terms

pytestmark = pytest.mark.slow

ALPHA, LOOKS, ROWS, COLUMNS, LEVELS = 0.05, 200, 2_000, 8, 5
CODING = Coding.fit({f"c{j}": Coded(np.arange(LEVELS), tuple("abcde")) for j in range(COLUMNS)})


def evidence(codes, late):
    def within(pair, items):
        return items_of(codes[:, matches(codes, CODING, pair)], CODING)[items]

    return Evidence(
        coding=CODING,
        rows=float(ROWS),
        pairs=pair_counts(codes, CODING.sizes),
        late=codes[:, late],
        late_pairs=pair_counts(codes[:, late], CODING.sizes),
        weights=np.ones(late.sum()),
        within=within,
    )


def untrue(codes, chance, rules, tolerance):
    """Whether any rule's rows are not really later than those in neither it nor an earlier one by the tolerance."""
    rest = np.ones(ROWS, dtype=bool)
    for rule in rules:
        hit = matches(codes, CODING, rule.items)
        rest &= ~hit
        if chance[hit].mean() - chance[rest].mean() <= tolerance + 1e-12:
            return True
    return False


def z_tests_err(codes, chance, held, terms):
    """Whether any item or pair that is no later than tolerated passes a z-test at alpha: no correction, no search."""
    rows, late, true = held.pairs, held.late_pairs, pair_counts(codes, CODING.sizes, chance)
    enough = (rows >= terms.least_rows) & (ROWS - rows >= terms.least_rows)
    n, k, mean = rows[enough], late[enough], true[enough]
    p, q = k / n, (len(held.weights) - k) / (ROWS - n)
    error = np.sqrt(p * (1 - p) / n + q * (1 - q) / (ROWS - n))
    excess = mean / n - (chance.sum() - mean) / (ROWS - n)
    return bool(((p - q - terms.tolerance > 1.645 * error) & (excess <= terms.tolerance + 1e-12)).any())


def rates(seed, chances, terms, looks=LOOKS):
    """Shares of looks with an untrue rule, with any rule, and with an untrue one by z-tests."""
    rng, counts = np.random.default_rng(seed), np.zeros(3)
    for _ in range(looks):
        codes = rng.integers(0, LEVELS, (COLUMNS, ROWS)).astype(np.uint8)
        chance = chances(codes)
        held = evidence(codes, rng.random(ROWS) < chance)
        rules = cover(held, terms)
        counts += [
            untrue(codes, chance, rules, terms.tolerance),
            bool(rules),
            z_tests_err(codes, chance, held, terms),
        ]
    return counts / looks


def test_where_all_rows_are_equally_late_rules_are_found_with_at_most_alpha():
    wrong, found, naive = rates(1, lambda codes: np.full(ROWS, 0.3), Terms(alpha=ALPHA, tolerance=0.0))
    assert wrong == found <= ALPHA
    assert naive > 0.9  # the negative control: the best of hundreds is not one of one


def test_levels_just_as_much_later_as_tolerated_are_no_rule():
    # each of four columns has a level that is .05 later than its other rows, whatever the other columns hold
    def chances(codes):
        return 0.1 + 0.05 * (codes[:4] == 0).sum(axis=0)

    wrong, _, naive = rates(2, chances, Terms(alpha=ALPHA, tolerance=0.05))
    assert wrong <= ALPHA
    assert naive > 0.5


def test_what_is_reported_behind_a_real_incident_is_true_as_well():
    def chances(codes):
        incident = (codes[0] == 1) & (codes[1] == 2)
        return np.where(incident, 0.8, 0.2 + 0.1 * (codes[2] == 3))

    wrong, found, naive = rates(3, chances, Terms(alpha=ALPHA, tolerance=0.05), looks=LOOKS // 2)
    assert wrong <= ALPHA
    assert found > 0.95
    assert naive > 0.2
