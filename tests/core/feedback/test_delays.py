import numpy as np
import pytest

from upkeep.core.feedback.delays import summarise_delays
from upkeep.errors import InputError

DAY = np.datetime64("2024-01-01", "us")


def summary(hours, as_of_h=100):
    """Delays in hours, None = pending; all predicted at once."""
    seen = np.array(
        [np.datetime64("NaT") if h is None else DAY + np.timedelta64(h, "h") for h in hours], "datetime64[us]"
    )
    as_of = DAY + np.timedelta64(as_of_h, "h")
    return summarise_delays(seen, np.full(len(hours), DAY), as_of)


def test_counts_and_median_by_hand():
    found = summary([1, 2, 30, None])
    assert (found.rows, found.labelled, found.pending, found.share_labelled) == (4, 3, 1, 0.75)
    assert found.median_delay_h == 2.0


def test_pending_rows_count_as_still_waiting():
    assert summary([1, 2, None, None, None]).median_delay_h is None
    assert summary([1, 2, 3, None]).median_delay_h == 2.0
    assert summary([10, 20, None, None]).median_delay_h == 20.0


def test_a_young_pending_row_says_nothing_about_long_delays():
    predicted = np.array([DAY] * 3 + [DAY + np.timedelta64(99, "h")] * 2)
    hours = np.array([2, 40, 60], dtype="timedelta64[h]")
    seen = np.concatenate([DAY + hours, np.full(2, np.datetime64("NaT", "us"))])
    found = summarise_delays(seen, predicted, DAY + np.timedelta64(100, "h"))
    assert found.median_delay_h == 40.0  # as if the two were not there; 60 if they waited for ever


def test_a_window_without_rows_is_refused():
    with pytest.raises(InputError, match="must have predictions"):
        summary([])
