"""A clause looked at after every label is right for good, which an interval for a fixed number of labels is not."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from upkeep.core.gate.anytime import AnytimeState, anytime

pytestmark = pytest.mark.slow
ERROR = 0.05
TEST = {"comparison": ">", "tolerance": 0.02, "log_tests": math.log(1 / ERROR)}


def coins(rng, rows):
    return rng.integers(0, 2, rows).astype(float)


def pairs(rng, rows):
    return rng.choice([-1.0, 0.0, 1.0], size=rows, p=[0.05, 0.9, 0.05])


def losses(rng, rows):
    return rng.beta(0.5, 0.5, rows)


@pytest.mark.parametrize(("draw", "span", "mean"), [(coins, (0, 1), 0.5), (pairs, (-1, 1), 0.0), (losses, (0, 1), 0.5)])
def test_a_stream_at_the_threshold_is_called_better_in_at_most_the_agreed_share_of_lives(draw, span, mean):
    rng = np.random.default_rng(8)
    start = AnytimeState.begin(span=span, threshold=mean, **TEST | {"tolerance": 1e-3})
    truths = [start.update(draw(rng, 2_000)).truth for _ in range(700)]
    for wrong in ("true", "false"):
        assert 0.0 < truths.count(wrong) / len(truths) <= ERROR


def test_negative_control_intervals_for_a_fixed_number_of_rows_are_wrong_far_more_often_if_looked_at_after_each():
    rows, lives = 20_000, 400
    times = np.arange(1, rows + 1)
    means = np.cumsum(np.random.default_rng(9).integers(0, 2, (lives, rows)), axis=1) / times
    hoeffding, normal = (np.sqrt(width / times) for width in (math.log(1 / ERROR) / 2, norm.isf(ERROR) ** 2 / 4))
    assert (means - hoeffding > 0.5).any(axis=1).mean() > 2 * ERROR
    assert (means - normal > 0.5)[:, 30:].any(axis=1).mean() > 8 * ERROR


def test_a_clear_answer_takes_fewer_rows_and_is_seldom_missed():
    rng = np.random.default_rng(10)
    better = [anytime((rng.random(4_000) < 0.58).astype(float), span=(0, 1), threshold=0.5, **TEST) for _ in range(200)]
    assert np.mean([one.truth == "true" for one in better]) >= 1 - ERROR
    hoeffding = math.ceil(math.log(1 / ERROR) / (2 * 0.02**2))
    assert np.mean([one.rows_used for one in better]) < hoeffding / 4
