import numpy as np
import pytest

from upkeep.core.retrain.backtest.delays import exponential_delays
from upkeep.core.retrain.backtest.stream import LabelledStream, windows_by_hours, windows_by_rows
from upkeep.errors import InputError

HOUR = np.timedelta64(1, "h")


def stream(rows, step_h=1, delay_h=2.0):
    when = np.datetime64("2024-01-01T00", "us") + np.arange(rows) * step_h * HOUR
    return LabelledStream.of({"x": np.arange(float(rows))}, np.arange(rows) % 2, when, delay_h)


def test_rows_are_put_in_the_order_of_time_with_their_labels():
    when = np.array(["2024-01-02", "2024-01-01"], dtype="datetime64[D]")
    made = LabelledStream.of({"x": np.array([2.0, 1.0])}, np.array([1, 0]), when, np.array([1.0, np.inf]))

    assert made.table["x"].tolist() == [1.0, 2.0]
    assert made.labels.tolist() == [0.0, 1.0]
    assert np.isnat(made.known_at[0])
    assert made.known_at[1] == np.datetime64("2024-01-02T01")


def test_shuffling_keeps_times_rows_and_each_rows_delay():
    made = stream(50, delay_h=np.arange(50.0))
    drawn = made.shuffled(np.random.default_rng(1))

    assert (drawn.when == made.when).all()
    assert sorted(drawn.table["x"]) == made.table["x"].tolist()
    assert ((drawn.known_at - drawn.when) / HOUR == drawn.table["x"]).all()
    assert (drawn.table["x"] % 2 == drawn.labels).all()
    assert (drawn.table["x"] != made.table["x"]).any()


def test_windows_of_hours_leave_out_an_unfinished_last_one():
    windows = windows_by_hours(stream(60), 24)

    assert [(w.start, w.stop) for w in windows] == [(0, 24), (24, 48), (48, 60)]
    assert [(w.start, w.stop) for w in windows_by_hours(stream(58), 24)] == [(0, 24), (24, 48)]
    assert windows[1].until == np.datetime64("2024-01-03")
    assert windows[1].hours == 24


def test_windows_of_rows_end_when_their_last_row_is_predicted():
    windows = windows_by_rows(stream(7), 3)

    assert [(w.start, w.stop) for w in windows] == [(0, 3), (3, 6)]
    assert windows[0].until == np.datetime64("2024-01-01T02")


@pytest.mark.parametrize(
    ("labels", "delay", "said"),
    [
        ([0, np.nan], 1.0, "each with its time and its label"),
        ([0, 1], -1.0, "0 hours or more"),
        ([0, 2], 1.0, "0 or 1"),
    ],
)
def test_what_cannot_be_replayed_is_said(labels, delay, said):
    when = np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[D]")
    with pytest.raises(InputError, match=said):
        LabelledStream.of({}, np.array(labels), when, delay)


def test_some_labels_never_come():
    hours = exponential_delays(5.0, 10_000, np.random.default_rng(1), never=0.2)

    assert 0.18 < np.isinf(hours).mean() < 0.22
    assert 4.7 < hours[np.isfinite(hours)].mean() < 5.3


@pytest.mark.parametrize("hours", [0, -1.0, 1e12, 24 * 99_999_999_999, np.inf, np.nan])
def test_a_window_lasts_more_than_nothing_and_at_most_a_century(hours):
    with pytest.raises(InputError, match="at most 100 years"):
        windows_by_hours(stream(5), hours)


def test_a_label_that_is_later_than_a_century_never_comes():
    assert np.isnat(stream(2, delay_h=np.array([1e15, 1e300])).known_at).all()


def test_a_feature_cannot_have_the_name_of_the_models_score():
    with pytest.raises(InputError, match="'score' is the model's own"):
        LabelledStream.of({"score": np.zeros(1)}, np.ones(1), np.array(["2024-01-01"], dtype="datetime64[D]"), 1.0)
