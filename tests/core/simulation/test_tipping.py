"""The relation between a trip and its label."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.simulation.rides import draw_rides
from upkeep.core.simulation.tipping import draw_tips, generous, tip_probability

CENTS = st.integers(0, 100_000)


@given(tip=CENTS, fare=CENTS)
def test_the_label_is_that_of_exact_arithmetic(tip: int, fare: int) -> None:
    expected = Decimal(tip) > Decimal(fare) / 5
    assert generous([tip / 100], [fare / 100])[0] == expected


def test_a_probability_is_that_worked_out_by_hand() -> None:
    ride = {
        "trip_distance": np.array([1.0, 1.0, 1.0]),
        "pickup_datetime": np.array(["2024-03-05T12:10"] * 3, "datetime64[us]"),
        "passenger_count": np.array([1, 1, 1]),
        "dropoff_location_id": np.array([237, 138, 237]),  # Manhattan, Queens, Manhattan
        "payment_type": np.array([1, 1, 2]),
    }
    # log(1 mile) = 0: 1 / (1 + exp(-1.45)) and 1 / (1 + exp(-1.15)); cash never tips.
    assert tip_probability(ride, changed=False) == pytest.approx([0.809998, 0.759511, 0.0], abs=1e-6)


@pytest.mark.parametrize("changed", [False, True])
def test_labels_come_with_the_stated_probability(changed: bool) -> None:
    begin = np.datetime64("2024-03-04", "us")
    rides = draw_rides(np.random.default_rng(3), begin=begin, rows=50_000, season=True, new_year=False)
    labels = generous(draw_tips(np.random.default_rng(4), rides, changed=changed), rides["fare_amount"])
    stated, other = tip_probability(rides, changed=changed), tip_probability(rides, changed=not changed)
    assert set(labels.tolist()) == {0.0, 1.0}
    for low, high in ((0.1, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.0)):
        here = (stated >= low) & (stated < high)
        z = (labels[here] - stated[here]).sum() / np.sqrt((stated * (1 - stated))[here].sum() + 1e-12)
        assert abs(z) < 4
    # Negative control: the other relation does not fit these labels.
    assert abs((labels - other).sum()) / np.sqrt((other * (1 - other)).sum()) > 20


def test_tips_are_whole_cents_and_cash_has_none() -> None:
    begin = np.datetime64("2024-03-04", "us")
    rides = draw_rides(np.random.default_rng(5), begin=begin, rows=5_000, season=True, new_year=False)
    tips = draw_tips(np.random.default_rng(6), rides, changed=False)
    assert np.abs(tips * 100 - np.rint(tips * 100)).max() < 1e-9
    assert not tips[rides["payment_type"] != 1].any()
