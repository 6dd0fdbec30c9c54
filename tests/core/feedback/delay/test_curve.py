import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import CensoredData, beta, ecdf

from upkeep.core.feedback.delay.curve import DelayCurve
from upkeep.errors import InputError

#: Weeks in remission under 6-mercaptopurine, + = still in remission (Freireich et al. 1963, Blood 21).
WEEKS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
STILL = [0, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1]
#: Share in remission and its standard error, as printed by Kleinbaum & Klein, Survival Analysis, and by R's survfit.
PRINTED = {6: (0.857, 0.0764), 7: (0.807, 0.0869), 10: (0.753, 0.0963), 13: (0.690, 0.1068), 16: (0.627, 0.1141)}
PRINTED |= {22: (0.538, 0.1282), 23: (0.448, 0.1346)}


def leukaemia():
    return DelayCurve.fit(WEEKS, np.array(STILL, dtype=bool))


def rows(least=1, most=60):
    row = st.tuples(st.integers(0, 30).map(lambda h: h / 2), st.booleans(), st.integers(1, 5))
    return st.lists(row, min_size=least, max_size=most).map(
        lambda r: [np.array(column) for column in zip(*r, strict=True)]
    )


def many(rng, n, never=0.03):
    """Lognormal delays of windows up to 200 hours old."""
    delay = np.where(rng.random(n) < never, np.inf, rng.lognormal(2, 1, n))
    age = rng.uniform(0, 200, n)
    return np.minimum(delay, age), delay > age


def test_the_leukaemia_trial_by_hand():
    curve = leukaemia()
    for week, (left, error) in PRINTED.items():
        assert 1 - curve.labelled_by(week) == pytest.approx(left, abs=5.1e-4)
        assert curve.standard_error(week) == pytest.approx(error, abs=5.1e-5)
    assert curve.labelled_by(6) == pytest.approx(3 / 21, abs=1e-15)
    assert curve.labelled_by(7) == pytest.approx(1 - 18 / 21 * 16 / 17, abs=1e-15)
    assert curve.labelled_by([5.99, 6.5, 35, 99]).round(3).tolist() == [0, 0.143, 0.552, 0.552]
    assert (curve.rows, curve.longest, curve.moved) == (21, 35, 0)


def test_its_median_and_interval_by_hand():
    curve = leukaemia()
    assert curve.quantile(0.5) == 23  # R's survfit: median 23
    assert curve.quantile(0.6) is None
    low, high = curve.interval([10.0])
    # log(-log) by hand: exp(+-1.959964 * 0.0963 / (0.7529 * log 0.7529))
    assert (1 - high[0], 1 - low[0]) == (pytest.approx(0.5032, abs=2e-4), pytest.approx(0.8894, abs=2e-4))


def test_the_steps_and_errors_are_those_of_scipy():
    weeks, still = np.array(WEEKS, float), np.array(STILL, bool)
    oracle = ecdf(CensoredData(uncensored=weeks[~still], right=weeks[still])).cdf
    curve = leukaemia()
    assert curve.labelled_by(oracle.quantiles) == pytest.approx(oracle.probabilities, abs=1e-14)
    limits = oracle.confidence_interval(0.95, method="log-log")
    low, high = curve.interval(oracle.quantiles)
    inside = (oracle.probabilities > 0) & ~np.isnan(limits.low.probabilities)
    assert low[inside] == pytest.approx(limits.low.probabilities[inside], abs=1e-12)
    assert high[inside] == pytest.approx(limits.high.probabilities[inside], abs=1e-12)


@given(rows())
def test_without_pending_rows_it_is_the_share_of_rows(drawn):
    hours = drawn[0]
    curve = DelayCurve.fit(hours, np.zeros(len(hours), bool))
    for age in (0, 3.2, 7.5, 15):
        assert curve.labelled_by(age) == pytest.approx((hours <= age).mean(), abs=1e-12)


