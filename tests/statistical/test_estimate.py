"""Estimates without labels hold where the features or the score move and the concept does not; simpler ones miss."""

import numpy as np
import pytest
from scipy.special import expit

from upkeep.core.columns import Coded
from upkeep.core.feedback.estimate.reference import EstimateReference

pytestmark = pytest.mark.slow


def draw(rng, rows, *, centre=0.0, spread=1.0, hidden=0.0, shares=(0.4, 0.3, 0.3), noise=0):
    """A score that is twice too sure of itself; `group` moves the label's logit by `hidden` and the score does not know."""
    x = rng.normal(centre, spread, rows)
    group = rng.choice(3, rows, p=shares)
    table = {"group": Coded(group, ("a", "b", "c"))} | {f"noise {j}": rng.normal(size=rows) for j in range(noise)}
    chance = expit(1.5 * x + hidden * (group - 1) * np.sign(x))
    return table, expit(3 * x), (rng.random(rows) < chance).astype(float), np.where(x >= 0, chance, 1 - chance).mean()


def test_a_shift_of_the_score_is_followed_and_the_constant_misses_it():
    ours, constant = [], []
    for seed in range(60):
        rng = np.random.default_rng([1, seed])
        _, scores, labels, before = draw(rng, 2_000)
        reference = EstimateReference.fit({}, scores, labels, kind="binary", method="calibrated")
        _, live, _, now = draw(rng, 2_000, centre=0.2, spread=0.5)
        ours.append(reference.metrics({}, live)["accuracy"] - now)
        constant.append(before - now)
    assert abs(np.mean(ours)) < 3 * np.std(ours, ddof=1) / len(ours) ** 0.5 + 0.002
    assert np.mean(constant) > 0.08  # the control


def test_a_shift_of_features_that_the_score_does_not_know_is_followed_and_calibration_misses_it():
    ours, calibrated, methods = [], [], []
    for seed in range(3):
        rng = np.random.default_rng([2, seed])
        table, scores, labels, _ = draw(rng, 4_000, hidden=1.2)
        reference = EstimateReference.fit(table, scores, labels, kind="binary", seed=seed)
        plain = EstimateReference.fit(table, scores, labels, kind="binary", method="calibrated")
        live, live_scores, _, now = draw(rng, 4_000, hidden=1.2, shares=(0.9, 0.05, 0.05))
        ours.append(abs(reference.metrics(live, live_scores)["accuracy"] - now))
        calibrated.append(abs(plain.metrics(live, live_scores)["accuracy"] - now))
        methods.append(reference.method)
    assert set(methods) <= {"boosted", "bucketing tree", "weighted"}
    assert np.mean(ours) < 0.02
    assert np.mean(calibrated) > 0.08  # the control


def test_where_features_say_nothing_the_score_is_asked_alone_and_a_density_ratio_would_add_noise():
    chosen, errors = [], {"weighted": [], "calibrated": [], "regrouped": []}
    for seed in range(3):
        rng = np.random.default_rng([3, seed])
        table, scores, labels, _ = draw(rng, 3_000, noise=8)
        chosen.append(EstimateReference.fit(table, scores, labels, kind="binary", seed=seed).method)
        fixed = {m: EstimateReference.fit(table, scores, labels, kind="binary", method=m) for m in errors}
        for _ in range(5):
            live, live_scores, _, now = draw(rng, 300, noise=8)
            for method, found in errors.items():
                found.append(fixed[method].metrics(live, live_scores)["accuracy"] - now)
    assert chosen == ["regrouped"] * 3
    assert errors["regrouped"] == errors["calibrated"]
    apart = np.subtract(errors["weighted"], errors["calibrated"])
    assert np.sqrt(np.mean(apart**2)) > 0.001  # the control: chosen blindly, it would move every estimate


def mixed(rng, rows, *, shares=(0.6, 0.3, 0.1), moved=0.0, hidden=0.8):
    """Groups that differ in their features and, by `hidden`, in what a score means; `moved` is the mean of all features."""
    group = rng.choice(3, rows, p=shares)
    x = rng.normal(moved, 1, (rows, 4)) + 0.4 * group[:, None] * np.array([1, 0, 1, 0])
    odds = x @ np.array([1.0, -0.7, 0.5, 0.4])
    chance = expit(odds + hidden * (group - 1) * np.sign(odds))
    table = {"group": Coded(group, ("a", "b", "c"))} | {f"x{j}": x[:, j] for j in range(4)}
    return table, expit(odds), (rng.random(rows) < chance).astype(float), np.where(odds >= 0, chance, 1 - chance).mean()


@pytest.mark.parametrize(
    ("live", "hidden", "corrected"),
    [
        ({"shares": (0.1, 0.2, 0.7)}, 0.8, True),  # other shares of the groups
        ({"shares": (0.1, 0.2, 0.7)}, 0.0, True),  # the same, with a score that means the same in all of them
        ({"moved": 0.8}, 0.8, False),  # all features by themselves: no mix of the reference
        ({}, 0.8, False),
    ],
)
def test_another_mix_of_groups_is_followed_and_another_process_is_left_to_the_score(live, hidden, corrected):
    ours, score = [], []
    for seed in range(8):
        rng = np.random.default_rng([5, seed])
        table, scores, labels, _ = mixed(rng, 8_000, hidden=hidden)
        window, window_scores, _, now = mixed(rng, 4_000, hidden=hidden, **live)
        for found, method in ((ours, "regrouped"), (score, "calibrated")):
            reference = EstimateReference.fit(table, scores, labels, kind="binary", method=method)
            found.append(reference.metrics(window, window_scores)["accuracy"] - now)
    apart = np.abs(ours) - np.abs(score)
    assert apart.mean() <= 2 * apart.std(ddof=1) / len(apart) ** 0.5
    if not corrected:
        assert ours == score
    elif hidden:
        assert np.abs(ours).mean() < 0.012
        assert np.mean(score) < -0.05  # the control: the score alone does not see which group a row is of


def test_a_regressors_error_is_followed_where_features_move_and_the_curve_of_its_prediction_misses_it():
    ours, curve = [], []
    for seed in range(2):
        rng = np.random.default_rng([4, seed])

        def trips(rng, rows, shares):
            prediction, group = rng.normal(size=rows), rng.choice(3, rows, p=shares)
            return {"group": Coded(group, ("a", "b", "c"))}, prediction, (1.0 + group) * (2 / np.pi) ** 0.5, 1.0 + group

        table, prediction, _, spread = trips(rng, 3_000, (0.6, 0.3, 0.1))
        labels = prediction + rng.normal(0, spread)
        live, predicted, now, _ = trips(rng, 4_000, (0.1, 0.3, 0.6))
        for found, method in ((ours, None), (curve, "calibrated")):
            fitted = EstimateReference.fit(table, prediction, labels, kind="regression", method=method)
            found.append(fitted.metrics(live, predicted)["mae"] / now.mean() - 1)
    assert np.mean(np.abs(ours)) < 0.05
    assert np.mean(curve) < -0.25  # the control
