import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from upkeep.core.feedback.delays import summarise_delays
from upkeep.errors import InputError

DAY = np.datetime64("2024-01-01", "us")


def summary(hours, groups=None, as_of_h=100, alpha=0.05):
    """Delays in hours, None = pending; all predicted at once."""
    seen = np.array(
        [np.datetime64("NaT") if h is None else DAY + np.timedelta64(h, "h") for h in hours], "datetime64[us]"
    )
    as_of = DAY + np.timedelta64(as_of_h, "h")
    return summarise_delays(seen, np.full(len(hours), DAY), as_of, groups=groups or {}, alpha=alpha)


def test_counts_and_median_by_hand():
    found = summary([1, 2, 30, None])
    assert (found.rows, found.labelled, found.pending, found.share_labelled) == (4, 3, 1, 0.75)
    assert found.median_delay_h == 2.0
    assert found.slow == ()


def test_pending_rows_count_as_still_waiting():
    assert summary([1, 2, None, None, None]).median_delay_h is None
    assert summary([1, 2, 3, None]).median_delay_h == 2.0
    assert summary([10, 20, None, None]).median_delay_h == 20.0


def test_a_young_pending_row_says_nothing_about_long_delays():
    predicted = np.array([DAY] * 3 + [DAY + np.timedelta64(99, "h")] * 2)
    hours = np.array([2, 40, 60], dtype="timedelta64[h]")
    seen = np.concatenate([DAY + hours, np.full(2, np.datetime64("NaT", "us"))])
    found = summarise_delays(seen, predicted, DAY + np.timedelta64(100, "h"), groups={}, alpha=0.05)
    assert found.median_delay_h == 40.0  # as if the two were not there; 60 if they waited for ever


def test_the_level_whose_labels_are_late_is_named_first():
    zone = np.repeat(["Queens", "Bronx", "Kings"], 200).astype(object)
    hours = [None if i < 120 or i % 10 == 0 else 5 for i in range(600)]
    found = summary(hours, {"zone": zone})

    assert [(slow.column, slow.level) for slow in found.slow] == [("zone", "Queens")]
    assert found.slow[0].sentence == "zone = Queens: 64% of 200 rows are pending, against 10% of the others."


def test_small_levels_and_equal_delays_are_not_named():
    zone = np.repeat(["a", "b", "rare"], [300, 280, 20]).astype(object)
    assert summary([None if i >= 580 or i % 4 == 0 else 5 for i in range(600)], {"zone": zone}).slow == ()


def test_a_window_without_rows_is_refused():
    with pytest.raises(InputError, match="must have predictions"):
        summary([])


def shares(waiting, held, rest_waiting, rest, alpha, others=1):
    """One level against a rest of as many levels as said, all of it pending or seen after an hour."""
    hours = [None] * waiting + [1] * (held - waiting) + [None] * rest_waiting + [1] * (rest - rest_waiting)
    level = ["slow"] * held + [f"rest{i % others}" for i in range(rest)]
    return summary(hours, {"zone": np.array(level, dtype=object)}, alpha=alpha).slow


def test_a_level_is_named_just_when_its_exact_limits_are_further_apart_than_tolerated():
    # by hand: the limits of 57 of 60 and of 700 of 1000, each missed with chance alpha/4 as there are two levels
    alphas = 10.0 ** -np.arange(1, 12)
    expected = [bool(beta.ppf(a / 4, 57, 4) - beta.isf(a / 4, 701, 300) > 0.05) for a in alphas]
    assert True in expected
    assert False in expected
    assert [bool(shares(57, 60, 700, 1_000, alpha)) for alpha in alphas] == expected


def test_the_error_is_shared_by_all_levels_that_could_be_named():
    few, many = (shares(161, 200, 1_300, 2_000, 0.05, others) for others in (1, 20))
    assert [slow.level for slow in few] == ["slow"]
    assert many == ()


@given(st.integers(50, 120), st.integers(0, 120), st.integers(50, 300), st.integers(0, 300))
def test_a_named_level_is_slower_by_more_than_tolerated_in_the_sample_too(held, waiting, rest, rest_waiting):
    for slow in shares(min(waiting, held), held, min(rest_waiting, rest), rest, 0.2):
        assert slow.pending_share - slow.rest_pending_share > 0.05
