import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.gate.promise import Promise
from upkeep.errors import InputError


def histories_by_hand(steps, releases, answers):
    """Every history of answers (0 is a pass) before a test that is still made."""
    return sum(
        sum(answer == 0 for answer in history) <= releases
        for before in range(steps)
        for history in itertools.product(range(answers), repeat=before)
    )


@pytest.mark.parametrize("releases", [0, 1, 2, 5])
@pytest.mark.parametrize("answers", [2, 3])
def test_histories_with_few_passes_are_those_that_can_be_listed(releases, answers):
    promise = Promise(reliability=0.95, steps=6, adaptivity="releases", releases=releases, answers=answers)
    assert math.exp(promise.log_histories) == pytest.approx(histories_by_hand(6, releases, answers), rel=1e-12)


@pytest.mark.parametrize(
    ("releases", "rows"), [(0, 2536), (1, 3096), (2, 3565), (3, 3969), (5, 4633), (8, 5358), (32, 6279)]
)
def test_each_pass_that_is_built_upon_costs_labels(releases, rows):
    promise = Promise(reliability=0.9999, steps=32, adaptivity="releases", releases=releases)
    assert math.ceil(promise.log_tests / (2 * 0.05**2)) == rows


@given(steps=st.integers(1, 5000), reliability=st.floats(0.01, 0.999999))
def test_more_eyes_never_need_fewer_labels(steps, reliability):
    def tests(adaptivity, releases=0):
        return Promise(reliability=reliability, steps=steps, adaptivity=adaptivity, releases=releases).log_tests

    assert tests("none") == pytest.approx(tests("firstChange")) == pytest.approx(tests("releases"))
    assert tests("firstChange") <= tests("releases", 1) + 1e-9 <= tests("releases", 3) + 2e-9 <= tests("full") + 3e-9
    assert math.isfinite(tests("full"))  # 2^5000 is not


def test_one_step_costs_ln_2_more_if_its_answer_is_seen():
    none, full = (Promise(reliability=0.9, steps=1, adaptivity=who) for who in ("none", "full"))
    assert full.log_tests - none.log_tests == pytest.approx(math.log(2))


def test_a_third_answer_needs_both_sides_right_and_makes_three_histories_of_each():
    plain = Promise(reliability=0.9, steps=4, adaptivity="full")
    third = Promise(reliability=0.9, steps=4, adaptivity="full", mode="investigate")
    assert third.log_tests - plain.log_tests == pytest.approx(4 * math.log(3 / 2) + math.log(2))


def test_what_was_seen_before_is_carried():
    fresh, used = (Promise(reliability=0.9, steps=4, prior=prior) for prior in (0.0, 3 * math.log(2)))
    assert used.log_tests - fresh.log_tests == pytest.approx(math.log(8))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"reliability": 1.0}, "reliability must lie in"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"adaptivity": "some"}, "adaptivity must be"),
        ({"mode": "safe"}, "mode must be"),
        ({"releases": 2}, "go with adaptivity releases"),
        ({"answers": 1}, "2 answers or more"),
        ({"prior": math.inf}, "finite prior"),
    ],
)
def test_a_promise_that_cannot_be_kept_is_refused(wrong, says):
    with pytest.raises(InputError, match=says):
        Promise(**{"reliability": 0.9} | wrong)
