import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.isotonic import IsotonicRegression

from upkeep.core.feedback.estimate.boosting import boost, log_odds
from upkeep.core.feedback.estimate.bucketing import Buckets
from upkeep.core.feedback.estimate.choosing import choose
from upkeep.core.feedback.estimate.coding import CELLS, FINE_BINS, Coding
from upkeep.core.feedback.estimate.curve import Curve
from upkeep.core.feedback.estimate.forest import Forest
from upkeep.core.feedback.estimate.outcomes import restored
from upkeep.core.feedback.estimate.shifts import pseudo_windows
from upkeep.core.feedback.estimate.weighting import density_ratio
from upkeep.core.packing import pack, unpack
from upkeep.errors import InputError


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60))
def test_a_curve_is_scikit_learns_isotonic_regression(seed, rows):
    rng = np.random.default_rng(seed)
    scores, outcomes = np.round(rng.random(rows), 1), rng.integers(0, 2, rows).astype(float)
    weights = rng.integers(1, 4, rows).astype(float)
    oracle = IsotonicRegression(out_of_bounds="clip").fit(scores, outcomes, sample_weight=weights)
    asked = np.linspace(0, 1, 101)
    assert Curve.isotonic(scores, outcomes, weights)(asked) == pytest.approx(oracle.predict(asked), abs=1e-9)


def test_a_thin_bucket_says_what_its_parent_says():
    # Four cells; the last holds 2 rows, its parent both upper cells: (3 of 8 + 2 of 2) of 10.
    codes = np.repeat([0, 1, 2, 3], [10, 10, 8, 2]).astype(np.uint8)
    outcome = np.concatenate([np.ones(10), np.zeros(10), [1] * 3 + [0] * 5, np.ones(2)])
    buckets = Buckets(
        feature=np.zeros(7, dtype=np.int32), cut=np.array([1, 0, 2, 0, 0, 0, 0], dtype=np.int32),
        left=np.array([1, 3, 5, -1, -1, -1, -1], dtype=np.int32), right=np.array([2, 4, 6, -1, -1, -1, -1], dtype=np.int32),
        parent=np.array([-1, 0, 0, 1, 1, 2, 2], dtype=np.int32),
        mean=np.array([0.5, 0.5, 0.5, 1.0, 0.0, 3 / 8, 1.0]), rows=np.array([30, 20, 10, 10, 10, 8, 2], dtype=np.int32),
    )  # fmt: skip
    assert buckets.expected(codes[:, None]).mean() == pytest.approx(outcome.mean())
    live = np.array([[3], [2]], dtype=np.uint8)
    assert buckets.expected(live).tolist() == [1.0, 3 / 8]
    assert buckets.expected(live, least=5).tolist() == [0.5, 3 / 8]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12))
def test_buckets_weighted_by_the_reference_give_its_own_mean(seed, buckets):
    rng = np.random.default_rng(seed)
    codes, outcome = rng.integers(0, 30, (400, 2)).astype(np.uint8), rng.random(400)
    by_score = Buckets.of_scores(codes[:, 1], outcome, buckets)
    by_loss = Buckets.of_loss(codes, outcome, leaves=buckets, least=20, alpha=0.0)
    assert by_score.expected(codes[:, 1:]).mean() == pytest.approx(outcome.mean(), abs=1e-9)
    assert by_loss.expected(codes).mean() == pytest.approx(outcome.mean(), abs=1e-9)
    assert by_score.leaves <= buckets
    assert by_loss.leaves <= buckets
    assert by_loss.rows[by_loss.left < 0].min() >= 20
    again = Buckets.from_json(by_loss.to_json(), 2)
    assert (again.expected(codes) == by_loss.expected(codes)).all()


def test_pruning_leaves_noise_alone():
    rng = np.random.default_rng(2)
    codes, noise = rng.integers(0, 30, (2_000, 5)).astype(np.uint8), rng.random(2_000)
    assert Buckets.of_loss(codes, noise, leaves=64, least=20, alpha=0.0).leaves > 32
    assert Buckets.of_loss(codes, noise, leaves=64, least=20, alpha=0.02).leaves == 1


def test_boosting_finds_what_the_start_does_not_know():
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 10, (8_000, 3)).astype(np.uint8)
    mean = np.where((codes[:, 0] > 4) & (codes[:, 1] < 5), 0.9, 0.5)
    outcome = (rng.random(8_000) < mean).astype(float)
    start = np.full(8_000, outcome.mean())
    said = expit(log_odds(start) + boost(codes, outcome, start, rounds=40).added(codes))
    assert abs(said - mean).mean() < 0.03
    assert abs(start - mean).mean() > 0.1  # the control


@pytest.mark.parametrize("rows", [15, 3_000])
def test_a_forest_says_what_scikit_learns_own_prediction_says(rows):
    rng = np.random.default_rng(8)
    codes = rng.integers(0, 256, (rows, 4)).astype(np.uint8)
    outcome = codes[:, 0] * (codes[:, 1] > 90) + rng.normal(0, 20, rows)
    forest = Forest.fit(codes, outcome, trees=30)
    oracle = HistGradientBoostingRegressor(max_iter=30, early_stopping=False, random_state=0).fit(codes, outcome)
    live = rng.integers(0, 256, (500, 4)).astype(np.uint8)
    assert forest.expected(live) == pytest.approx(oracle.predict(live), rel=1e-4, abs=1e-3)
    again = Forest.from_json(forest.to_json(), 4)
    assert (again.expected(codes) == forest.expected(codes)).all()


