import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.feedback.delay.curve import DelayCurve
from upkeep.core.feedback.delay.forecast import forecast
from upkeep.core.feedback.intervals import clopper_pearson
from upkeep.errors import InputError

#: Evenly within twenty hours, each and every one.
EVEN = DelayCurve.fit(np.linspace(0, 20, 2_001), np.zeros(2_001, bool))


def some_never(never, n=5_000):
    """Labels of a share 1 - never come evenly within twenty hours; all rows were watched for two hundred."""
    come = round(n * (1 - never))
    hours = np.append(np.linspace(0, 20, come), np.full(n - come, 200.0))
    return DelayCurve.fit(hours, np.arange(n) >= come)


def half_width(share, labels):
    low, high = clopper_pearson(round(share * labels), labels, 0.05)
    return (high - low) / 2


def test_when_half_of_the_labels_are_needed_by_hand():
    told = forecast(np.zeros(2_000), 0, 0, EVEN, precision=half_width(0.5, 1_000))
    assert told.needed == pytest.approx(1_000, rel=0.01)
    assert told.ready_h == pytest.approx(10, abs=0.2)  # 1,000 of 2,000 labels, 100 an hour
    assert (told.final, told.half_width, told.never) == (2_000, 0.5, "")
    assert told.final_half_width == half_width(0.5, 2_000)


def test_rows_that_have_waited_are_expected_sooner():
    # of 1,000 rows that waited ten hours, all come within ten more: 100 an hour; 400 more labels are needed
    told = forecast(np.full(1_000, 10.0), 600, 300, EVEN, precision=half_width(0.5, 1_000))
    assert told.ready_h == pytest.approx(4, abs=0.1)
    assert told.early_h < told.ready_h < told.late_h


def test_rows_that_are_still_to_be_predicted_are_waited_for():
    told = forecast(np.full(2_000, -5.0), 0, 0, EVEN, precision=half_width(0.5, 1_000))
    assert told.ready_h == pytest.approx(15, abs=0.2)


def test_a_precision_that_is_reached_is_ready_now():
    told = forecast(np.zeros(100), 900, 450, EVEN, precision=0.05)
    assert (told.ready_h, told.early_h, told.late_h, told.never, told.final_now) == (0, 0, 0, "", False)


def test_the_plateau_says_why_it_will_never_be():
    curve, precision = some_never(0.4), half_width(0.9, 900)
    told = forecast(np.full(600, 12.0), 400, 360, curve, precision=precision)
    assert told.final == pytest.approx(400 + 600 * (0.6 - 0.36) / (1 - 0.36), abs=1)
    assert told.ready_h is None
    assert told.never.startswith("for +/- 0.0201521 about 900 labels are needed")
    assert "of 1000 no more than 6" in told.never
    assert told.never.endswith("of the labels never come.")
    assert not told.final_now  # two hundred more are worth waiting for
    later = forecast(np.full(400, 150.0), 600, 540, curve, precision=precision)
    assert (later.final_now, later.final) == (True, 600)


def test_an_accuracy_that_is_hardly_known_might_still_need_fewer_labels():
    told = forecast(np.zeros(1_000), 0, 0, some_never(0.4), precision=half_width(0.9, 900), accuracy=0.9)
    assert (told.ready_h, told.late_h, told.never) == (None, None, "")
    assert told.early_h < 20


def test_a_window_that_is_too_small_says_so_and_is_waited_for_all_the_same():
    told = forecast(np.zeros(100), 0, 0, EVEN, precision=0.001, accuracy=0.9)
    assert "the window has 100 predictions" in told.never
    assert not told.final_now
    assert forecast(np.full(5, 19.0), 95, 85, EVEN, precision=0.001).final_now


def test_while_the_plateau_is_not_known_nothing_is_said_to_be_never():
    young = DelayCurve.fit(np.full(1_000, 5.0), np.arange(1_000) > 100)
    told = forecast(np.full(1_000, 5.0), 0, 0, young, precision=half_width(0.5, 900))
    assert (told.ready_h, told.never, told.final_now) == (None, "", False)


def test_an_accuracy_near_a_half_takes_longer():
    ready = [
        forecast(np.zeros(4_000), 0, 0, EVEN, precision=0.02, accuracy=accuracy).ready_h
        for accuracy in (0.95, 0.8, 0.6)
    ]
    assert ready[0] < ready[1] < ready[2]


def test_a_curve_of_few_rows_is_less_sure():
    rng = np.random.default_rng(1)
    widths = []
    for n in (100, 10_000):
        curve = DelayCurve.fit(rng.uniform(0, 20, n), np.zeros(n, bool))
        told = forecast(np.zeros(5_000), 0, 0, curve, precision=half_width(0.9, 2_500), accuracy=0.9)
        widths.append(told.late_h - told.early_h)
    assert widths[1] < widths[0]


@given(st.integers(0, 300), st.integers(0, 400), st.floats(0.01, 0.4), st.floats(0, 0.9), st.floats(0, 1))
def test_the_limits_are_in_order_whatever_comes(pending, labelled, precision, never, right):
    told = forecast(
        np.linspace(0, 30, pending), labelled, round(right * labelled), some_never(never, 300), precision=precision
    )
    assert labelled <= told.final_low <= told.final <= told.final_high <= labelled + pending
    assert told.final_half_width >= 0
    if told.ready_h is not None:
        assert told.early_h is not None
        assert told.early_h <= told.ready_h + 1e-9
    if told.late_h is not None:
        assert told.ready_h is not None
        assert told.ready_h <= told.late_h + 1e-9
    if told.half_width <= precision:
        assert told.ready_h == 0
    if told.never:
        assert told.ready_h is None


def test_no_row_and_no_label_can_be_looked_at():
    told = forecast([], 0, 0, EVEN, precision=0.1)
    assert (told.final, told.ready_h, told.final_now) == (0, None, True)


@pytest.mark.parametrize(
    ("pending", "labelled", "correct", "precision", "message"),
    [
        ([1.0], 3, 2, 1.5, "precision must lie strictly between 0 and 1"),
        ([np.nan], 3, 2, 0.1, "ages must be finite"),
        ([1.0], 3, 4, 0.1, "got 4 of 3"),
    ],
)
def test_what_cannot_be_foreseen_is_refused(pending, labelled, correct, precision, message):
    with pytest.raises(InputError, match=message):
        forecast(pending, labelled, correct, EVEN, precision=precision)
