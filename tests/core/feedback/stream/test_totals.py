import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from upkeep.core.feedback.metrics.binary import binary_metrics
from upkeep.core.feedback.stream.estimate import Estimate
from upkeep.core.feedback.stream.outcomes import LOSS_UNIT, Outcomes
from upkeep.core.feedback.stream.totals import Totals
from upkeep.errors import InputError


def pairs(rng, rows, weights=1):
    score = rng.random(rows)
    return {
        "score": score,
        "prediction": (score >= 0.5).astype(float),
        "label": (rng.random(rows) < score).astype(float),
        "weight": np.broadcast_to(weights, rows).astype(np.int64),
    }


def test_metrics_of_all_pairs_are_the_plain_ones_with_scores_of_a_bin_tied():
    rows = pairs(np.random.default_rng(1), 3_000)
    found = {name: m.value for name, m in Totals.of_pairs(Outcomes(bins=20), rows).metrics().items()}
    plain = binary_metrics(rows["label"], rows["score"])
    assert {name: plain[name] for name in found if name != "roc_auc"} == pytest.approx(
        {name: value for name, value in found.items() if name != "roc_auc"}, abs=LOSS_UNIT
    )
    tied = binary_metrics(rows["label"], np.floor(rows["score"] * 20) / 20)
    assert found["roc_auc"] == pytest.approx(tied["roc_auc"], abs=1e-12)
    assert found["roc_auc"] == pytest.approx(plain["roc_auc"], abs=0.002)


def test_several_classes_are_averaged_as_scikit_learn_does():
    rng = np.random.default_rng(2)
    label, prediction = rng.integers(0, 4, 500), rng.integers(0, 4, 500)
    prediction[prediction == 3] = 0  # a class that is never predicted has no precision
    rows = {
        "label": label.astype(float),
        "prediction": prediction.astype(float),
        "weight": np.ones(500, dtype=np.int64),
    }
    found = Totals.of_pairs(Outcomes(kind="multiclass", classes=4), rows).metrics()
    kinds = {"precision": precision_score, "recall": recall_score, "f1": f1_score}
    for name, score in kinds.items():
        assert found[name].value == pytest.approx(score(label, prediction, average="macro", zero_division=np.nan))


@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_standard_errors_of_all_metrics_are_the_spread_of_repeated_samples(kind):
    """1,200 samples in which rows count for 1, 3 or 6: kept with chance 1, 1/3 or 1/6."""
    rng = np.random.default_rng(4)
    outcomes = Outcomes(kind=kind, bins=16, unit=0.001)
    rows = pairs(rng, 2_000, rng.choice([1, 3, 6], 2_000))
    if kind == "regression":
        rows["prediction"] = rows["label"] + rng.normal(0.3, 1, 2_000)
    truth = Totals.of_pairs(outcomes, rows | {"weight": np.ones(2_000, dtype=np.int64)})
    drawn = []
    for _ in range(1_200):
        kept = rng.random(2_000) * rows["weight"] < 1
        totals = Totals.of_pairs(outcomes, {name: values[kept] for name, values in rows.items()})
        drawn.append({"pairs": totals.pairs, "loss": totals.loss(outcomes.losses[1])} | totals.metrics())
    exact = {"pairs": truth.pairs, "loss": truth.loss(outcomes.losses[1])} | truth.metrics()
    for name, metric in exact.items():
        values, errors = (np.array([getattr(found[name], part) for found in drawn]) for part in ("value", "error"))
        assert values.mean() == pytest.approx(metric.value, abs=0.25 * values.std()), name
        assert np.sqrt((errors**2).mean()) == pytest.approx(values.std(), rel=0.1), name
        covered = np.mean(np.abs(values - metric.value) <= 1.96 * errors)
        assert 0.92 < covered < 0.975, name


def test_an_interval_needs_an_alpha_and_is_a_point_while_nothing_is_sampled():
    assert Estimate(value=3.0, error=0.0).interval() == (3.0, 3.0)
    with pytest.raises(InputError, match="alpha"):
        Estimate(value=3.0, error=1.0).interval(95)
