import numpy as np
import pytest

from upkeep.core.retrain.change_point import fell_since


def test_by_hand():
    """From position 1 on: (-0.3)^2/2 = .045; from 0 on: (-0.2)^2/3 = .013; from 2 on: (-0.1)^2/1 = .01."""
    assert fell_since([0.1, -0.2, -0.1], [1.0, 1.0, 1.0]) == 1


@pytest.mark.parametrize(("values", "position"), [([-0.1, -0.1, -0.1], 0), ([0.1, 0.1], 1), ([0.0], 0)])
def test_a_life_that_is_low_throughout_and_one_that_never_is(values, position):
    assert fell_since(values, [0.01] * len(values)) == position


def test_a_window_of_few_labels_counts_little():
    assert fell_since([0.0, -0.10, 0.0, -0.05, -0.05], [0.01, 0.2, 0.01, 0.01, 0.01]) == 3


def test_a_change_of_three_errors_is_found_within_one_window_in_most_lives():
    rng = np.random.default_rng(0)
    found = [fell_since(rng.normal([0.0] * 10 + [-0.03] * 3, 0.01), [0.01] * 13) for _ in range(500)]
    assert np.mean(np.abs(np.array(found) - 10) <= 1) > 0.95