@pytest.mark.parametrize("change", [{"roots": [0, 0]}, {"left": [5]}, {"feature": [9]}, {"mean": None}])
def test_a_forest_whose_walk_would_not_end_is_refused(change):
    rng = np.random.default_rng(8)
    record = Forest.fit(rng.integers(0, 9, (300, 2)).astype(np.uint8), rng.random(300), trees=2).to_json()
    for name, first in change.items():
        if first is None:
            record[name] = None
        else:
            values = unpack(record[name])
            values[: len(first)] = first
            record[name] = pack(values)
    with pytest.raises(InputError, match="damaged"):
        Forest.from_json(record, 2)


def test_a_column_with_many_frequent_values_gets_fewer_bins():
    rng = np.random.default_rng(9)
    values = np.where(rng.random(50_000) < 0.99, rng.integers(0, 200, 50_000), 200 * rng.random(50_000))
    coding = Coding.fit({"x": values}, rng.random(50_000), rng.random(50_000), bins=FINE_BINS)
    assert max(cells.size for cells in coding.grid.cells.values()) < CELLS
    assert len(np.unique(coding.codes({"x": values}, rng.random(50_000))[:, 0])) > 100


def test_a_density_ratio_is_the_ratio_of_densities():
    rng = np.random.default_rng(5)
    before, now = rng.integers(0, 4, (6_000, 2)), rng.choice(4, (6_000, 2), p=[0.1, 0.2, 0.3, 0.4])
    ratio = density_ratio(before.astype(np.uint8), now.astype(np.uint8))
    true = np.array([0.4, 0.8, 1.2, 1.6])[before].prod(axis=1)
    assert np.corrcoef(ratio, true)[0, 1] > 0.98
    assert abs(ratio - true).mean() < 0.1


def test_windows_are_weights_that_lean_to_both_ends():
    codes = np.random.default_rng(6).integers(0, 20, (1_000, 2)).astype(np.uint8)
    windows = pseudo_windows(codes, codes[:, 0] * 1.0, np.random.default_rng(0))
    assert windows.sum(axis=1) == pytest.approx(1)
    means = windows @ codes[:, 0]
    assert means.max() > codes[:, 0].mean() + 3
    assert means.min() < codes[:, 0].mean() - 3


def test_a_way_is_chosen_only_if_it_is_better_surely_and_by_enough():
    late = np.arange(4_000) % 2 == 1
    windows = np.stack([~late, late]) / 2_000
    turn = np.arange(4_000) // 2 % 100
    start, variance = np.full(4_000, 0.6), np.full(4_000, 0.24)
    apart = np.where(late, turn < 70, turn < 50).astype(float)
    assert choose(start, {"boosted": np.array([0.5, 0.7])}, apart, variance, windows).method == "boosted"
    assert choose(start, {"boosted": np.array([0.7, 0.5])}, apart, variance, windows).method == "calibrated"
    noisy = np.stack([np.arange(4_000) == 0, np.arange(4_000) == 1]) * 1.0
    rare = {"boosted": np.array([0.9, 0.9])}
    assert choose(start, rare, np.ones(4_000), variance, noisy).method == "calibrated"  # two labels prove nothing
    assert choose(start, {"boosted": np.array([0.5, 0.7])}, apart, variance, windows, least=0.02).method == "calibrated"
    hardly = np.where(late, turn < 61, turn < 60).astype(float)
    assert choose(start, {"boosted": np.array([0.6, 0.61])}, hardly, variance, windows).method == "calibrated"


def test_a_default_stays_unless_another_way_is_surely_better_on_the_windows_that_it_was_asked_of():
    late = np.arange(4_000) % 2 == 1
    windows = np.stack([~late, late]) / 2_000
    turn = np.arange(4_000) // 2 % 100
    start, variance = np.full(4_000, 0.6), np.full(4_000, 0.24)
    outcome = np.where(late, turn < 70, turn < 50).astype(float)
    right, half = np.array([0.5, 0.7]), np.array([np.nan, 0.7])
    assert choose(start, {"weighted": right}, outcome, variance, windows, default="boosted").method == "weighted"
    assert choose(start, {"weighted": half}, outcome, variance, windows, default="boosted").method == "weighted"
    doubt = {"weighted": 50.0}
    assert (
        choose(start, {"weighted": right}, outcome, variance, windows, needed=doubt, default="boosted").method
        == "boosted"
    )
    assert choose(start, {"weighted": right[::-1]}, outcome, variance, windows, default="boosted").method == "boosted"


def test_absolute_residuals_stay_as_they_were_judged():
    # An expected residual of 3 cannot have an absolute value of 2, nor that a square of 1.
    outcome = np.array([[3.0, 2.0, 1.0], [-1.0, 2.0, 9.0], [0.5, -0.1, 0.0]])
    found = restored("regression", outcome, outcome, np.zeros(3), 0.5)
    assert found.tolist() == [[2.0, 2.0, 4.0], [-1.0, 2.0, 9.0], [0.0, 0.0, 0.0]]
