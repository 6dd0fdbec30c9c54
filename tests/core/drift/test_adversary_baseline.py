import json

import numpy as np
import pytest

from upkeep.core.drift.adversary import TOLERANCE
from upkeep.core.drift.adversary_baseline import AdversaryBaseline

WEEKS, ROWS = 12, 1_000


def season(rng, weeks, strength):
    """Rows of some weeks, in which x moves up and down once every four weeks."""
    week = np.repeat(np.arange(weeks), ROWS)
    when = np.datetime64("2024-01-01", "us") + (week * 7 + rng.integers(0, 7, len(week))).astype("m8[D]")
    moved = strength * np.sin(np.pi / 2 * week)
    return {"x": rng.normal(size=len(week)) + moved, "y": rng.normal(size=len(week))}, when


def fitted(strength, loss=None):
    table, when = season(np.random.default_rng(1), WEEKS, strength)
    rows = len(when)
    return AdversaryBaseline.fit(
        table, np.arange(rows), np.full(rows, np.nan) if loss is None else loss(table), when, days=7, seed=3
    )


def called(baseline, strength, tolerance):
    """Windows of a later year that are called moved."""
    table, _ = season(np.random.default_rng(2), WEEKS, strength)
    state, found = baseline.start, 0
    for week in range(WEEKS):
        rows = slice(week * ROWS, week * ROWS + ROWS)
        state = state.next_window().update({name: values[rows] for name, values in table.items()})
        found += state.report(look=week + 1, tolerance=tolerance).drifted
    return found


def test_a_reference_that_stands_still_has_the_least_tolerance():
    assert fitted(0.0).tolerance == TOLERANCE


def test_a_season_that_returns_is_no_drift_but_a_stronger_one_is():
    baseline = fitted(1.0)

    assert baseline.tolerance > 0.12
    assert called(baseline, 1.0, baseline.tolerance) == 0
    assert called(baseline, 1.0, TOLERANCE) > 0  # the negative control does not know of seasons
    assert called(baseline, 3.0, baseline.tolerance) > 0


@pytest.mark.parametrize("strength", [0.0, 0.7])
def test_weighting_by_loss_does_not_make_the_reference_look_different_from_itself(strength):
    baseline = fitted(strength, loss=lambda table: np.abs(table["x"]) * 3)
    assert called(baseline, strength, baseline.tolerance) == 0


def test_no_past_excuses_a_window_that_has_nothing_in_common_with_the_reference():
    baseline = fitted(200.0)
    assert baseline.tolerance <= 0.45


def test_it_survives_json_to_the_bit():
    baseline = fitted(0.5)
    stored = json.loads(json.dumps(baseline.to_json(), allow_nan=False))
    assert AdversaryBaseline.from_json(stored).to_json() == baseline.to_json()
