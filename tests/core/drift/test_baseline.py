import numpy as np
import pytest

from upkeep.core.drift.baseline import measure, windows_of

DAY = np.datetime64("2024-01-01", "us")


def rows_by_day(days, each=100):
    """Times spread evenly over whole days."""
    return DAY + np.arange(days * each) * np.timedelta64(86_400 // each, "s")


def test_windows_are_whole_and_counted_back_from_the_last_midnight():
    parts = windows_of(rows_by_day(15), 7)
    assert [(part.min(), part.max()) for part in parts] == [(800, 1_499), (100, 799)]


@pytest.mark.parametrize("stray", ["2024-01-31T00:10", "2024-02-03", "2031-01-01", "2023-12-31T23:50"])
def test_a_few_rows_beyond_either_end_hide_nothing(stray):
    when = np.append(rows_by_day(30), np.full(7, stray, dtype="M8[us]"))
    for days in (1 / 24, 1, 7):
        usual = windows_of(rows_by_day(30), days)
        assert abs(len(windows_of(when, days)) - len(usual)) <= 1
        assert min(len(part) for part in windows_of(when, days)) >= 2 * (days < 1) + 40 * (days >= 1)


def test_half_an_hour_of_a_day_does_not_teach_what_a_day_is_like():
    late = DAY + np.timedelta64(30, "D") + np.arange(60) * np.timedelta64(30, "s")
    when = np.concatenate([rows_by_day(30, 960), late])
    night = (when - when.astype("M8[D]")).astype(float)
    assert measure({"second": night}, when, 1)[1]["second:ks"] < 0.05


def test_rows_without_a_time_are_in_no_window():
    when = rows_by_day(10)
    when[::10] = np.datetime64("NaT")
    parts = windows_of(when, 1)
    assert len(parts) == 10
    assert not np.isnat(when[np.concatenate(parts)]).any()
    assert windows_of(when[::10], 1) == []


def test_a_length_that_says_nothing_does_not_hide_one_that_does():
    when = rows_by_day(60, each=192)  # eight rows an hour are too few
    night = ((when - when.astype("M8[D]")) < np.timedelta64(6, "h")).astype(float)
    assert measure({"night": night}, when, 1 / 24)[1] == {}
    assert set(measure({"night": night}, when, 1)[1]) == {"night:ks", "night:null_rate"}
