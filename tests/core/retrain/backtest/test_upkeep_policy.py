"""A retrain where a correction on recent labels is certainly better, whether or not the model got worse."""

import numpy as np
import pytest

from upkeep.core.retrain.backtest.never import Never
from upkeep.core.retrain.backtest.replay import replay
from upkeep.core.retrain.backtest.stream import LabelledStream, windows_by_rows
from upkeep.core.retrain.backtest.training import TrainingRule
from upkeep.core.retrain.backtest.upkeep_policy import UpkeepPolicy
from upkeep.core.retrain.correction import ROWS
from upkeep.core.retrain.decision import DecisionPolicy

LENGTH, WINDOW, RULE = 9_000, 300, TrainingRule(windows=8)
CHANGED = LENGTH // 2 // WINDOW - RULE.windows


def line(table, labels, weights):
    """Least squares on whatever columns there are."""
    one = np.column_stack([np.ones(len(labels)), *table.values()])
    found = np.linalg.lstsq(one, 2.0 * labels - 1, rcond=None)[0]
    return lambda rows: np.clip((1 + np.column_stack([np.ones(len(rows["x"])), *rows.values()]) @ found) / 2, 0, 1)


def stream(answer, delay_h=24.0, seed=1, shift=0.0):
    """x and y are normal, `answer` says from x, y and the share of time gone by what the log-odds are."""
    rng = np.random.default_rng(seed)
    past = np.arange(LENGTH) / LENGTH
    x, y = rng.normal(size=LENGTH) + shift * (past >= 0.5), rng.normal(size=LENGTH)
    label = rng.random(LENGTH) < 1 / (1 + np.exp(-3 * answer(x, y, past)))
    when = np.datetime64("2024-01-01", "us") + np.arange(LENGTH) * np.timedelta64(30, "m")
    return LabelledStream.of({"x": x, "y": y}, label, when, rng.exponential(delay_h, LENGTH))


def lived(source, policy):
    return replay(source, windows_by_rows(source, WINDOW), policy, line, rule=RULE)


def turned(x, y, past):
    return np.where(past >= 0.5, -x, x)


def test_a_turned_answer_leads_to_a_retrain_that_wins_the_error_back():
    found = lived(stream(turned), UpkeepPolicy(line))

    assert CHANGED <= found.retrains[0].window <= CHANGED + 3
    assert found.retrains[0].cause == "concept_shift"
    assert len(found.retrains) <= 3
    assert found.wrong[-5:].mean() < found.wrong[:CHANGED].mean() + 0.05 * WINDOW


@pytest.mark.parametrize("shift", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_no_retrain_where_the_model_is_as_good_as_any(shift, seed):
    assert lived(stream(lambda x, y, past: x, seed=seed, shift=shift), UpkeepPolicy(line)).retrains == ()


@pytest.mark.parametrize("seed", range(4))
def test_no_retrain_on_a_shuffled_stream(seed):
    source = stream(turned).shuffled(np.random.default_rng(seed))

    assert lived(source, UpkeepPolicy(line)).retrains == ()


def test_a_model_that_is_bad_from_its_first_day_is_replaced_though_it_never_gets_worse():
    source = stream(lambda x, y, past: np.where(past < 0.18, x, y))  # turned shortly before the first model is trained
    ours, never = lived(source, UpkeepPolicy(line)), lived(source, Never())

    assert [retrain.cause for retrain in ours.retrains] == ["recoverable_loss"]
    assert ours.mean_error < never.mean_error - 0.1


def test_what_is_tolerated_is_left_alone():
    tolerant = DecisionPolicy(max_loss=0.9)

    assert lived(stream(turned), UpkeepPolicy(line, policy=tolerant)).retrains == ()


def test_no_label_judges_a_correction_that_it_has_taught():
    taught, judged = [], []

    def watched(table, labels, weights):
        if "score" not in table:
            return line(table, labels, weights)
        taught.append(set(table["x"].tolist()))
        mine = taught[-1]

        def scorer(rows):
            judged.append((mine, set(rows["x"].tolist())))
            return line(table, labels, weights)(rows)

        return scorer

    source = stream(lambda x, y, past: x)
    replay(source, windows_by_rows(source, WINDOW), UpkeepPolicy(watched), watched, rule=RULE)

    assert len(judged) > 10
    assert not any(learned & asked for learned, asked in judged)
    assert max(map(len, taught)) == ROWS
    assert sum(len(asked) for _, asked in judged) == len(set().union(*(asked for _, asked in judged)))


def test_labels_of_one_class_and_labels_that_never_come_teach_nothing():
    one_class = stream(lambda x, y, past: np.where(past < 0.3, x, 9.0))
    replayed = UpkeepPolicy(line)
    lived(one_class, replayed)
    assert all(np.isfinite(decision.expected_gain) for decision in replayed.decisions)

    late = stream(turned)
    known_at = np.where(np.arange(LENGTH) < RULE.windows * WINDOW, late.known_at, np.datetime64("NaT"))
    silent = LabelledStream(table=late.table, labels=late.labels, when=late.when, known_at=known_at)
    asked = UpkeepPolicy(line)

    assert lived(silent, asked).retrains == ()
    assert "retrain" not in {decision.action for decision in asked.decisions}
