"""Over a test set's whole life a wrong answer has at most the probability δ, against a developer who builds on every answer."""

import math

import numpy as np
import pytest
from benchmarks.gate_lives import (
    ACCURACY,
    ADAPTIVITIES,
    FINE,
    METHODS,
    MODES,
    PAIRS,
    attacked,
    fixed,
    plain,
    rows_needed,
    sequential,
    wrong_lives,
)
from scipy.stats import beta

from upkeep.core.gate.anytime import anytime
from upkeep.core.gate.condition import parse
from upkeep.core.gate.plan import plan
from upkeep.core.gate.promise import Promise
from upkeep.core.gate.verdict import evaluate

pytestmark = pytest.mark.slow
DELTA, STEPS = 0.1, 8
#: Lives are cheap, and the rate close to δ, where builders see nothing.
LIVES = {"none": 50_000, "firstChange": 25_000, "releases": 4_000, "full": 4_000}


def promised(mode, adaptivity, releases=0, steps=STEPS):
    return Promise(reliability=1 - DELTA, steps=steps, adaptivity=adaptivity, releases=releases, mode=mode)


def upper(wrong, lives):
    """Above the true rate but for one time in a thousand."""
    return beta.ppf(0.999, wrong + 1, lives - wrong)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("method", "question"), [(m, q) for m, q in METHODS if not q.measured_on])
def test_a_developer_who_builds_on_every_answer_gets_a_wrong_one_in_at_most_delta_of_all_lives(mode, method, question):
    for number, (adaptivity, releases) in enumerate(ADAPTIVITIES):
        promise, lives = promised(mode, adaptivity, releases), LIVES[adaptivity]
        if rows_needed(method, question, promise)[0] > 400:
            lives //= 8  # inequalities, far from their limit
        rng = np.random.default_rng([1, number])
        assert upper(attacked(rng, method, question, promise, lives), lives) <= DELTA, adaptivity


@pytest.mark.parametrize(("method", "question"), [(m, q) for m, q in METHODS if q.measured_on])
def test_a_share_that_was_measured_may_decide_on_the_rows(method, question):
    promise = promised("fp-free", "none")
    assert upper(attacked(np.random.default_rng(2), method, question, promise, 20_000), 20_000) <= DELTA


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("adaptivity", "releases"), ADAPTIVITIES)
@pytest.mark.parametrize("question", [ACCURACY, PAIRS], ids=["accuracy", "pairs"])
def test_negative_control_a_plain_comparison_errs_in_most_lives(mode, adaptivity, releases, question):
    promise = promised(mode, adaptivity, releases)
    rows, lives = rows_needed("exact", question, promise)[0], 1_000
    rng = np.random.default_rng(3)
    wrong = wrong_lives(
        rng, promise, question.world, plain(question.world), rows=rows, tolerance=question.tolerance, lives=lives
    )
    assert wrong / lives > 3 * DELTA


@pytest.mark.parametrize("mode", ["fp-free", "fn-free"])
@pytest.mark.parametrize(("method", "question"), [("exact", ACCURACY), ("anytime", ACCURACY), ("exact", FINE)])
def test_negative_control_rows_for_answers_that_nobody_sees_are_too_few_if_builders_see_them(mode, method, question):
    seen, unseen = promised(mode, "full", steps=32), promised(mode, "none", steps=32)
    lives = 1_000
    rng = np.random.default_rng(4)
    assert attacked(rng, method, question, seen, lives, sized=unseen) / lives > 2 * DELTA
    assert upper(attacked(rng, method, question, seen, lives), lives) <= DELTA


