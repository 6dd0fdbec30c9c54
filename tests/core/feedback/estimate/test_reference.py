import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from upkeep.core.columns import Coded
from upkeep.core.feedback.estimate.reference import EstimateReference
from upkeep.core.feedback.estimate.ways import METHODS
from upkeep.core.feedback.metrics.binary import binary_metrics
from upkeep.errors import InputError


def rows_of(rng, rows, kind="binary", hidden=0.0, centre=0.0):
    """Features, scores and labels; the score does not know the feature `group`, which moves the label's logit by `hidden`."""
    x = rng.normal(centre, 1, rows)
    group = rng.integers(0, 3, rows)
    table = {"x": x, "group": Coded(group, ("a", "b", "c"))}
    if kind == "regression":
        return table, x, x + rng.normal(0, 1 + hidden * group, rows)
    if kind == "multiclass":
        scores = np.exp(np.stack([x, -x, 0 * x], axis=1))
        scores /= scores.sum(axis=1, keepdims=True)
        return table, scores, (scores.cumsum(axis=1) < rng.random(rows)[:, None]).sum(axis=1).clip(0, 2)
    labels = (rng.random(rows) < expit(x + hidden * (group - 1))).astype(int)
    return table, expit(2 * x), labels


def fitted(kind="binary", rows=1_000, seed=0, **given_to_fit):
    table, scores, labels = rows_of(np.random.default_rng(seed), rows, kind)
    return EstimateReference.fit(table, scores, labels, kind=kind, **given_to_fit)


def test_the_papers_example_by_score_buckets():
    # Two buckets of accuracy .8 and .5; 100 live rows in the first, 500 in the second: 100/600 x .8 + 500/600 x .5.
    scores = np.repeat([0.1, 0.9], 1_000)
    labels = np.concatenate([np.arange(1_000) % 10 >= 8, np.arange(1_000) % 10 < 5]).astype(int)
    reference = EstimateReference.fit({}, scores, labels, kind="binary", method="score buckets")
    live = np.repeat([0.1, 0.9], [100, 500])
    assert reference.metrics({}, live)["accuracy"] == pytest.approx(0.55, abs=1e-12)


@pytest.mark.parametrize(
    ("method", "kind"),
    [(m, k) for m in METHODS for k in ("binary", "multiclass", "regression") if (m, k) != ("regrouped", "regression")],
)
def test_every_method_gives_what_can_be_and_comes_back_from_json(method, kind):
    reference = fitted(kind, method=method)
    table, scores, _ = rows_of(np.random.default_rng(9), 300, kind, centre=1.0)
    found = reference.chances(table, scores)
    assert np.isfinite(found).all()
    if kind == "regression":
        assert (found[:, 1] >= abs(found[:, 0])).all()
        assert (found[:, 2] >= found[:, 1] ** 2).all()
    else:
        assert ((found >= 0) & (found <= 1)).all()
    if kind == "multiclass":
        assert found.sum(axis=1) == pytest.approx(1, abs=1e-9)
    again = EstimateReference.from_json(json.loads(json.dumps(reference.to_json())))
    assert (again.chances(table, scores) == found).all()
    assert again.method == method


def test_a_fit_is_the_same_every_time():
    assert fitted().to_json() == fitted().to_json()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1_000), st.integers(1, 399), st.sampled_from(METHODS))
def test_chances_lie_between_0_and_1_however_few_the_rows(seed, rows, method):
    rng = np.random.default_rng(seed)
    table, scores, labels = rows_of(rng, rows)
    reference = EstimateReference.fit(table, scores, labels, kind="binary", method=method)
    live, live_scores, _ = rows_of(rng, 50, centre=3.0)
    found = reference.chances(live, live_scores)
    assert ((found >= 0) & (found <= 1)).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_reference_itself_is_estimated_as_it_was(method):
    table, scores, labels = rows_of(np.random.default_rng(4), 4_000)
    reference = EstimateReference.fit(table, scores, labels, kind="binary", method=method)
    plain = binary_metrics(labels.astype(float), scores)
    assert reference.metrics(table, scores)["accuracy"] == pytest.approx(plain["accuracy"], abs=0.01)


def test_no_rows_give_no_chances():
    reference = fitted()
    table, scores, _ = rows_of(np.random.default_rng(0), 0)
    assert reference.chances(table, scores).shape == (0,)


def test_a_record_of_the_first_format_is_read_and_its_replicates_are_left():
    reference = fitted(method="boosted")
    table, scores, _ = rows_of(np.random.default_rng(9), 50)
    older = reference.to_json() | {"format": 1, "replicates": {"at": {}, "value": {}, "draw": {}}}
    again = EstimateReference.from_json(json.loads(json.dumps(older)))
    assert (again.chances(table, scores) == reference.chances(table, scores)).all()
    assert "replicates" not in again.to_json()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 3}, "format 2"),
        ({"method": "guess"}, "damaged"),
        ({"method": "boosted"}, "coding and a way"),
        ({"share": None}, "numbers"),
        ({"base": {"kind": "binary", "curves": []}}, "curves"),
        ({"base": {"kind": "binary", "curves": [{"at": [1.0, 1.0], "value": [0.0, 1.0]}]}}, "rising"),
        ({"gains": {"boosted": [1.0]}}, "pairs"),
    ],
)
def test_a_damaged_record_is_refused(change, words):
    record = fitted(method="calibrated").to_json()
    with pytest.raises(InputError, match=words):
        EstimateReference.from_json(record | change)


@pytest.mark.parametrize("method", METHODS[1:])
def test_an_array_cut_short_is_refused(method):
    record = json.loads(json.dumps(fitted(method=method).to_json()))

    def cut(part):
        for key, value in part.items():
            if key == "base64":
                part[key] = value[: len(value) // 8 * 4]
            elif isinstance(value, dict):
                cut(value)
            elif isinstance(value, list) and value and isinstance(value[0], dict):
                cut(value[0])

    cut(record["way"])
    with pytest.raises(InputError, match="damaged"):
        EstimateReference.from_json(record)


@pytest.mark.parametrize(
    ("scores", "labels", "kind", "words"),
    [
        ([0.5], [np.nan], "binary", "Leave pending rows out"),
        ([0.5], [2], "binary", "0 or 1"),
        ([1.5], [1], "binary", "probabilities"),
        ([0.5, 0.5], [1], "binary", "one length"),
        ([], [], "binary", "one length"),
        ([0.5], [0], "multiclass", "shape"),
        ([np.inf], [0], "regression", "finite"),
        ([0.5], [0], "ranking", "kind must be"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(scores, labels, kind, words):
    with pytest.raises(InputError, match=words):
        EstimateReference.fit({}, np.array(scores), np.array(labels), kind=kind)


def test_a_regressor_is_not_regrouped():
    with pytest.raises(InputError, match="for classifiers"):
        fitted("regression", method="regrouped")


def test_a_classifier_with_features_that_say_nothing_is_regrouped_and_one_without_is_calibrated():
    table, scores, labels = rows_of(np.random.default_rng(0), 2_000)
    assert EstimateReference.fit(table, scores, labels, kind="binary").method == "regrouped"
    assert EstimateReference.fit({}, scores, labels, kind="binary").method == "calibrated"


def test_an_unknown_method_is_refused():
    with pytest.raises(InputError, match="method must be one of"):
        fitted(method="oracle")


def test_a_category_never_seen_before_has_chances_too():
    reference = fitted(method="boosted")
    table = {"x": np.zeros(3), "group": np.array(["a", "new", None], dtype=object)}
    assert np.isfinite(reference.chances(table, np.full(3, 0.5))).all()
