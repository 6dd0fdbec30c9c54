import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upkeep.core.feedback.delay.model import DelayModel
from upkeep.core.feedback.estimate.reference import EstimateReference
from upkeep.core.feedback.intervals import clopper_pearson
from upkeep.core.feedback.metrics.binary import binary_metrics
from upkeep.core.feedback.metrics.multiclass import multiclass_metrics
from upkeep.core.feedback.metrics.regression import regression_metrics
from upkeep.core.feedback.partial.beginning import begin
from upkeep.core.feedback.partial.performance import estimate_performance
from upkeep.core.feedback.partial.shift import Carried
from upkeep.errors import InputError


def binary_rows(rng, rows, flip=0.0):
    scores = rng.random(rows)
    labels = (rng.random(rows) < scores).astype(float)
    return scores, np.where(rng.random(rows) < flip, 1 - labels, labels)


@pytest.fixture(scope="module")
def reference():
    scores, labels = binary_rows(np.random.default_rng(1), 4_000)
    return EstimateReference.fit({}, scores, labels, kind="binary")


@pytest.fixture(scope="module")
def delays():
    rng = np.random.default_rng(2)
    classes = rng.integers(0, 2, 4_000)
    hours = rng.exponential(np.where(classes == 1, 5.0, 40.0))
    return DelayModel.fit(hours, np.zeros(4_000, dtype=bool), classes=classes.astype(float))


def test_with_all_labels_in_every_metric_is_the_plain_one_whatever_was_carried(reference, delays):
    rng = np.random.default_rng(3)
    scores, labels = binary_rows(rng, 700, flip=0.2)
    carried = estimate_performance(reference, {}, *binary_rows(rng, 300, flip=0.4)).carried
    found = estimate_performance(
        reference,
        {},
        scores,
        labels,
        age_h=np.full(700, 3.0),
        delays=delays,
        buckets=np.arange(700) % 3,
        carried=carried,
    )
    for name, plain in binary_metrics(labels, scores).items():
        got = found.metrics[name]
        assert got.value == pytest.approx(plain, abs=1e-12)
        assert got.low == got.high == got.value
        assert got.rate_low < got.value < got.rate_high
    assert found.metrics["accuracy"].assumption == "All labels are in."
    right = int(np.sum((scores >= 0.5) == labels))
    accuracy = found.metrics["accuracy"]
    assert (accuracy.rate_low, accuracy.rate_high) == clopper_pearson(right, 700, 0.05)


def test_with_all_labels_in_several_classes_and_regression_are_plain_as_well():
    rng = np.random.default_rng(4)
    scores = rng.dirichlet(np.ones(3), 500)
    labels = np.array([rng.choice(3, p=p) for p in scores]).astype(float)
    several = EstimateReference.fit({}, scores, labels, kind="multiclass")
    found = estimate_performance(several, {}, scores[:200], labels[:200])
    for name, plain in multiclass_metrics(np.eye(3)[labels[:200].astype(int)], scores[:200]).items():
        assert found.metrics[name].value == pytest.approx(plain, abs=1e-12)
    predicted = rng.normal(size=500)
    target = predicted + rng.normal(size=500)
    regressor = EstimateReference.fit({}, predicted, target, kind="regression")
    got = estimate_performance(regressor, {}, predicted[:200], target[:200]).metrics
    off = (predicted - target)[:200]
    for name, plain in regression_metrics(off, abs(off), off**2).items():
        assert got[name].value == pytest.approx(plain, abs=1e-12)


def test_without_labels_the_chances_are_the_references_own(reference, delays):
    scores, _ = binary_rows(np.random.default_rng(5), 300)
    none = np.full(300, np.nan)
    found = estimate_performance(reference, {}, scores, none, age_h=np.full(300, 9.0), delays=delays)
    np.testing.assert_array_equal(found.chances, reference.chances({}, scores))
    assert "No concept shift" in found.metrics["accuracy"].assumption
    assert found.carried.shifts["label"].windows == 0


def test_the_references_own_error_widens_the_interval_of_a_window_without_labels(reference):
    rng = np.random.default_rng(6)
    few_scores, few_labels = binary_rows(rng, 200)
    few = EstimateReference.fit({}, few_scores, few_labels, kind="binary")
    scores, none = rng.random(2_000), np.full(2_000, np.nan)
    sure = estimate_performance(few, {}, scores, none).metrics["accuracy"]
    wide = estimate_performance(few, {}, scores, none, carried=begin(few, {}, few_scores)).metrics["accuracy"]
    assert wide.value == sure.value
    assert wide.high - wide.low > 2 * (sure.high - sure.low)


