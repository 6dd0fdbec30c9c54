"""Against the published table of ease.ml/ci (Renggli et al. 2019, H = 32), to the unit."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.gate.condition import parse
from upkeep.core.gate.sample_size import required_labels
from upkeep.errors import InputError

# 1 - delta, tolerance, one variable: none and full, n - o: none and full
TABLE = [
    (0.99, 0.1, 404, 1340, 1753, 5496),
    (0.99, 0.05, 1615, 5358, 7012, 21984),
    (0.99, 0.025, 6457, 21429, 28045, 87933),
    (0.99, 0.01, 40355, 133930, 175282, 549581),
    (0.999, 0.1, 519, 1455, 2214, 5957),
    (0.999, 0.05, 2075, 5818, 8854, 23826),
    (0.999, 0.025, 8299, 23271, 35414, 95302),
    (0.999, 0.01, 51868, 145443, 221333, 595633),
    (0.9999, 0.1, 634, 1570, 2674, 6417),
    (0.9999, 0.05, 2536, 6279, 10696, 25668),
    (0.9999, 0.025, 10141, 25113, 42782, 102670),
    (0.9999, 0.01, 63381, 156956, 267385, 641684),
    (0.99999, 0.1, 749, 1685, 3135, 6878),
    (0.99999, 0.05, 2996, 6739, 12538, 27510),
    (0.99999, 0.025, 11983, 26955, 50150, 110038),
    (0.99999, 0.01, 74894, 168469, 313437, 687736),
]


@pytest.mark.parametrize(("reliability", "tolerance", "one", "one_full", "two", "two_full"), TABLE)
def test_the_published_table_comes_out_to_the_unit(reliability, tolerance, one, one_full, two, two_full):
    def size(left, adaptivity):
        condition = parse(f"{left} > 0.02 +/- {tolerance}")
        return required_labels(condition, reliability=reliability, steps=32, adaptivity=adaptivity)

    assert [size(v, "none") for v in ("n", "o", "d", "n - o")] == [one, one, one, two]
    assert [size(v, "full") for v in ("n", "o", "d", "n - o")] == [one_full, one_full, one_full, two_full]


def test_unequal_factors_share_the_tolerance_in_proportion():
    assert required_labels(parse("n - 1.1*o > 0.01 +/- 0.01"), reliability=0.9999, steps=32) == 294_792


def test_one_step_seen_by_the_builders_costs_ln_2():
    condition = parse("n > 0.8 +/- 0.001")
    hidden = required_labels(condition, reliability=0.99, adaptivity="none")
    seen = required_labels(condition, reliability=0.99, adaptivity="full")
    assert seen - hidden == pytest.approx(math.log(2) / (2 * 0.001**2), abs=1)


def test_clauses_share_the_error_and_the_hardest_decides():
    pair = parse("n - o > 0.02 +/- 0.01 and d < 0.1 +/- 0.05")
    alone = parse("n - o > 0.02 +/- 0.01")
    # half the error for each clause
    assert required_labels(pair, reliability=0.998) == required_labels(alone, reliability=0.999)


@given(st.integers(1, 10_000), st.floats(0.5, 0.99999), st.floats(0.001, 0.5))
def test_retiring_at_the_first_pass_costs_as_little_as_telling_nobody(steps, reliability, tolerance):
    condition = parse(f"n - o > 0 +/- {tolerance!r}")
    sizes = [
        required_labels(condition, reliability=reliability, steps=steps, adaptivity=a)
        for a in ("none", "firstChange", "full")
    ]
    assert sizes[0] == sizes[1] <= sizes[2]
    smaller = parse(f"n - o > 0 +/- {tolerance / 2!r}")
    assert required_labels(smaller, reliability=reliability, steps=steps) > sizes[0]


def test_many_steps_do_not_overflow():
    assert required_labels(parse("n > 0.5 +/- 0.1"), reliability=0.95, steps=10_000, adaptivity="full") == 346_724


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"reliability": 1.0}, "reliability"),
        ({"reliability": 0.9, "steps": 0}, "steps"),
        ({"reliability": 0.9, "adaptivity": "some"}, "adaptivity"),
    ],
)
def test_a_promise_that_cannot_be_kept_is_refused(given_, words):
    with pytest.raises(InputError, match=words):
        required_labels(parse("n > 0.5 +/- 0.1"), **given_)


def test_a_vanishing_tolerance_is_refused():
    with pytest.raises(InputError, match="too small"):
        required_labels(parse("n > 0.5 +/- 1e-300"), reliability=0.9)