@given(rows())
def test_it_rises_within_0_and_1_and_its_interval_holds_it(drawn):
    curve = DelayCurve.fit(drawn[0], drawn[1])
    at = np.linspace(0, 20, 81)
    labelled, (low, high) = curve.labelled_by(at), curve.interval(at)
    assert ((labelled >= 0) & (labelled <= 1)).all()
    assert (np.diff(labelled) >= 0).all()
    assert ((0 <= low) & (low <= labelled + 1e-12) & (labelled <= high + 1e-12) & (high <= 1)).all()
    assert (curve.standard_error(at) >= 0).all()


@given(rows(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter_and_equal_rows_are_a_weight(drawn, random):
    hours, pending, times = drawn
    order = list(range(len(hours)))
    random.shuffle(order)
    repeated = np.repeat(np.arange(len(hours)), times)
    random.shuffle(order)
    at = np.linspace(0, 20, 81)
    expected = DelayCurve.fit(hours[repeated], pending[repeated])
    weighted = DelayCurve.fit(hours[order], pending[order], weights=times[order])
    assert weighted.labelled_by(at) == pytest.approx(expected.labelled_by(at), abs=1e-12)
    assert weighted.rows == expected.rows
    assert (weighted.standard_error(at) >= expected.standard_error(at) - 1e-12).all()  # copies are not new rows


@given(rows())
def test_every_seen_share_is_reached_at_its_quantile_and_not_before(drawn):
    curve = DelayCurve.fit(drawn[0], drawn[1])
    for q in (0.05, 0.25, 0.5, 0.9, 1.0):
        age = curve.quantile(q)
        assert (age is None) == (curve.labelled_by(1e6) < q - 1e-9)
        if age is not None:
            assert curve.labelled_by(age) >= q - 1e-9
            assert age == 0 or curve.labelled_by(age * (1 - 1e-9)) < q


def test_a_pending_row_as_old_as_a_label_was_at_risk_of_it():
    assert DelayCurve.fit([2, 2], [False, True]).labelled_by(2) == 0.5


@pytest.mark.parametrize("knots", [200, 64])
def test_two_hundred_knots_stand_for_every_step_within_what_they_tell(knots):
    rng = np.random.default_rng(1)
    hours, pending = many(rng, 20_000)
    short, whole = (DelayCurve.fit(hours, pending, knots=k) for k in (knots, 60_000))
    assert whole.moved == 0
    assert len(short.ages) <= knots
    at = np.concatenate([hours, np.nextafter(hours, 0)])
    moved = np.abs(short.labelled_by(at) - whole.labelled_by(at))
    assert moved.max() == pytest.approx(short.moved, abs=1e-12)
    assert short.moved < 0.3 / knots  # promised are 1.7 / knots, for any steps
    assert [short.quantile(q) for q in (0.25, 0.5, 0.75)] == [whole.quantile(q) for q in (0.25, 0.5, 0.75)]
    assert np.abs(short.standard_error(hours) - whole.standard_error(hours)).max() < 2e-4


def test_labels_that_come_in_batches_stay_exact():
    rng = np.random.default_rng(2)
    hours, pending = many(rng, 50_000)
    hours = np.ceil(hours / 24) * 24
    assert DelayCurve.fit(hours, pending).moved == 0


@given(st.lists(st.floats(0, 1e6), min_size=300, max_size=600))
def test_no_steps_are_moved_by_more_than_promised(hours):
    curve = DelayCurve.fit(hours, np.arange(len(hours)) % 7 == 0, knots=40)
    assert len(curve.ages) <= 40
    assert curve.moved <= 1.7 / 40


def test_before_the_first_label_and_after_the_last_the_limits_are_the_exact_ones():
    none = DelayCurve.fit(np.full(50, 9.0), np.ones(50, bool))
    assert none.labelled_by(9) == 0
    assert none.interval([9.0])[1][0] == pytest.approx(beta.ppf(0.975, 1, 50))  # 0 of 50
    both = DelayCurve.fit(np.full(50, 3.0), np.zeros(50, bool))
    low, high = both.interval([3.0])
    assert (low[0], high[0]) == (pytest.approx(beta.ppf(0.025, 50, 1)), 1)  # 50 of 50


def test_the_hazard_is_labels_per_waiting_hour():
    rng = np.random.default_rng(3)
    delay, age = rng.exponential(10, 100_000), rng.uniform(0, 40, 100_000)
    rates = DelayCurve.fit(np.minimum(delay, age), delay > age).hazard([0, 5, 10, 20, 50])
    assert rates[:3] == pytest.approx([0.1] * 3, rel=0.05)
    assert math.isnan(rates[3])  # beyond all ages


def test_json_keeps_every_bit():
    curve = DelayCurve.fit(*many(np.random.default_rng(4), 5_000))
    record = json.loads(json.dumps(curve.to_json(), allow_nan=False))
    again = DelayCurve.from_json(record)
    at = np.linspace(0, 300, 1_000)
    assert np.array_equal(again.labelled_by(at), curve.labelled_by(at))
    assert np.array_equal(again.interval(at), curve.interval(at))
    assert again.plateau == curve.plateau
    assert len(json.dumps(record)) < 30_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 9}, "must have format 1, got 9"),
        ({"rows": -1.0}, "numbers of at least 0"),
        ({"moved": -0.5}, "numbers of at least 0"),
        ({"rows": float("nan")}, "numbers of at least 0"),
        ({"rows": 10**400}, "numbers of at least 0"),
        ({"ages": [1, 10**400]}, "lists of numbers of one length"),
        ({"error": [0.1, float("inf")]}, "lists of numbers of one length"),
        ({"after": [0.5]}, "lists of numbers of one length"),
        ({"after": [0.5, 0.4], "before": [0, 0.5]}, "must rise with age within"),
        ({"ages": [3.0, 3.0]}, "must rise with age within"),
        ({"error": [-0.1, 0.2]}, "must be at least 0"),
        ({"rows": "many"}, "must be numbers"),
        ({"ages": None}, "lists of numbers of one length"),
    ],
)
def test_a_record_that_cannot_be_a_curve_is_refused(change, message):
    record = DelayCurve.fit([1, 2], [False, False]).to_json()
    with pytest.raises(InputError, match=message):
        DelayCurve.from_json(record | change)
    with pytest.raises(InputError, match="lacks"):
        DelayCurve.from_json({"format": 1})


