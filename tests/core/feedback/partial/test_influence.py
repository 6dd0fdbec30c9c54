import numpy as np
import pytest

from upkeep.core.feedback.metrics.binary import binary_metrics
from upkeep.core.feedback.metrics.multiclass import multiclass_metrics
from upkeep.core.feedback.partial.influence import binary_influence, multiclass_influence

STEP = 1e-6


def binary_world():
    rng = np.random.default_rng(1)
    return np.round(rng.random(40), 2), np.round(rng.random(40), 1)  # ties among the scores


@pytest.mark.parametrize("row", [0, 7, 33])
def test_slopes_of_two_classes_are_those_of_the_metrics_themselves(row):
    chances, scores = binary_world()
    chances = 0.1 + 0.8 * chances
    influence = binary_influence(chances, scores, 0.5)
    bump = STEP * (np.arange(40) == row)
    above, below = (binary_metrics(chances + sign * bump, scores) for sign in (1, -1))
    heavier, lighter = (binary_metrics(chances, scores, weights=1 + sign * bump) for sign in (1, -1))
    for name, of in influence.items():
        assert of.chance[row, 1] == pytest.approx((above[name] - below[name]) / (2 * STEP), abs=1e-6), name
        if name != "roc_auc":
            assert of.weight[row] == pytest.approx((heavier[name] - lighter[name]) / (2 * STEP), abs=1e-6), name


def test_the_area_moves_with_the_weight_of_a_known_row_as_the_metric_does():
    scores = np.round(np.random.default_rng(2).random(30), 1)
    labels = (np.arange(30) % 3 == 0).astype(float)
    influence = binary_influence(labels, scores, 0.5)["roc_auc"]
    for row in (0, 1, 17):
        bump = STEP * (np.arange(30) == row)
        up, down = (binary_metrics(labels, scores, weights=1 + s * bump)["roc_auc"] for s in (1, -1))
        assert influence.weight[row] == pytest.approx((up - down) / (2 * STEP), abs=1e-6)


def test_slopes_of_several_classes_are_those_of_the_metrics_themselves():
    rng = np.random.default_rng(3)
    chances, scores = rng.dirichlet(np.ones(3), 30), rng.dirichlet(np.ones(3), 30)
    influence = multiclass_influence(chances, scores)
    for row in (0, 11):
        bump = np.zeros((30, 3))
        bump[row] = [STEP, -STEP, 0.0]
        up, down = multiclass_metrics(chances + bump, scores), multiclass_metrics(chances - bump, scores)
        for name, of in influence.items():
            slope = of.chance[row, 0] - of.chance[row, 1]
            assert slope == pytest.approx((up[name] - down[name]) / (2 * STEP), abs=1e-6), name


def test_where_a_metric_is_not_defined_nothing_moves_it():
    influence = binary_influence(np.zeros(5), np.full(5, 0.1), 0.5)
    assert not influence["precision"].chance.any()
    assert not influence["roc_auc"].chance.any()