def test_a_concept_shift_seen_in_earlier_windows_is_known_in_one_without_labels(reference):
    rng = np.random.default_rng(7)
    carried = None
    for _ in range(3):
        scores, labels = binary_rows(rng, 600, flip=0.4)
        seen = np.where(rng.random(600) < 0.3, labels, np.nan)
        carried = Carried.from_json(
            json.loads(json.dumps(estimate_performance(reference, {}, scores, seen, carried=carried).carried.to_json()))
        )
    scores, labels = binary_rows(rng, 600, flip=0.4)
    truth = np.mean((scores >= 0.5) == labels)
    alone = estimate_performance(reference, {}, scores, np.full(600, np.nan)).metrics["accuracy"]
    told = estimate_performance(reference, {}, scores, np.full(600, np.nan), carried=carried).metrics["accuracy"]
    assert abs(told.value - truth) < 0.07 < 0.15 < abs(alone.value - truth)
    assert told.low <= truth <= told.high
    assert "3 so far" in told.assumption


def test_when_labels_stop_coming_pending_rows_are_not_taken_for_the_late_class(reference, delays):
    rng = np.random.default_rng(8)
    scores, labels = binary_rows(rng, 2_000)
    age = np.full(2_000, 20.0)
    came = rng.random(2_000) < np.where(labels == 1, 1 - np.exp(-4.0), 1 - np.exp(-0.5))
    seen = np.where(came & (rng.random(2_000) < 0.15), labels, np.nan)  # six of seven labels are lost on their way
    found = estimate_performance(reference, {}, scores, seen, age_h=age, delays=delays)
    assert abs(found.metrics["accuracy"].value - np.mean((scores >= 0.5) == labels)) < 0.04
    assert abs(found.chances.mean() - labels.mean()) < 0.06
    assert "another pace" in found.metrics["accuracy"].assumption


def test_what_cannot_be_is_refused_by_name(reference, delays):
    scores, labels = binary_rows(np.random.default_rng(9), 20)
    with pytest.raises(InputError, match="age of each row"):
        estimate_performance(reference, {}, scores, labels, delays=delays)
    with pytest.raises(InputError, match="class from 0 to 1"):
        estimate_performance(reference, {}, scores, labels + 1)
    with pytest.raises(InputError, match="bucket must have one value"):
        estimate_performance(reference, {}, scores, labels, buckets=np.zeros(3, dtype=int))
    with pytest.raises(InputError, match="whole numbers"):
        estimate_performance(reference, {}, scores, labels, buckets=np.zeros(20))
    with pytest.raises(InputError, match="age_h must be"):
        estimate_performance(reference, {}, scores, labels, age_h=np.full(20, -1.0))
    with pytest.raises(InputError, match="alpha must lie"):
        estimate_performance(reference, {}, scores, labels, alpha=95)
    predicted = np.arange(30.0)
    regressor = EstimateReference.fit({}, predicted, predicted + 1, kind="regression")
    other = estimate_performance(regressor, {}, predicted, predicted).carried
    with pytest.raises(InputError, match="between windows of one model"):
        estimate_performance(reference, {}, scores, labels, carried=other)


WINDOW = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from([0.0, 1.0, np.nan]), st.floats(0, 60), st.integers(0, 2)),
    min_size=2,
    max_size=30,
)


@settings(max_examples=25, deadline=None)
@given(window=WINDOW, seed=st.integers(0, 99))
def test_chances_lie_in_0_to_1_and_do_not_depend_on_the_order_of_rows(reference, delays, window, seed):
    scores, labels, age, bucket = (np.array(values) for values in zip(*window, strict=True))
    order = np.random.default_rng(seed).permutation(len(scores))
    first, second = (
        estimate_performance(
            reference, {}, scores[at], labels[at], age_h=age[at], delays=delays, buckets=bucket[at].astype(int)
        )
        for at in (np.arange(len(scores)), order)
    )
    assert ((first.chances >= 0) & (first.chances <= 1)).all()
    np.testing.assert_allclose(first.chances[order], second.chances, atol=1e-6)
    for name, got in first.metrics.items():
        assert np.isnan(got.value) or got.low - 1e-12 <= got.value <= got.high + 1e-12, name


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), more=st.integers(1, 10))
def test_more_positive_labels_never_make_a_pending_row_less_likely_positive(reference, seed, more):
    rng = np.random.default_rng(seed)
    scores, labels = rng.uniform(0.3, 0.7, 60), np.full(60, np.nan)
    labels[:20] = 0.0
    before = estimate_performance(reference, {}, scores, labels).chances[20:].mean()
    labels[:more] = 1.0
    assert estimate_performance(reference, {}, scores, labels).chances[20:].mean() >= before - 1e-6