@pytest.mark.parametrize(
    ("hours", "pending", "weights", "message"),
    [
        ([], [], None, "n > 0"),
        ([1, 2], [False], None, "one shape"),
        ([1, -2], [False, True], None, "hours must be finite and at least 0; 1 of 2 are not, first at row 1: -2.0"),
        ([1, np.nan], [False, True], None, "hours must be finite"),
        ([1, 2], [0.0, 1.0], None, "must be booleans"),
        ([1, 2], [False, True], [1, 0], "weights must be finite and above 0"),
    ],
)
def test_rows_that_cannot_be_are_refused(hours, pending, weights, message):
    with pytest.raises(InputError, match=message):
        DelayCurve.fit(hours, np.array(pending, dtype=None if pending else bool), weights=weights)


def test_settings_and_ages_that_cannot_be_are_refused():
    curve = leukaemia()
    with pytest.raises(InputError, match="40 knots"):
        DelayCurve.fit([1], [False], knots=3)
    with pytest.raises(InputError, match="0 hours or more"):
        curve.labelled_by([-1.0])
    with pytest.raises(InputError, match="q must lie"):
        curve.quantile(0)
    with pytest.raises(InputError, match="alpha"):
        curve.interval([1.0], alpha=95)
    with pytest.raises(InputError, match="rising"):
        curve.hazard([3, 2])
