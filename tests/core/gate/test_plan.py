"""What every method promises of a whole condition."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from upkeep.core.gate.bounds import binomial
from upkeep.core.gate.bounds.ends import End
from upkeep.core.gate.bounds.lattice import log_tail
from upkeep.core.gate.condition import expand, parse
from upkeep.core.gate.plan import Facts, plan
from upkeep.core.gate.promise import Promise
from upkeep.errors import InputError

PROMISE = Promise(reliability=0.9999, steps=32)
LEFTS = [
    "n",
    "2*o",
    "-1*d",
    "n - o",
    "o - n",
    "0.5*n - 0.5*o",
    "n - 1.1*o",
    "n - o - 0.2*d",
    "n + o",
    "n.recall",
    "n.recall - o.recall",
    "n.precision - o.precision",
    "n.f1",
    "n.f1 - o.f1",
    "n.brier",
    "o.brier - n.brier",
    "n[borough = Queens] - o[borough = Queens]",
    "n[borough = Queens] - o",
]
CONDITIONS = st.builds(
    lambda clauses: " and ".join(f"{v} {c} {t:.4f} +/- {e:.4f}" for v, c, t, e in clauses),
    st.lists(
        st.tuples(st.sampled_from(LEFTS), st.sampled_from("<>"), st.floats(-0.5, 1.0), st.floats(0.03, 0.4)),
        min_size=1,
        max_size=3,
    ),
)
PROMISES = st.builds(
    Promise,
    reliability=st.floats(0.5, 0.99999),
    steps=st.integers(1, 200),
    adaptivity=st.sampled_from(["none", "full", "firstChange"]),
    mode=st.sampled_from(["fp-free", "fn-free", "investigate"]),
)
FACTS = st.builds(
    Facts,
    difference=st.none() | st.floats(0.01, 1.0),
    measured_difference=st.none() | st.tuples(st.floats(0.0, 1.0), st.integers(1, 100_000)),
)
few = settings(max_examples=30, deadline=None)


def labels(text, method="exact", promise=PROMISE, facts=None):
    return plan(parse(text), promise, facts).method(method).labels


@few
@given(CONDITIONS, PROMISES, FACTS)
@example("n > 0.5 +/- 0.03", Promise(reliability=0.5), Facts())
def test_the_best_plan_never_needs_more_than_hoeffdings_and_every_method_says_why(text, promise, facts):
    found = plan(parse(text), promise, facts)
    assert found.best.labels <= found.method("exact").labels <= found.method("chernoff").labels
    assert found.method("chernoff").labels <= found.method("hoeffding").labels
    for method in found.methods:
        assert method.assumption
        assert method.available == (method.why_not == "") == bool(method.clauses)
        assert method.rows == method.labels + method.unlabelled
        assert all(need.rows == need.labels + need.unlabelled for need in method.clauses)


@few
@given(
    st.sampled_from(LEFTS), st.floats(0.0, 0.8), st.floats(0.04, 0.3), st.floats(0.6, 0.999), st.integers(1, 40), FACTS
)
def test_a_smaller_tolerance_more_reliability_or_more_steps_never_need_fewer_labels(
    left, at, tolerance, reliability, steps, facts
):
    def best(eps, sure, tests):
        promise = Promise(reliability=sure, steps=tests, adaptivity="full")
        found = plan(parse(f"{left} > {at:.4f} +/- {eps:.5f}"), promise, facts)
        # at the threshold alone: a far end beyond the range asks for nothing
        return found.method("hoeffding").labels, found.method("chernoff").labels, found.method("exact").labels

    base = best(tolerance, reliability, steps)
    assert np.all(np.array(best(tolerance, reliability, steps + 3)) >= base)
    assert np.all(np.array(best(tolerance, 1 - (1 - reliability) / 2, steps)) >= base)
    smaller = np.array(best(0.8 * tolerance, reliability, steps))
    assert smaller[0] >= base[0]
    # exact sizes move in jumps of about 2 / tolerance, the width of a tooth of the saw
    assert np.all(smaller[1:] + 2 / tolerance >= base[1:])


def wrong_answer(rows, truth, limit):
    """Probability that a share measured on so many rows is at the limit or beyond, away from the truth."""
    if limit > truth:
        return stats.binom.sf(np.ceil(rows * limit - 1e-6) - 1, rows, truth)
    return stats.binom.cdf(np.floor(rows * limit + 1e-6), rows, truth)


@pytest.mark.parametrize("at", [0.5, 0.7, 0.9])
@pytest.mark.parametrize("mode", ["fp-free", "fn-free", "investigate"])
def test_the_exact_plan_keeps_both_ends_of_each_mode(at, mode):
    promise = Promise(reliability=0.99, steps=5, mode=mode)
    rows = labels(f"n > {at} +/- 0.04", promise=promise)
    errors = {
        "fp-free": [(at, at + 0.04), (at + 0.08, at + 0.04)],
        "fn-free": [(at, at - 0.04), (at - 0.08, at - 0.04)],
    }
    errors["investigate"] = errors["fp-free"] + errors["fn-free"]
    q = math.exp(-promise.log_tests)
    assert all(wrong_answer(n, *error) <= q for error in errors[mode] for n in range(rows, rows + 300))
    assert any(wrong_answer(rows - 1, *error) > q for error in errors[mode])
    assert any(wrong_answer(round(0.8 * rows), *error) > 1.5 * q for error in errors[mode])  # the negative control


def test_a_mirrored_clause_needs_the_same():
    assert labels("n > 0.9 +/- 0.02") == labels("-1*n < -0.9 +/- 0.02") == labels("2*n > 1.8 +/- 0.04")
    assert labels("n - o > 0.02 +/- 0.02") == labels("o - n < -0.02 +/- 0.02")
    assert labels("n < 0.1 +/- 0.02") == labels("n > 0.9 +/- 0.02")


def test_a_pass_needs_the_whole_delta_and_a_refusal_its_share_for_each_clause():
    # At 0.9 the threshold decides, at 0.5 the far end does as well: only there does a second clause cost rows.
    high, both = labels("n > 0.9 +/- 0.02"), labels("n > 0.9 +/- 0.02 and o > 0.1 +/- 0.05")
    assert both == high
    assert labels("n > 0.5 +/- 0.02 and o > 0.1 +/- 0.05") > labels("n > 0.5 +/- 0.02")


def test_a_bound_on_d_can_be_known_measured_or_a_clause():
    text = "n - o > 0.02 +/- 0.02"
    unknown = labels(text)
    known = labels(text, facts=Facts(difference=0.1))
    measured = labels(text, facts=Facts(measured_difference=(0.1, 100_000)))
    clause = labels(f"{text} and d < 0.1 +/- 0.02")
    assert known < 0.15 * unknown
    assert known < measured < 1.2 * known
    assert known <= clause < 1.1 * known
    # a measured share as large as all rows is of no use, and costs nothing
    assert labels(text, facts=Facts(measured_difference=(1.0, 100))) == unknown


def difference_errors(rows, mode, shares, tolerance):
    """Probabilities of the errors that a mode must keep rare, for n - o > 0, by shares of gains and of losses."""
    gain, loss = shares
    truth, up = gain - loss, tolerance if mode == "fp-free" else -tolerance
    total = np.array([rows * up])
    above = np.exp(log_tail(rows, np.ceil(total - 1e-9), gain, loss))[0]
    below = np.exp(log_tail(rows, np.ceil(-total - 1e-9), loss, gain))[0]
    if mode == "fp-free":
        return above * (truth <= 1e-12), below * (truth >= 2 * tolerance - 1e-12)
    return below * (truth >= -1e-12), above * (truth <= -2 * tolerance + 1e-12)


@pytest.mark.parametrize("mode", ["fp-free", "fn-free"])
@pytest.mark.parametrize("bar", ["n > 0.8", "o > 0.8", "n > 0.8 +/- 0.02 and o > 0.75"])
def test_models_that_are_seldom_wrong_differ_seldom(mode, bar):
    condition = parse(f"n - o > 0 +/- 0.05 and {bar} +/- 0.02")
    promise = Promise(reliability=0.999, mode=mode)
    rows = plan(condition, promise).method("exact").clauses[0].rows
    assert rows < 0.7 * labels("n - o > 0 +/- 0.05", promise=promise)
    # Every pair of models that the other clauses do not give away by themselves: wrong on no more rows than they allow.
    wrong = {clause.variables[0].model: 1.0 - clause.threshold for clause in condition.clauses[1:]}
    worst = 0.0
    for difference, both in itertools.product((-0.2, -0.1, 0.0, 0.1, 0.2), np.linspace(0.0, 0.5, 101)):
        gain, loss = both + max(difference, 0.0), both + max(-difference, 0.0)
        for far, error in enumerate(difference_errors(rows, mode, (gain, loss), 0.05)):
            # a refusal by a clause that is no more than unknown is no fault of a mode that passes what is unknown
            room = 0.04 * (far and mode == "fn-free") + 1e-9
            if gain <= wrong.get("o", 1.0) + room and loss <= wrong.get("n", 1.0) + room and gain + loss <= 1.0:
                worst = max(worst, error)
    q = math.exp(-promise.log_tests)
    assert 0.1 * q < worst <= q


def test_a_gain_that_the_other_clause_rules_out_still_needs_rows():
    # o > 0.95 leaves 5 % to gain: 20 % is far, but one row may show it
    rows = labels("n - o > 0.2 +/- 0.02 and o > 0.95 +/- 0.02")
    assert 50 < rows < 0.1 * labels("n - o > 0.2 +/- 0.02")


@pytest.mark.parametrize("text", ["n - o > 0.02 +/- 0.03", "n - 1.1*o > -0.05 +/- 0.03"])
def test_a_larger_share_that_may_differ_never_needs_fewer_labels(text):
    shares = [0.01, 0.05, 0.051, 0.1, 0.2, 0.4, 0.5, 0.51, 0.7, 0.9, 1.0]
    sizes = [labels(text, facts=Facts(difference=share)) for share in shares]
    assert sizes == sorted(sizes)
    assert sizes[-1] == labels(text)


def test_a_measured_difference_is_bounded_with_half_of_delta():
    promise = Promise(reliability=0.99)
    found = plan(parse("n - o > 0.02 +/- 0.02"), promise, Facts(measured_difference=(0.05, 2000)))
    p = stats.beta.isf(0.005, 101, 1900)
    ratio = 0.02 / p
    expected = math.log(4 / 0.01) / (p * ((1 + ratio) * math.log(1 + ratio) - ratio))
    assert found.method("implicit_variance").labels == math.ceil(expected)


def test_only_rows_on_which_the_models_differ_need_labels():
    found = plan(parse("n - o > 0.02 +/- 0.01"), PROMISE, Facts(difference=0.1))
    exact, active = found.method("exact"), found.method("active")
    assert found.best is active
    assert active.rows == exact.rows
    assert active.labels == math.ceil(exact.rows / 10)
    assert f"99 times in 100 at most {stats.binom.ppf(0.99, exact.rows, 0.1):.0f}" in active.assumption
    assert active.cost(0.5) == active.labels / 2


def test_a_clause_that_needs_all_labels_keeps_them_where_the_other_spares_them():
    found = plan(parse("n - o > 0.02 +/- 0.01 and n > 0.8 +/- 0.05"), PROMISE, Facts(difference=0.1))
    (more, fewer), active = found.method("exact").clauses, found.method("active")
    assert active.labels == fewer.rows + math.ceil((more.rows - fewer.rows) / 10)


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("n.recall > 0.7 +/- 0.05", "label = 1"),
        ("n.recall[borough = Queens] - o.recall[borough = Queens] > 0 +/- 0.05", "label = 1, borough = Queens"),
        ("n.f1 > 0.7 +/- 0.05", "label = 1 or n predicts 1"),
        ("n > 0.7 +/- 0.05", ""),
    ],
)
def test_a_clause_about_a_subset_says_which_rows_it_needs(text, about):
    (need,) = plan(parse(text), PROMISE, Facts(difference=0.1)).best.clauses
    assert need.about == about


def test_a_bound_on_all_rows_says_nothing_of_a_subset():
    text = "n.recall - o.recall > 0.02 +/- 0.02"
    assert labels(text) == labels(text, facts=Facts(difference=0.1))
    assert not plan(parse(text), PROMISE, Facts(difference=0.1)).method("active").available
    clause = "d[borough = Queens] < 0.1 +/- 0.02"
    assert labels(f"n - o > 0.02 +/- 0.02 and {clause}") > 4 * labels(
        f"n[borough = Queens] - o[borough = Queens] > 0.02 +/- 0.02 and {clause}"
    )


def test_needs_of_different_subsets_add_up():
    worst = parse("n[worst borough] > 0.7 +/- 0.05")
    with pytest.raises(InputError, match="Expand"):
        plan(worst, PROMISE)
    slices = expand(worst, {"borough": ["Bronx", "Queens", "Brooklyn"]})
    found = plan(slices, PROMISE).best
    assert found.labels == sum(need.labels for need in found.clauses) == 3 * found.clauses[0].labels


def test_two_precisions_are_about_two_subsets():
    (need,) = plan(parse("n.precision - o.precision > 0 +/- 0.1"), PROMISE).method("hoeffding").clauses
    assert need.about == "n predicts 1; o predicts 1"
    assert need.labels == 2 * math.ceil(0.5 * (2 / 0.1) ** 2 * (PROMISE.log_tests + math.log(2)))


def test_an_f1_is_a_share_seen_through_a_curve():
    # f1 = 2J / (1 + J): 0.6 +/- 0.05 is J between 0.55 / 1.45 and 0.65 / 1.35, and far off 0.7 / 1.3
    log_tests = PROMISE.log_tests
    near = binomial.rows_at(End(truth=0.6 / 1.4, limit=0.65 / 1.35, log_tests=log_tests))
    far = binomial.rows_at(End(truth=0.7 / 1.3, limit=0.65 / 1.35, log_tests=log_tests))
    assert labels("n.f1 > 0.6 +/- 0.05") == max(near, far)
    assert labels("n.f1 > 0.6 +/- 0.05", "hoeffding") == math.ceil(4 * log_tests / (2 * 0.05**2))


def test_a_loss_is_not_taken_for_a_share():
    at = parse("n.brier < 0.1 +/- 0.02"), parse("n < 0.1 +/- 0.02")
    loss, share = (plan(condition, PROMISE).method("exact").labels for condition in at)
    assert plan(at[1], PROMISE).method("chernoff").labels > loss > share


def test_a_coarse_look_bounds_the_variance_of_a_high_accuracy():
    found = plan(parse("n > 0.95 +/- 0.01"), PROMISE)
    exact, coarse, hoeffding = (found.method(name).labels for name in ("exact", "coarse_to_fine", "hoeffding"))
    assert exact < coarse < 0.5 * hoeffding
    assert not plan(parse("n > 0.5 +/- 0.01"), PROMISE).method("coarse_to_fine").available


def test_a_clause_on_d_alone_needs_no_labels():
    found = plan(parse("d < 0.1 +/- 0.02"), PROMISE).best
    assert (found.labels, found.unlabelled) == (0, found.rows)


def test_a_condition_that_no_data_can_meet_is_pointed_out():
    (warning,) = plan(parse("n > 0.99 +/- 0.2"), PROMISE).warnings
    assert "never opens" in warning
    assert plan(parse("n - o > 0.02 +/- 0.02"), PROMISE).warnings == ()
    (warning,) = plan(parse("n > 0.1 +/- 0.2"), Promise(reliability=0.99, mode="fn-free")).warnings
    assert "refuses nothing" in warning


def test_five_thousand_steps_seen_by_the_builders_do_not_underflow():
    promise = Promise(reliability=0.95, steps=5000, adaptivity="full")
    found = plan(parse("n - o > 0.02 +/- 0.05 and n > 0.9 +/- 0.05"), promise, Facts(difference=0.1))
    assert 10_000 < found.best.labels < found.method("exact").labels < 0.2 * found.method("hoeffding").labels


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"difference": 0.0}, "bound"),
        ({"measured_difference": (1.2, 10)}, "measured"),
        ({"measured_difference": (0.2, 0)}, "measured"),
    ],
)
def test_facts_that_cannot_be_are_refused(facts, words):
    with pytest.raises(InputError, match=words):
        Facts(**facts)


def test_what_no_method_could_serve_is_refused():
    with pytest.raises(InputError, match="too small"):
        plan(parse("n > 0.5 +/- 1e-300"), PROMISE)
    with pytest.raises(InputError, match="a method is one of hoeffding"):
        plan(parse("n > 0.5 +/- 0.1"), PROMISE).method("bayes")
