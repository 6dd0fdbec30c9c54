import json
from types import SimpleNamespace

import numpy as np

from upkeep.core.drift.adversary import TOLERANCE
from upkeep.core.drift.adversary_baseline import AdversaryBaseline, natural_lead
from upkeep.core.profile.samples import RowSample

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
        table, np.arange(rows), np.full(rows, np.nan) if loss is None else loss(table), when, seed=3
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
    assert fitted(0.0).leads == {168: TOLERANCE, 672: TOLERANCE}  # a day has too few rows to say anything


def test_a_season_that_returns_is_no_drift_but_a_stronger_one_is():
    baseline = fitted(1.0)

    assert baseline.tolerance(168) > 0.12
    assert called(baseline, 1.0, baseline.tolerance(168)) == 0
    assert called(baseline, 1.0, TOLERANCE) > 0  # the negative control does not know of seasons
    assert called(baseline, 3.0, baseline.tolerance(168)) > 0


def told_apart(monkeypatch, weighted):
    """AUC of live rows like those of a reference of ten times the sample's size, most of whose loss is in a few rows."""
    rng = np.random.default_rng(4)
    rows = 100_000
    x = rng.normal(size=rows)
    loss = np.where(x > 1.5, 8.0, 0.1)
    if not weighted:  # as if every row that was sampled stood for as many
        monkeypatch.setattr(RowSample, "inclusion", property(lambda sample: np.ones(len(sample.ids))))
    when = np.datetime64("2024-01-01", "us") + np.arange(rows) * np.timedelta64(60, "s")
    baseline = AdversaryBaseline.fit({"x": x}, np.arange(rows), loss, when, seed=3)
    live = baseline.start.update({"x": rng.normal(size=8_000)})
    return live.report(look=1)


def test_weighting_by_loss_does_not_make_the_reference_look_different_from_itself(monkeypatch):
    assert not told_apart(monkeypatch, weighted=True).drifted
    assert told_apart(monkeypatch, weighted=False).drifted  # the negative control


def test_a_past_window_of_few_rows_excuses_nothing():
    rng = np.random.default_rng(5)
    rows = np.array([900, 900, 2, 900, 1, 900, 20])
    week = np.repeat(np.arange(7), rows)
    when = np.datetime64("2024-01-01", "us") + (week * 7).astype("m8[D]")
    table = {"x": rng.normal(size=len(week)) + 3.0 * (rows[week] < 30)}
    baseline = AdversaryBaseline.fit(table, np.arange(len(week)), np.full(len(week), np.nan), when, seed=3)
    assert baseline.leads[168] == TOLERANCE


def test_no_past_excuses_a_window_that_has_nothing_in_common_with_the_reference():
    class Perfect:
        """An adversary that is never wrong."""

        def next_window(self):
            return self

        def update(self, rows):
            return self

        def report(self, look):
            return SimpleNamespace(auc=1.0)

    assert natural_lead(Perfect(), {"x": np.arange(600.0)}, [np.arange(300)] * 3) == 0.45
    assert natural_lead(Perfect(), {"x": np.arange(600.0)}, [np.arange(300)] * 2) is None


def test_it_survives_json_to_the_bit():
    baseline = fitted(0.5)
    stored = json.loads(json.dumps(baseline.to_json(), allow_nan=False))
    assert AdversaryBaseline.from_json(stored).to_json() == baseline.to_json()
