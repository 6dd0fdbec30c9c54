import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from upkeep.core.feedback.metrics.binary import binary_metrics
from upkeep.core.feedback.metrics.multiclass import multiclass_metrics
from upkeep.core.feedback.metrics.ranking import expected_roc_auc
from upkeep.core.feedback.metrics.regression import regression_metrics
from upkeep.errors import InputError


def rows_of(seed, rows, classes=2):
    """Scores rounded so that many are tied, labels, and weights of which some are 0."""
    rng = np.random.default_rng(seed)
    scores = np.round(rng.dirichlet(np.ones(classes), rows), 1)
    scores /= scores.sum(axis=1, keepdims=True)
    return scores, rng.integers(0, classes, rows), rng.integers(0, 4, rows).astype(float)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("weighted", [False, True])
def test_known_labels_give_scikit_learns_binary_metrics(seed, weighted):
    rng = np.random.default_rng([1, seed])
    scores = np.round(rng.random(60), 1)
    labels = np.concatenate([[0, 1], rng.integers(0, 2, 58)])
    weights = np.concatenate([[1.0, 1.0], rng.integers(0, 4, 58)]) if weighted else None
    found = binary_metrics(labels.astype(float), scores, threshold=0.4, weights=weights)
    predicted = scores >= 0.4
    assert found == pytest.approx(
        {
            "accuracy": oracle.accuracy_score(labels, predicted, sample_weight=weights),
            "precision": oracle.precision_score(labels, predicted, sample_weight=weights),
            "recall": oracle.recall_score(labels, predicted, sample_weight=weights),
            "f1": oracle.f1_score(labels, predicted, sample_weight=weights),
            "roc_auc": oracle.roc_auc_score(labels, scores, sample_weight=weights),
            "log_loss": oracle.log_loss(labels, scores, sample_weight=weights),
            "brier": oracle.brier_score_loss(labels, scores, sample_weight=weights),
        },
        abs=1e-12,
    )


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("weighted", [False, True])
def test_known_labels_give_scikit_learns_multiclass_metrics(seed, weighted):
    scores, labels, weights = rows_of(seed, 200, classes=4)
    given_weights = weights if weighted else None
    chances = np.eye(4)[labels]
    found = multiclass_metrics(chances, scores, weights=given_weights)
    predicted = scores.argmax(axis=1)
    shared = {"average": "macro", "sample_weight": given_weights, "zero_division": np.nan}
    areas = [oracle.roc_auc_score(chances[:, k], scores[:, k], sample_weight=given_weights) for k in range(4)]
    assert found == pytest.approx(
        {
            "accuracy": oracle.accuracy_score(labels, predicted, sample_weight=given_weights),
            "precision": oracle.precision_score(labels, predicted, **shared),
            "recall": oracle.recall_score(labels, predicted, **shared),
            "f1": oracle.f1_score(labels, predicted, **shared),
            "roc_auc": np.mean(areas),
            "log_loss": oracle.log_loss(labels, scores, sample_weight=given_weights),
            "brier": oracle.brier_score_loss(labels, scores, sample_weight=given_weights, scale_by_half=False),
        },
        abs=1e-12,
    )


def test_two_classes_as_columns_agree_with_one_column_of_chances():
    chances, scores = np.random.default_rng(3).random((2, 50))
    one = binary_metrics(chances, scores)
    two = multiclass_metrics(np.stack([1 - chances, chances], axis=1), np.stack([1 - scores, scores], axis=1))
    assert two["accuracy"] == pytest.approx(one["accuracy"], abs=1e-12)
    assert two["log_loss"] == pytest.approx(one["log_loss"], abs=1e-12)
    assert two["roc_auc"] == pytest.approx(one["roc_auc"], abs=1e-12)
    assert two["brier"] == pytest.approx(2 * one["brier"], abs=1e-12)


def test_area_by_hand():
    # Three rows .9 (1/2), .5 (1/2), .1 (1/2): each of 3 unordered pairs is a pair with chance 1/2 and in order with 1/4.
    assert expected_roc_auc(np.full(3, 0.5), np.array([0.9, 0.5, 0.1])) == pytest.approx(0.5)
    # .9 (.8) above .1 (.3): in order .8 x .7 = .56, the other way round .3 x .2 = .06.
    assert expected_roc_auc(np.array([0.8, 0.3]), np.array([0.9, 0.1])) == pytest.approx(0.56 / 0.62)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0.1, 0.5, 0.5, 0.9])), min_size=2, max_size=12))
