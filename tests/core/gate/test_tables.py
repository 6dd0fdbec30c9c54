"""Against the published numbers of ease.ml/ci (Renggli et al. 2019), to the unit."""

import math

import pytest

from upkeep.core.gate.bounds import bennett, binomial, trinomial
from upkeep.core.gate.bounds.ends import End
from upkeep.core.gate.condition import parse
from upkeep.core.gate.methods import disagreeing
from upkeep.core.gate.plan import Facts, plan
from upkeep.core.gate.promise import Promise

# H = 32. 1 - delta, tolerance, one variable: none and full, n - o: none and full
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


def rows(text, method, *, reliability=0.9999, steps=32, adaptivity="none", facts=None, **promise):
    promised = Promise(reliability=reliability, steps=steps, adaptivity=adaptivity, **promise)
    return plan(parse(text), promised, facts).method(method).rows


@pytest.mark.parametrize(("reliability", "tolerance", "one", "one_full", "two", "two_full"), TABLE)
def test_the_published_table_comes_out_to_the_unit(reliability, tolerance, one, one_full, two, two_full):
    def size(left, adaptivity):
        text = f"{left} > 0.02 +/- {tolerance}"
        return rows(text, "hoeffding", reliability=reliability, adaptivity=adaptivity)

    assert [size(v, "none") for v in ("n", "o", "d", "n - o")] == [one, one, one, two]
    assert [size(v, "full") for v in ("n", "o", "d", "n - o")] == [one_full, one_full, one_full, two_full]
    # where the first pass retires the set, one history goes on
    assert size("n - o", "firstChange") == two


def test_one_step_seen_by_the_builders_costs_ln_2():
    hidden, seen = (
        rows("n > 0.8 +/- 0.001", "hoeffding", reliability=0.99, steps=1, adaptivity=adaptivity)
        for adaptivity in ("none", "full")
    )
    assert seen - hidden == pytest.approx(math.log(2) / (2 * 0.001**2), abs=1)


@pytest.mark.parametrize(
    ("releases", "needed"), [(0, 2536), (1, 3096), (2, 3565), (3, 3969), (5, 4633), (8, 5358), (32, 6279)]
)
def test_each_pass_that_is_built_upon_costs_labels(releases, needed):
    assert rows("n > 0.8 +/- 0.05", "hoeffding", adaptivity="releases", releases=releases) == needed


def test_unequal_factors_share_the_tolerance_in_proportion():
    assert rows("n - 1.1*o > 0.01 +/- 0.01", "hoeffding") == 294_792


def test_one_value_per_row_spares_the_division_of_the_tolerance():
    assert rows("n - o > 0.02 +/- 0.01", "paired") == 253_522


@pytest.mark.parametrize(
    ("steps", "adaptivity", "needed"), [(32, "none", 29_048), (32, "full", 67_706), (1, "none", 21_889)]
)
def test_a_clause_on_d_is_a_filter_for_the_difference(steps, adaptivity, needed):
    # d < 0.08 +/- 0.01 leaves a share of 0.1 possible where it is not false
    text = "d < 0.08 +/- 0.01 and n - o > 0.02 +/- 0.01"
    promise = Promise(reliability=0.9999, steps=steps, adaptivity=adaptivity)
    method = plan(parse(text), promise).method("hierarchical")
    assert method.labels == needed
    assert method.clauses[0].labels == 0  # d is measured on rows without labels


def test_a_commit_costs_the_labels_on_which_the_models_differ():
    assert disagreeing(bennett.rows_needed(0.1, 0.01, math.log(4 / 1e-4)), 0.1) == 2_189


@pytest.mark.parametrize(
    ("delta", "tolerance", "needed"),
    [
        (1e-2, 0.1, 302),
        (1e-2, 0.05, 1190),
        (1e-2, 0.025, 4720),
        (1e-4, 0.1, 520),
        (1e-4, 0.05, 2060),
        (1e-4, 0.025, 8203),
    ],
)
def test_exact_numbers_for_a_share_that_may_be_anything(delta, tolerance, needed):
    assert binomial.rows_anywhere(tolerance, math.log(32 / delta)) == needed


@pytest.mark.parametrize(
    ("truth", "tolerance", "delta", "by_bennett", "exactly"),
    [(0.02, 0.02, 0.002 / 7, 4344, 3026), (0.01, 0.05, 0.01, 426, 234)],
)
def test_exact_numbers_for_a_difference_of_at_most_a_tenth_of_the_rows(truth, tolerance, delta, by_bennett, exactly):
    log_tests = math.log(1 / delta)
    assert bennett.rows_needed(0.1, tolerance, log_tests) == by_bennett
    assert trinomial.rows_at(End(truth=truth, limit=truth + tolerance, log_tests=log_tests), 0.1) == exactly


@pytest.mark.parametrize(("tolerance", "delta", "anywhere"), [(0.02, 0.002 / 7, 3034), (0.05, 0.01, 241)])
def test_what_the_same_would_need_if_the_true_difference_were_any(tolerance, delta, anywhere):
    # The rule knows its threshold, so this is more than it needs. The worst case has a sum exactly at the limit.
    sizes = []
    for total in range(-60, 130):
        end = End(truth=total / anywhere - tolerance, limit=total / anywhere, log_tests=math.log(1 / delta))
        if abs(end.truth) < 0.1:
            sizes.append(trinomial.rows_at(end, 0.1))
    assert max(sizes) <= anywhere


@pytest.mark.parametrize(
    ("text", "adaptivity", "hoeffding", "bennett_"),
    [("n - o > 0.02 +/- 0.02", "none", 44_269, 4_713), ("n - o > 0.02 +/- 0.022", "full", None, 5_204)],
)
def test_the_history_of_emocontext_needs_what_the_paper_says(text, adaptivity, hoeffding, bennett_):
    promise = {"reliability": 0.998, "steps": 7, "adaptivity": adaptivity}
    assert rows(text, "bennett", facts=Facts(difference=0.1), **promise) == bennett_
    if hoeffding is not None:
        assert rows(text, "hoeffding", **promise) == hoeffding
    assert rows("n - o > 0.02 +/- 0.02", "hoeffding", **(promise | {"adaptivity": "full"})) == 58_799
