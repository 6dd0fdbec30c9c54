"""From raw windows to decisions: a stable life raises nothing, a change of concept leads to a retrain."""

import numpy as np
import pytest

from upkeep.core.feedback.accuracy import estimate_accuracy
from upkeep.core.feedback.reference import ModelReference
from upkeep.core.retrain.decide import decide
from upkeep.core.retrain.decision import DecisionPolicy, HealthFacts
from upkeep.core.retrain.kitagawa import kitagawa

pytestmark = pytest.mark.slow

POLICY = DecisionPolicy(max_loss=0.03, windows_needed=2, windows_looked=3, cooldown_windows=2, min_labels=200)
ROWS = 4_000


def sample(rng, rows, flip):
    scores = rng.random(rows)
    labels = rng.random(rows) < scores
    return scores, np.where(rng.random(rows) < flip, ~labels, labels).astype(float)


def lives(rng, flips):
    """Actions of one life; `flips` is the share of spoilt answers in each window."""
    scores, labels = sample(rng, ROWS, 0.0)
    when = np.full(ROWS, np.datetime64("2024-01-01", "us"))
    reference = ModelReference.fit(table={}, scores=scores, labels=labels, when=when)
    reports, state, decisions = [], {}, []
    for look, flip in enumerate(flips, 1):
        scores, labels = sample(rng, ROWS, flip)
        labels[rng.random(ROWS) < 0.3] = np.nan
        estimate = estimate_accuracy(reference, scores, labels, alpha=0.05 / 3, look=look)
        parts = kitagawa(
            reference_rows=reference.bucket_rows,
            reference_correct=reference.bucket_correct,
            live_rows=estimate.live_rows,
            live_correct=estimate.live_accuracy * estimate.live_rows,
        )
        facts = HealthFacts(
            evidence=str(look), window=f"{look:03}", since=f"{look:03}", version="1", labelled=estimate.labelled.rows,
            change=estimate.change.value, change_low=estimate.change.low, change_high=estimate.change.high,
            parts=parts, drifted=(), damage=(), quarantine_share=0.0,
        )  # fmt: skip
        reports.append(facts)
        decision, state = decide(reports, policy=POLICY, state=state)
        decisions.append(decision)
    return decisions


def test_a_stable_life_of_50_windows_raises_nothing():
    rng = np.random.default_rng(1)
    assert {d.action for _ in range(20) for d in lives(rng, [0.0] * 50)} == {"wait"}


def test_a_change_of_concept_leads_to_a_retrain_as_soon_as_the_windows_needed_are_in():
    rng = np.random.default_rng(2)
    for _ in range(20):
        decisions = lives(rng, [0.0] * 8 + [0.25] * 3)
        assert [d.action for d in decisions] == ["wait"] * 9 + ["retrain", "wait"]
        assert (decisions[9].cause, decisions[9].recipe["name"]) == ("concept_shift", "recent_window")
        assert decisions[10].against == ("a retrain was suggested lately; 2 more window(s) of cooldown",)


def test_a_single_bad_window_is_not_answered_by_a_retrain():
    rng = np.random.default_rng(3)
    for _ in range(10):
        assert {d.action for d in lives(rng, [0.0] * 4 + [0.25] + [0.0] * 4)} == {"wait"}