def test_two_clauses_that_both_hold_are_refused_in_at_most_delta_of_all_lives():
    """The refusal may be any clause's fault, so each gets its part of δ."""
    condition = parse("n > 0.8 +/- 0.05 and o > 0.8 +/- 0.05 and d < 0.4 +/- 0.05")
    promise = promised("fn-free", "none", steps=1)
    rng, lives = np.random.default_rng(5), 200_000
    rows = {str(need.clause): need.rows for need in plan(condition, promise).method("exact").clauses}
    right = [rng.binomial(rows[str(clause)], 0.8, lives) / rows[str(clause)] for clause in condition.clauses[:2]]
    apart = rng.binomial(rows[str(condition.clauses[2])], 0.4, lives) / rows[str(condition.clauses[2])]
    refused = (right[0] + 0.05 < 0.8) | (right[1] + 0.05 < 0.8) | (apart - 0.05 > 0.4)
    assert upper(refused.sum(), lives) <= DELTA
    # The control: planned one by one, each with all of δ.
    alone = plan(parse("n > 0.8 +/- 0.05"), promise).method("exact").rows
    few = rng.binomial(alone, 0.8, (2, lives)) / alone
    below = plan(parse("d < 0.4 +/- 0.05"), promise).method("exact").rows
    apart = rng.binomial(below, 0.4, lives) / below
    assert ((few + 0.05 < 0.8).any(axis=0) | (apart - 0.05 > 0.4)).mean() > 1.5 * DELTA


@pytest.mark.parametrize("method", ["hoeffding", "paired", "hierarchical", "chernoff", "exact", "active"])
@pytest.mark.parametrize("differing", [0.02, 0.1, 0.4, 0.69])
def test_a_gain_that_is_just_not_there_passes_at_most_as_often_as_agreed_however_many_rows_differ(method, differing):
    condition = parse("n - o > 0.02 +/- 0.05 and d < 0.7 +/- 0.05")
    rows = plan(condition, promised("fp-free", "none", steps=1)).method(method).clauses[0].rows
    rng, lives = np.random.default_rng(6), 200_000
    gains = rng.multinomial(rows, [(differing + 0.02) / 2, (differing - 0.02) / 2, 1 - differing], lives)
    left = (gains[:, 0] - gains[:, 1]) / rows
    assert upper((left - 0.05 > 0.02).sum(), lives) <= DELTA
    assert (
        left > 0.02
    ).mean() > 4 * DELTA or differing == 0.02  # the control: there it is a gain of 0.02 with no doubt


def test_the_best_of_many_tries_on_the_test_set_keeps_the_promise_only_if_each_try_is_counted():
    """200 models at the bar, all measured, the best one sent to the gate."""
    condition, rng, lives = parse("n > 0.5 +/- 0.05"), np.random.default_rng(7), 20_000
    rates = {}
    for steps in (1, 200):
        rows = plan(condition, promised("fp-free", "none", steps=steps)).method("exact").rows
        best = rng.binomial(rows, 0.5, (lives, 200)).max(axis=1) / rows
        rates[steps] = (best - 0.05 > 0.5).sum()
    assert upper(rates[200], lives) <= DELTA
    assert rates[1] / lives > 5 * DELTA  # the control: counted as one try


def test_a_model_two_tolerances_better_passes_nearly_always():
    promise = promised("fp-free", "none", steps=1)
    rows = plan(parse("n > 0.8 +/- 0.05"), promise).method("exact").rows
    estimates = np.random.default_rng(8).binomial(rows, 0.9, 50_000) / rows
    assert (estimates - 0.05 > 0.8).mean() >= 1 - DELTA


def test_the_judges_of_the_lives_are_the_rules_of_the_gate():
    rng, rows, log_tests = np.random.default_rng(9), 400, math.log(40)
    values = (rng.random((60, rows)) < rng.uniform(0.2, 0.8, (60, 1))).astype(np.int8)
    truths = {"true": 1, "false": -1, "unknown": 0}
    by_rule = fixed(ACCURACY.world, 0.1)(values, 1)
    by_stream = sequential(0.1, log_tests, rows)(values, 1)
    test = {"span": (0.0, 1.0), "threshold": 0.5, "comparison": ">", "tolerance": 0.1, "log_tests": log_tests}
    for row, rule, stream in zip(values, by_rule, by_stream, strict=True):
        assert truths[evaluate(parse(ACCURACY.text), [row.mean()], "fp-free").truth] == rule
        assert truths[anytime(row, **test).truth] == stream
    assert len(set(by_stream)) == 3
