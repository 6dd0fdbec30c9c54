import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from upkeep.core.retrain.lasting_drop import lasting_drop
from upkeep.errors import InputError


def drop(correct, labelled, reference=(160, 200), alpha=0.05):
    return lasting_drop(
        reference_correct=reference[0], reference_rows=reference[1], correct=correct, labelled=labelled, alpha=alpha
    )


def test_the_first_window_is_held_against_the_reference_by_fishers_test():
    found = drop([60], [100])

    assert found.p_value == pytest.approx(fisher_exact([[60, 40], [160, 40]], "less").pvalue)
    assert found.change == pytest.approx(-0.2)
    assert found.high < 0


def test_a_model_that_got_better_first_can_fall_from_there():
    """Against the reference of 80 % a fall from 90 % to 80 % is nothing."""
    found = drop([900, 800], [1_000, 1_000])

    assert found.windows == 1
    assert found.change == pytest.approx(-0.1)
    assert found.high < 0


def test_the_fewest_windows_with_labels_enough_are_told_if_asked_for():
    right, labelled, reference = [80, 60, 60, 60, 60], [100] * 5, (1_600, 2_000)
    kept = {"reference_correct": 1_600, "reference_rows": 2_000, "correct": right, "labelled": labelled, "alpha": 0.05}
    assert drop(right, labelled, reference).windows == 4
    found = [
        lasting_drop(**kept, enough=enough, without=left) for enough, left in ((100, 0), (200, 0), (300, 0), (200, 1))
    ]
    assert [(one.windows, one.high < 0) for one in found] == [(1, True), (2, True), (4, True), (2, True)]
    assert lasting_drop(**kept, enough=900).high == 0.0


def test_a_drop_that_one_window_carries_is_not_certain_without_it():
    kept = {"reference_correct": 1_600, "reference_rows": 2_000, "correct": [78, 30, 78], "labelled": [100] * 3}
    found = [lasting_drop(**kept, alpha=0.05, enough=100, without=left).high < 0 for left in (0, 1)]
    assert found == [True, False]


def test_windows_without_labels_say_nothing():
    found = drop([0.0], [0])

    assert (found.p_value, found.change) == (1.0, 0.0)
    assert found.high >= 0


@given(st.lists(st.tuples(st.integers(0, 40), st.floats(0, 1)), min_size=1, max_size=12))
def test_an_interval_holds_its_change_and_lies_in_range(windows):
    labelled = [rows for rows, _ in windows]
    found = drop([share * rows for rows, share in windows], labelled)

    assert -1 <= found.low <= found.high <= 1
    assert 0 <= found.p_value <= 1
    assert 1 <= found.windows <= len(windows)
    assert found.labelled <= sum(labelled)


def test_more_windows_than_counts_are_refused():
    with pytest.raises(InputError, match="one count of right and labelled rows per window"):
        drop([1.0], [1, 2])


@pytest.mark.slow
def test_a_life_without_a_drop_is_alarmed_no_more_often_than_alpha_and_a_test_in_every_window_is():
    rng, lives, alarmed, naive = np.random.default_rng(7), 150, 0, 0
    for _ in range(lives):
        reference, right = rng.binomial(300, 0.8), rng.binomial(100, 0.8, 40)
        looks = [drop(right[:k], [100] * k, (reference, 300)) for k in range(1, 41)]
        alarmed += any(look.high < 0 for look in looks)
        naive += any(fisher_exact([[n, 100 - n], [reference, 300 - reference]], "less").pvalue < 0.05 for n in right)
    assert alarmed <= 0.05 * lives + 2 * np.sqrt(0.05 * 0.95 * lives)
    assert naive > 0.3 * lives
