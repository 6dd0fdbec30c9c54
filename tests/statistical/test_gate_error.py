"""The gate's promise: whatever the truth, a wrong verdict has at most the probability 1 - reliability."""

import numpy as np
import pytest

from upkeep.core.gate.condition import parse
from upkeep.core.gate.sample_size import required_labels
from upkeep.core.gate.verdict import evaluate

pytestmark = pytest.mark.slow
DELTA = 0.05


def passes(condition, mode, **rates):
    left = [sum(factor * rates[v.model] for v, factor in clause.weights) for clause in condition.clauses]
    return evaluate(condition, left, mode).passed


def pass_rate(condition, draws, mode):
    return np.mean([passes(condition, mode, n=n, o=o, d=d) for n, o, d in draws])


def one_model(rng, accuracy, rows, repeats=20_000):
    return [(n, None, None) for n in rng.binomial(rows, accuracy, repeats) / rows]


def two_models(rng, new_better, old_better, rows, repeats=20_000):
    """Accuracies when a share of rows is right under the new model alone, and a share under the old alone."""
    both = 1 - new_better - old_better
    counts = rng.multinomial(rows, [new_better, old_better, both * 0.8, both * 0.2], repeats) / rows
    return [(row[0] + row[2], row[1] + row[2], row[0] + row[1]) for row in counts]


@pytest.mark.parametrize("accuracy", [0.60, 0.75, 0.80])
def test_a_model_below_the_bar_passes_with_at_most_the_agreed_probability(accuracy):
    condition = parse("n > 0.8 +/- 0.05")
    rows = required_labels(condition, reliability=1 - DELTA)
    draws = one_model(np.random.default_rng(1), accuracy, rows)
    assert pass_rate(condition, draws, "fp-free") <= DELTA


def test_negative_control_a_plain_comparison_breaks_the_promise():
    rows = required_labels(parse("n > 0.8 +/- 0.05"), reliability=1 - DELTA)
    draws = one_model(np.random.default_rng(1), 0.80, rows)
    assert np.mean([n > 0.8 for n, _, _ in draws]) > 5 * DELTA


def test_a_model_above_the_bar_is_held_up_with_at_most_the_agreed_probability():
    condition = parse("n > 0.8 +/- 0.05")
    rows = required_labels(condition, reliability=1 - DELTA)
    draws = one_model(np.random.default_rng(2), 0.81, rows)
    assert 1 - pass_rate(condition, draws, "fn-free") <= DELTA
    # The control: the strict mode, asked the same, holds this good model up nearly always.
    assert 1 - pass_rate(condition, draws, "fp-free") > 0.5


def test_a_clearly_better_model_does_pass():
    condition = parse("n > 0.8 +/- 0.05")
    draws = one_model(np.random.default_rng(3), 0.92, required_labels(condition, reliability=1 - DELTA))
    assert pass_rate(condition, draws, "fp-free") > 0.95


@pytest.mark.parametrize(("new_better", "old_better"), [(0.05, 0.03), (0.30, 0.28), (0.02, 0.10)])
def test_a_challenger_without_the_gain_passes_with_at_most_the_agreed_probability(new_better, old_better):
    condition = parse("n - o > 0.02 +/- 0.03 and d < 0.7 +/- 0.05")
    rows = required_labels(condition, reliability=1 - DELTA)
    draws = two_models(np.random.default_rng(4), new_better, old_better, rows)
    assert pass_rate(condition, draws, "fp-free") <= DELTA
    if new_better - old_better == pytest.approx(0.02):  # the control, where the gain is just not there
        assert np.mean([n - o > 0.02 for n, o, _ in draws]) > 5 * DELTA


def test_builders_who_see_every_verdict_cannot_climb_over_the_bar():
    """32 candidates, all exactly at the bar, on one test set: the promise is about the set's whole life."""
    condition = parse("n > 0.8 +/- 0.05")
    rows = required_labels(condition, reliability=1 - DELTA, steps=32, adaptivity="full")
    rng = np.random.default_rng(5)
    lives = rng.binomial(rows, 0.8, (2_000, 32)) / rows
    any_pass = [any(passes(condition, "fp-free", n=n) for n in life) for life in lives]
    assert np.mean(any_pass) <= DELTA
    assert np.mean((lives > 0.8).any(axis=1)) > 0.99  # the control


def test_the_best_of_many_tries_on_the_holdout_keeps_the_promise_only_if_each_try_is_counted():
    """200 models at the bar, all measured, the best one sent to the gate."""
    condition = parse("n > 0.5 +/- 0.05")
    rng = np.random.default_rng(6)
    rates = {}
    for steps in (1, 200):
        rows = required_labels(condition, reliability=1 - DELTA, steps=steps)
        best = rng.binomial(rows, 0.5, (2_000, 200)).max(axis=1) / rows
        rates[steps] = pass_rate(condition, [(n, None, None) for n in best], "fp-free")
    assert rates[200] <= DELTA
    assert rates[1] > 5 * DELTA  # the control: counted as one try
