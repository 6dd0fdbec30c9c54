"""Replays small enough to follow by hand: the model answers what was the more frequent label when it was fitted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upkeep.core.retrain.backtest.every_k import EveryK
from upkeep.core.retrain.backtest.never import Never
from upkeep.core.retrain.backtest.policy import Recipe, Retrain
from upkeep.core.retrain.backtest.replay import replay
from upkeep.core.retrain.backtest.stream import LabelledStream, windows_by_rows
from upkeep.core.retrain.backtest.training import TrainingRule
from upkeep.errors import InputError

HOUR = np.timedelta64(1, "h")
RULE = TrainingRule(windows=2, holdout_share=0.25, min_labelled=4)


def majority(table, labels, weights):
    share = np.average(labels, weights=weights)
    return lambda rows: np.full(len(rows["x"]), share)


def stream(labels, delay_h=0.0):
    when = np.datetime64("2024-01-01T00", "us") + np.arange(len(labels)) * HOUR
    return LabelledStream.of({"x": np.arange(float(len(labels)))}, np.array(labels), when, delay_h)


def lived(labels, policy, delay_h=0.0, fit=majority):
    made = stream(labels, delay_h)
    return replay(made, windows_by_rows(made, 4), policy, fit, rule=RULE)


class Spy:
    """Retrains always, and writes down what it was shown."""

    def __init__(self):
        self.looks = []

    def look(self, look):
        self.looks.append(look)
        return Retrain(cause="always")


# Two windows of mostly zeros train the first model; then come four windows of mostly ones.
LABELS = [0, 0, 0, 1] * 2 + [1, 1, 1, 0] * 4


def test_errors_are_counted_before_labels_are_used():
    found = lived(LABELS, Never())

    assert found.wrong.tolist() == [3, 3, 3, 3]
    assert found.rows.tolist() == [4, 4, 4, 4]
    assert found.mean_error == 0.75
    assert found.retrains == ()


def test_a_retrain_serves_from_the_next_window_on():
    """After the first live window rows 4 to 9 are fitted: 0 0 0 1 1 1; after the second 8 to 13: 1 1 1 0 1 1."""
    found = lived(LABELS, EveryK(1))

    assert found.wrong.tolist() == [3, 1, 1, 1]  # a share of one half is a one as well
    assert [r.window for r in found.retrains] == [0, 1, 2, 3]
    assert {r.fitted_rows for r in found.retrains} == {6}


def test_every_second_window_is_every_second_window():
    assert [r.window for r in lived(LABELS, EveryK(2)).retrains] == [1, 3]


def test_labels_that_are_late_are_not_trained_on():
    """Labels come two hours late: when the first live window ends, at 11 o'clock, those of rows up to 9 are in."""
    spy = Spy()
    lived(LABELS, spy, delay_h=np.where(np.arange(24) < 8, 0.0, 2.0))

    second = spy.looks[1].model
    assert second.fitted.tolist() == [4, 5, 6, 7]
    assert second.held_out.tolist() == [8, 9]
    assert spy.looks[1].labels[:14].tolist() == LABELS[:14]
    assert np.isnan(spy.looks[1].labels[14:]).all()


@settings(max_examples=40, deadline=None)
@given(delays=st.lists(st.floats(0, 40), min_size=24, max_size=24), seed=st.integers(0, 99))
def test_no_policy_sees_a_label_before_it_arrives(delays, seed):
    labels = np.random.default_rng(seed).integers(0, 2, 24)
    labels[:8] = [0, 1] * 4
    delay = np.where(np.arange(24) < 8, 0.0, delays)
    made, spy = stream(labels, delay), Spy()
    replay(made, windows_by_rows(made, 4), spy, majority, rule=RULE)
    for look in spy.looks:
        now, seen = look.window.until, len(look.labels)
        assert seen == look.window.stop
        assert len(look.table["x"]) == len(look.scores) == seen
        came = made.known_at[:seen] <= now
        assert (np.isnan(look.labels) == ~came).all()
        assert (np.isnat(look.known_at) == ~came).all()
        model = look.model
        assert model.fitted.max() < model.held_out.min() < model.since <= look.window.start
        trained_at = made.when[model.since - 1]
        assert (made.known_at[np.concatenate([model.fitted, model.held_out])] <= trained_at).all()


def test_a_later_recipe_is_used_only_if_it_is_clearly_better():
    labels = [0, 0, 0, 1] * 4 + [1, 1, 1, 1] * 4

    class Both:
        def look(self, look):
            old = Recipe(name="old", since=look.when[0])
            new = Recipe(name="new", weights=lambda table: np.where(table["x"] >= 16, 100.0, 0.01))
            return Retrain(cause="either", recipes=(old, new))

    names = [r.recipe for r in lived(labels, Both()).retrains]
    assert names[0] == "old"  # nothing has changed in the first live windows
    assert "new" in names


def test_too_few_labels_keep_the_model_in_use():
    delay = np.where(np.arange(24) < 8, 0.0, np.inf)
    rule = TrainingRule(windows=2, holdout_share=0.25, min_labelled=5)
    made = stream(LABELS, delay)
    found = replay(made, windows_by_rows(made, 4), EveryK(1), majority, rule=rule)

    assert found.retrains == ()
    assert found.wrong.tolist() == [3, 3, 3, 3]


def test_a_stream_that_is_too_short_is_refused():
    with pytest.raises(InputError, match="needs more windows than the 2"):
        lived(LABELS[:8], Never())
