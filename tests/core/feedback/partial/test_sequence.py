import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.feedback.intervals import clopper_pearson
from upkeep.core.feedback.partial.sequence import accuracy_sequence
from upkeep.errors import InputError


@given(rows=st.integers(1, 100_000), share=st.floats(0, 1))
def test_it_holds_the_share_seen_so_far_and_is_wider_than_an_interval_for_one_look(rows, share):
    correct = round(share * rows)
    low, high = accuracy_sequence(correct, rows)
    one_low, one_high = clopper_pearson(correct, rows, 0.05)
    assert 0 <= low <= correct / rows <= high <= 1
    assert low <= one_low + 1e-9
    assert high >= one_high - 1e-9


def test_right_and_wrong_are_treated_alike():
    low, high = accuracy_sequence(30, 100)
    assert accuracy_sequence(70, 100) == pytest.approx((1 - high, 1 - low))


def test_one_row_rules_nothing_out_and_many_do():
    assert accuracy_sequence(1, 1)[0] < 0.01
    low, high = accuracy_sequence(90_000, 100_000)
    assert 0.89 < low < high < 0.91
    assert accuracy_sequence(0, 0) == (0.0, 1.0)


def test_counts_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="between 0 and rows"):
        accuracy_sequence(3, 2)
    with pytest.raises(InputError, match="alpha"):
        accuracy_sequence(1, 2, alpha=0)
