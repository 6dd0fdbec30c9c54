"""A challenger by each recipe: which rows it is fitted on, and which it is accepted on."""

import numpy as np
import pytest

from upkeep.core.retrain.backtest.policy import Recipe
from upkeep.core.retrain.backtest.stream import LabelledStream, windows_by_rows
from upkeep.core.retrain.backtest.training import TrainingRule, train

ROWS, LABELLED = 3_000, 800
EVERYTHING = Recipe(name="full", since=np.datetime64(0, "us"))
RULE = TrainingRule(windows=8, holdout_share=0.3, min_labelled=100)


def majority(table, labels, weights):
    share = np.average(labels, weights=weights)
    return lambda rows: np.full(len(rows["x"]), share)


def late_from(row, *, but=()):
    """Labels come at once up to a row, and after it never; `but` names later rows whose labels come."""
    comes = (np.arange(ROWS) < row) | np.isin(np.arange(ROWS), but)
    when = np.datetime64("2024-01-01", "us") + np.arange(ROWS) * np.timedelta64(1, "h")
    return LabelledStream.of({"x": np.arange(float(ROWS))}, np.arange(ROWS) % 2, when, np.where(comes, 0.0, np.inf))


def trained(stream, recipes):
    return train(stream, windows_by_rows(stream, 100)[:20], recipes, majority, rule=RULE, version=2)


@pytest.mark.parametrize("but", [(), (1_999,)])
def test_labels_that_became_late_leave_as_many_held_out_rows_as_a_rule_with_the_fewest(but):
    model, recipe = trained(late_from(LABELLED, but=but), (Recipe(), EVERYTHING))

    assert recipe.name == "full"  # the last windows hold too few labels for the rule
    assert len(model.held_out) == 30
    assert len(model.fitted) == LABELLED + len(but) - 30
    assert model.fitted.max() < model.held_out.min()


def test_too_few_labels_of_all_train_nothing():
    assert trained(late_from(RULE.min_labelled - 1), (Recipe(), EVERYTHING)) is None
