"""When a window's labels will be enough, from the logs of predictions and feedback."""

import numpy as np
import pytest

from upkeep.adapters.parquet_datasets import ParquetDatasets
from upkeep.stages import label_delays
from upkeep.stages.label_delays import learn_delays
from upkeep.stages.labels import feedback_state

MONDAY = np.datetime64("2026-01-05", "us")
HOUR = np.timedelta64(1, "h")
ROWS = 1_000  # in each week


@pytest.fixture
def datasets(tmp_path):
    return ParquetDatasets(tmp_path)


def week(datasets, number, *, as_of, never=0.0, accuracy=0.9, mean_h=20.0):
    """A week of predictions, evenly spaced, and those of its labels that came by `as_of`, a time."""
    rng = np.random.default_rng(number)
    ids = number * ROWS + np.arange(ROWS)
    at = MONDAY + (number * 168 * 3600 + np.arange(ROWS) * 168 * 3600 // ROWS) * np.timedelta64(1, "s")
    delay = (rng.exponential(mean_h, ROWS) * 3600).astype(int) * np.timedelta64(1, "s")
    seen, come = at + delay, rng.random(ROWS) >= never
    right = rng.random(ROWS) < accuracy
    table = {"prediction_id": ids, "predicted_at": at, "prediction": np.ones(ROWS, dtype=np.int64)}
    datasets.write("tip/predictions", f"p{number}", [table], time="predicted_at")
    known = come & (seen <= np.datetime64(as_of, "us"))
    labels = {"prediction_id": ids[known], "observed_at": seen[known], "label": right[known].astype(np.int64)}
    datasets.write("tip/feedback", f"l{number}", [labels], time="observed_at")
    return seen, right, come


def state(datasets, as_of, precision, since="2026-01-19", until="2026-01-26"):
    return feedback_state(datasets, model="tip", since=since, until=until, as_of=as_of, precision=precision)


def three_weeks(datasets, as_of, **changes):
    return [week(datasets, number, as_of=as_of, **changes) for number in range(3)][-1]


def test_the_moment_that_is_foreseen_is_about_the_one_that_comes(datasets):
    seen, _, _ = three_weeks(datasets, "2026-01-23T12:00:00")
    found = state(datasets, "2026-01-23T12:00:00", 0.02, until="2026-01-26")
    assert found.never == ""
    # nine in ten are right: half-width .02 takes about 880 labels, and the 880th comes at
    moment = np.sort(seen)[880]
    assert abs(np.datetime64(found.ready_at) - moment) < 12 * HOUR
    assert np.datetime64(found.ready_from) < moment < np.datetime64(found.ready_to)
    assert found.sentence == (
        f"precision {found.half_width:.2g} now, 0.02 expected {found.ready_at[:16].replace('T', ' ')}"
    )
    assert np.datetime64(found.newest_label) <= np.datetime64("2026-01-23T12:00:00")


def test_a_precision_that_is_reached_or_not_asked_for_needs_no_forecast(datasets):
    three_weeks(datasets, "2026-02-10")
    for precision in (0.05, None):
        found = state(datasets, "2026-02-10", precision)
        assert (found.ready_at, found.never, found.final) == (None, "", False)
        assert found.sentence == f"precision {found.half_width:.2g} now"


def test_labels_that_never_come_are_not_waited_for(datasets):
    three_weeks(datasets, "2026-02-10", never=0.4)
    found = state(datasets, "2026-02-10", 0.02)
    assert found.final
    assert found.pending > 300
    assert found.ready_at is None
    assert "cannot be reached: for +/- 0.02 about" in found.sentence
    assert found.never.endswith("of the labels never come.")


def test_without_labels_enough_nothing_is_foreseen(datasets):
    three_weeks(datasets, "2026-01-05T00:30:00")
    found = state(datasets, "2026-01-26", 0.02)
    assert (found.ready_at, found.never, found.final, found.half_width) == (None, "", False, 0.5)
    assert "too few labels have come to learn delays from" in found.sentence


def test_labels_after_the_moment_of_looking_are_not_known(datasets):
    three_weeks(datasets, "2026-02-10")
    early = learn_delays(
        datasets, model="tip", since="2026-01-19", until="2026-01-26", as_of=np.datetime64("2026-01-20", "us")
    )
    assert early.newest <= np.datetime64("2026-01-20")
    assert early.curve.rows < 2.3 * ROWS  # predictions after the newest label tell nothing


def test_rows_wait_up_to_the_newest_label_and_not_up_to_now(datasets):
    three_weeks(datasets, "2026-01-20")  # the feed of labels is six days behind
    found = learn_delays(
        datasets, model="tip", since="2026-01-19", until="2026-01-26", as_of=np.datetime64("2026-01-26", "us")
    )
    assert found.curve.quantile(0.5) == pytest.approx(20 * np.log(2), rel=0.1)
    assert found.accuracy == pytest.approx(0.9, abs=0.02)


def test_only_eight_windows_before_are_read(datasets):
    for number in range(12):
        week(datasets, number, as_of="2026-06-01", mean_h=100.0 if number < 3 else 10.0)
    found = learn_delays(
        datasets, model="tip", since="2026-03-23", until="2026-03-30", as_of=np.datetime64("2026-06-01", "us")
    )
    assert found.curve.rows == 9 * ROWS
    assert found.curve.quantile(0.5) == pytest.approx(10 * np.log(2), rel=0.1)


def test_many_predictions_are_thinned_evenly(datasets, monkeypatch):
    three_weeks(datasets, "2026-02-10")
    whole = learn_delays(
        datasets, model="tip", since="2026-01-19", until="2026-01-26", as_of=np.datetime64("2026-02-10")
    )
    monkeypatch.setattr(label_delays, "ROWS", 400)
    thin = learn_delays(
        datasets, model="tip", since="2026-01-19", until="2026-01-26", as_of=np.datetime64("2026-02-10")
    )
    assert 200 <= thin.curve.rows <= 400
    assert thin.newest == whole.newest
    assert thin.curve.labelled_by(20.0) == pytest.approx(whole.curve.labelled_by(20.0), abs=0.1)