def test_area_is_the_sum_over_all_pairs(rows):
    chances, scores = np.array(rows).T
    pair = chances[:, None] * (1 - chances[None, :])
    np.fill_diagonal(pair, 0)
    in_order = (scores[:, None] > scores[None, :]) + 0.5 * (scores[:, None] == scores[None, :])
    found = expected_roc_auc(chances, scores)
    if pair.sum() > 1e-6:
        assert found == pytest.approx((pair * in_order).sum() / pair.sum(), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_means_are_expected_values_over_labels_drawn_by_their_chances(seed, rows):
    rng = np.random.default_rng(seed)
    chances, scores = rng.random((2, rows))
    found = binary_metrics(chances, scores)
    both = [
        binary_metrics(np.full(rows, label), scores, weights=w) for label, w in ((1.0, chances), (0.0, 1 - chances))
    ]
    share = chances.mean()
    for name in ("accuracy", "log_loss", "brier"):
        assert found[name] == pytest.approx(share * both[0][name] + (1 - share) * both[1][name], abs=1e-12)
    assert all(0 <= found[name] <= 1 for name in ("accuracy", "recall", "brier"))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_whole_weights_are_repeated_rows(seed):
    scores, _, weights = rows_of(seed, 30, classes=3)
    chances = np.random.default_rng(seed).dirichlet(np.ones(3), 30)
    if not weights.any():
        return
    again = np.repeat(np.arange(30), weights.astype(int))
    weighted = multiclass_metrics(chances, scores, weights=weights)
    repeated = multiclass_metrics(chances[again], scores[again])
    for name in set(weighted) - {"roc_auc"}:  # a row is not paired with itself, but with its copies
        assert weighted[name] == pytest.approx(repeated[name], abs=1e-12, nan_ok=True)


def test_what_is_not_defined_is_nan():
    found = binary_metrics(np.zeros(3), np.full(3, 0.1))
    assert found["accuracy"] == 1
    assert all(math.isnan(found[name]) for name in ("precision", "recall", "f1", "roc_auc"))
    assert all(math.isnan(value) for value in binary_metrics(np.empty(0), np.empty(0)).values())
    assert all(math.isnan(value) for value in multiclass_metrics(np.empty((0, 3)), np.empty((0, 3))).values())
    assert all(math.isnan(v) for v in regression_metrics(np.empty(0), np.empty(0), np.empty(0)).values())


@pytest.mark.parametrize("seed", range(5))
def test_known_residuals_give_scikit_learns_regression_metrics(seed):
    truth, predicted, weights = np.random.default_rng(seed).random((3, 40))
    residual = predicted - truth
    found = regression_metrics(residual, abs(residual), residual**2, weights=weights)
    assert found["mae"] == pytest.approx(oracle.mean_absolute_error(truth, predicted, sample_weight=weights), abs=1e-12)
    rmse = oracle.root_mean_squared_error(truth, predicted, sample_weight=weights)
    assert found["rmse"] == pytest.approx(rmse, abs=1e-12)
    assert found["bias"] == pytest.approx(np.average(residual, weights=weights), abs=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: binary_metrics(np.array([np.nan]), np.array([0.5])), "pending"),
        (lambda: binary_metrics(np.array([0.5]), np.array([1.5])), "scores are probabilities"),
        (lambda: binary_metrics(np.array([0.5]), np.array([0.5, 0.5])), "one shape"),
        (lambda: binary_metrics(np.array([0.5]), np.array([0.5]), weights=np.array([-1.0])), "at least 0"),
        (lambda: multiclass_metrics(np.array([[0.5, 0.2]]), np.array([[0.5, 0.5]])), "sum to 1"),
        (lambda: multiclass_metrics(np.eye(2), np.eye(2), predicted=np.array([0, 2])), "numbers of classes"),
        (lambda: regression_metrics(np.zeros(2), -np.ones(2), np.ones(2)), "absolute must be finite and at least 0"),
        (lambda: regression_metrics(np.zeros(2), np.ones(3), np.ones(2)), "one shape"),
    ],
)
def test_what_cannot_be_measured_is_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()
