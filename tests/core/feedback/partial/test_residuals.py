import numpy as np
import pytest

from upkeep.core.feedback.delay.model import DelayModel
from upkeep.core.feedback.estimate.reference import EstimateReference
from upkeep.core.feedback.partial.beginning import begin
from upkeep.core.feedback.partial.performance import estimate_performance


def rows(rng, count, noise=1.0, bias=0.0):
    predicted = rng.normal(10, 3, count)
    return predicted, predicted - bias - noise * rng.normal(size=count)


@pytest.fixture(scope="module")
def reference():
    return EstimateReference.fit({}, *rows(np.random.default_rng(1), 3_000), kind="regression")


def test_some_labels_tell_that_errors_have_grown(reference):
    rng = np.random.default_rng(2)
    predicted, target = rows(rng, 3_000, noise=2.0, bias=0.5)
    seen = np.where(rng.random(3_000) < 0.1, target, np.nan)
    found = estimate_performance(reference, {}, predicted, seen).metrics
    off = predicted - target
    assert found["mae"].value == pytest.approx(abs(off).mean(), rel=0.08)
    assert found["rmse"].value == pytest.approx(np.sqrt((off**2).mean()), rel=0.08)
    assert found["bias"].low < off.mean() < found["bias"].high


def test_late_buckets_count_by_how_rarely_their_labels_are_in(reference):
    rng = np.random.default_rng(3)
    predicted, target = rows(rng, 4_000)
    age = np.where(np.arange(4_000) % 2, 30.0, 3.0)  # young rows, of which few labels are in, are three times as wrong
    target = np.where(age < 10, predicted + 3 * (target - predicted), target)
    law = DelayModel.fit(rng.exponential(20.0, 4_000), np.zeros(4_000, dtype=bool))
    seen = np.where(rng.exponential(20.0, 4_000) <= age, target, np.nan)
    truth = abs(predicted - target).mean()
    ours = estimate_performance(reference, {}, predicted, seen, age_h=age, delays=law).metrics["mae"].value
    unweighted = estimate_performance(reference, {}, predicted, seen).metrics["mae"].value
    assert abs(ours - truth) < abs(unweighted - truth) / 2


def test_earlier_windows_are_carried(reference):
    rng = np.random.default_rng(4)
    predicted, target = rows(rng, 800, noise=3.0)
    start = begin(reference, {}, predicted)
    carried = estimate_performance(reference, {}, predicted, target, carried=start).carried
    later, unseen = rows(rng, 800, noise=3.0)
    told = estimate_performance(reference, {}, later, np.full(800, np.nan), carried=carried).metrics["mae"]
    assert told.value == pytest.approx(abs(later - unseen).mean(), rel=0.15)
    assert estimate_performance(reference, {}, later, np.full(800, np.nan)).metrics["mae"].value < 1
