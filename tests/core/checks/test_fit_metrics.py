import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from upkeep.core.checks.fit_metrics import fit_metrics


@given(st.integers(2, 200), st.integers(0, 10_000))
def test_the_numbers_are_those_of_scikit_learn(rows, seed):
    rng = np.random.default_rng(seed)
    label = np.r_[0, 1, rng.integers(0, 2, rows)]
    score = rng.random(rows + 2).round(2)
    predicted = score >= 0.5
    ours = fit_metrics(label, score, 0.5)
    theirs = {
        "accuracy": metrics.accuracy_score(label, predicted),
        "precision": metrics.precision_score(label, predicted, zero_division=0),
        "recall": metrics.recall_score(label, predicted),
        "f1": metrics.f1_score(label, predicted, zero_division=0),
        "roc_auc": metrics.roc_auc_score(label, score),
        "brier": metrics.brier_score_loss(label, score),
        "log_loss": metrics.log_loss(label, np.clip(score, 1e-15, 1 - 1e-15)),
    }
    assert ours == pytest.approx(theirs)


def test_certain_and_wrong_stays_finite():
    assert np.isfinite(fit_metrics(np.array([0, 1]), np.array([1.0, 0.0]), 0.5)["log_loss"])
