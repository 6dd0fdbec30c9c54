import numpy as np
import pytest

from upkeep.core.feedback.delay.curve import DelayCurve


def curve(rng, n, never, oldest, scale=10):
    delay = np.where(rng.random(n) < never, np.inf, rng.exponential(scale, n))
    age = rng.uniform(0, oldest, n)
    return DelayCurve.fit(np.minimum(delay, age), delay > age)


@pytest.mark.parametrize("never", [0.0, 0.03, 0.4])
def test_the_share_that_never_comes_is_known_once_the_ages_are_long_past_the_delays(never):
    found = curve(np.random.default_rng(1), 20_000, never, 200).plateau
    assert found.reached
    assert found.never == pytest.approx(never, abs=0.01)
    assert found.low <= 1 - never <= found.high + 1e-4  # the last of those that come may still be missing
    assert "of the labels never come" in found.sentence


@pytest.mark.parametrize("oldest", [5, 20, 40])
def test_nothing_is_said_while_labels_still_come(oldest):
    found = curve(np.random.default_rng(2), 20_000, 0.03, oldest).plateau
    assert not found.reached
    assert found.never is None
    assert "is not known yet" in found.sentence


def test_all_labels_in_is_a_plateau_if_there_are_enough():
    hours = np.linspace(1, 24, 1_000)
    assert DelayCurve.fit(hours, np.zeros(1_000, bool)).plateau.reached
    assert not DelayCurve.fit(hours[:20], np.zeros(20, bool)).plateau.reached


def test_silence_from_the_start_is_no_plateau():
    found = DelayCurve.fit(np.linspace(1, 24, 1_000), np.ones(1_000, bool)).plateau
    assert (found.labelled, found.reached) == (0, False)


def test_few_rows_of_a_long_age_do_not_prove_that_nothing_more_comes():
    hours = np.concatenate([np.linspace(0, 10, 100), np.full(100, 10.0), np.full(3, 500.0)])
    pending = np.arange(203) >= 100
    assert not DelayCurve.fit(hours, pending).plateau.reached
    more = np.concatenate([hours[:100], np.full(400, 500.0)])
    assert DelayCurve.fit(more, np.arange(500) >= 100).plateau.reached


def test_a_thin_tail_of_the_oldest_rows_does_not_hide_a_plateau():
    hours = np.concatenate([np.linspace(0, 10, 600), np.linspace(300, 500, 400)])
    assert DelayCurve.fit(hours, np.arange(1_000) >= 600).plateau.reached


def test_labels_that_come_after_a_silence_end_the_plateau():
    hours = np.concatenate([np.linspace(0, 10, 600), np.full(50, 450.0), np.linspace(300, 500, 400)])
    assert not DelayCurve.fit(hours, np.arange(1_050) >= 650).plateau.reached
