"""Each policy on a source that changes once, and on one that never does."""

import tracemalloc

import numpy as np
import pytest
from scipy.stats import chi2_contingency, ks_2samp

from upkeep.core.retrain.backtest.adwin import Adwin
from upkeep.core.retrain.backtest.ddm import Ddm
from upkeep.core.retrain.backtest.errors_in_turn import ErrorsInTurn
from upkeep.core.retrain.backtest.ks import KolmogorovSmirnov, p_value
from upkeep.core.retrain.backtest.psi import PopulationStability, stability_index
from upkeep.core.retrain.backtest.replay import replay
from upkeep.core.retrain.backtest.stream import LabelledStream, windows_by_rows
from upkeep.core.retrain.backtest.training import TrainingRule
from upkeep.core.retrain.backtest.upkeep_policy import UpkeepPolicy

ROWS, WINDOW, RULE = 9_000, 300, TrainingRule(windows=8)


def nearest_line(table, labels, weights):
    """Least squares: enough for a label that hangs on the sign of x."""
    x = np.column_stack([np.ones(len(labels)), *table.values()])
    w = np.ones(len(labels)) if weights is None else weights
    line = np.linalg.lstsq(x * w[:, None] ** 0.5, (2 * labels - 1) * w**0.5, rcond=None)[0]
    return lambda rows: 1 / (1 + np.exp(-(np.column_stack([np.ones(len(rows["x"])), *rows.values()]) @ line)))


def source(change, seed=1):
    rng = np.random.default_rng(seed)
    late = np.arange(ROWS) >= ROWS // 2
    x = rng.normal(size=ROWS) + np.where(late & (change == "covariate"), 1.0, 0.0)
    sign = np.where(late & (change == "concept"), -1.0, 1.0)
    label = rng.random(ROWS) < 1 / (1 + np.exp(-3 * sign * x))
    when = np.datetime64("2024-01-01", "us") + np.arange(ROWS) * np.timedelta64(30, "m")
    return LabelledStream.of({"x": x}, label, when, rng.exponential(24.0, ROWS))


def retrains(stream, policy):
    return replay(stream, windows_by_rows(stream, WINDOW), policy, nearest_line, rule=RULE)


CHANGED = ROWS // 2 // WINDOW - RULE.windows


def test_ours_retrains_on_a_concept_shift_and_wins_back_the_error():
    found = retrains(source("concept"), UpkeepPolicy(nearest_line))

    assert CHANGED <= found.retrains[0].window <= CHANGED + 3
    assert found.retrains[0].cause in ("concept_shift", "mixed")
    assert len(found.retrains) <= 4
    late = found.wrong[-5:].sum() / found.rows[-5:].sum()
    assert late < found.wrong[:CHANGED].sum() / found.rows[:CHANGED].sum() + 0.05


@pytest.mark.parametrize("change", ["nothing", "covariate"])
def test_ours_does_not_retrain_where_nothing_can_be_won_back(change):
    assert retrains(source(change), UpkeepPolicy(nearest_line)).retrains == ()


def test_ours_does_not_retrain_on_a_shuffled_stream_but_a_p_value_does():
    for seed in range(3):
        shuffled = source("concept").shuffled(np.random.default_rng(seed))
        assert retrains(shuffled, UpkeepPolicy(nearest_line)).retrains == ()
    alarms = [len(retrains(source("nothing", seed), KolmogorovSmirnov()).retrains) for seed in range(4)]
    assert sum(alarms) > 0


def test_p_values_and_indices_see_a_moved_column():
    stream = source("covariate")
    for policy in (KolmogorovSmirnov(), PopulationStability()):
        assert CHANGED in [r.window for r in retrains(stream, policy).retrains]


@pytest.mark.parametrize("detector", [Adwin, Ddm])
def test_detectors_on_errors_see_a_concept_shift_and_no_moved_column(detector):
    first = [r.window for r in retrains(source("concept"), detector()).retrains if r.window >= CHANGED]
    assert first[0] <= CHANGED + 1


def test_a_replay_gives_the_same_twice():
    one, two = (retrains(source("concept"), UpkeepPolicy(nearest_line)) for _ in range(2))

    assert one.retrains == two.retrains
    assert (one.wrong == two.wrong).all()


def test_p_values_are_scipys():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=80), np.append(rng.normal(0.4, 1, 60), np.nan)
    assert p_value(a, b) == ks_2samp(a, b[:-1], method="asymp").pvalue
    before = np.array(["x"] * 30 + ["y"] * 20, dtype=object)
    now = np.array(["x"] * 10 + ["y"] * 25 + [None], dtype=object)
    assert p_value(before, now) == chi2_contingency([[30, 20], [10, 25]], correction=False).pvalue


def test_an_index_counts_missing_values_as_a_part():
    now = np.where(np.arange(100) < 50, np.nan, np.arange(100.0))
    assert stability_index(np.arange(100.0), now) > 0.2


def test_errors_come_in_the_order_of_their_labels_and_once():
    class Watched:
        def __init__(self):
            self.turn, self.given = ErrorsInTurn(), []

        def look(self, look):
            self.given.append(self.turn.since_last(look))
            known = ~np.isnan(look.labels[look.model.since :])
            wrong = (look.scores >= 0.5) != (look.labels == 1)
            rows = look.model.since + np.flatnonzero(known)
            order = rows[np.argsort(look.known_at[rows], kind="stable")]
            assert sum(map(len, self.given)) == len(order)
            assert sum(g.sum() for g in self.given) == wrong[order].sum()

    retrains(source("nothing"), Watched())


def test_one_long_cell_does_not_make_every_row_long():
    column = np.array(["a", "b"] * 1_500, dtype=object)
    column[7] = "x" * 20_000
    tracemalloc.start()
    try:
        p_value(column, column)
        stability_index(column, column)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 10 * column.nbytes  # as fixed-width text it is 20,000 times as much


def test_an_index_tells_a_missing_value_from_the_text_none():
    before, now = np.array(["None"] * 50 + ["a"] * 50, dtype=object), np.array([None] * 50 + ["a"] * 50, dtype=object)

    assert stability_index(before, now) == pytest.approx(2 * (0.5 - 1e-4) * np.log(0.5 / 1e-4))
