"""From raw windows to decisions: a stable life raises nothing, what a newer model would win leads to a retrain."""

import numpy as np
import pytest

from upkeep.core.feedback.accuracy import estimate_accuracy
from upkeep.core.feedback.reference import ModelReference
from upkeep.core.retrain.correction import ROWS as TAUGHT
from upkeep.core.retrain.correction import found_gain, judged
from upkeep.core.retrain.decide import decide
from upkeep.core.retrain.decision import DecisionPolicy, HealthFacts
from upkeep.core.retrain.kitagawa import kitagawa

pytestmark = pytest.mark.slow

POLICY = DecisionPolicy(max_loss=0.03, windows_needed=2, windows_looked=3, cooldown_windows=2, min_labels=200)
ROWS = 4_000


def sample(rng, rows, flip):
    """Scores and labels; a share of answers is spoilt, anywhere or, below 0, where the score is above 1 + `flip`."""
    scores = rng.random(rows)
    labels = rng.random(rows) < scores
    spoilt = rng.random(rows) < flip if flip >= 0 else scores > 1 + flip
    return scores, np.where(spoilt, ~labels, labels).astype(float)


class Corrections:
    """Fits the usual label of each twentieth of the score on the newest 1,000 rows, and judges it on the next window's."""

    def __init__(self):
        self.usual, self.looks = None, []

    def gain(self, scores, labels, name, alpha=POLICY.gain_alpha):
        known = ~np.isnan(labels)
        at, label = (20 * scores[known]).astype(int), labels[known] == 1
        if self.usual is not None:
            predicted, corrected = scores[known] >= 0.5, self.usual[at]
            self.looks.append(judged(window=name, since=name, label=label, predicted=predicted, corrected=corrected))
        newest = slice(-TAUGHT, None)
        ones = np.bincount(at[newest], weights=label[newest], minlength=20)
        self.usual = ones > np.bincount(at[newest], minlength=20) / 2
        return found_gain(self.looks, tolerated=POLICY.max_loss, alpha=alpha, least=POLICY.min_labels)


def lives(rng, flips, corrections=None):
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
            gain=corrections and corrections.gain(scores, labels, f"{look:03}"),
        )  # fmt: skip
        reports.append(facts)
        decision, state = decide(reports, policy=POLICY, state=state)
        decisions.append(decision)
    return decisions


@pytest.mark.parametrize("corrected", [False, True])
def test_a_stable_life_of_50_windows_raises_nothing(corrected):
    rng = np.random.default_rng(1)
    stable = (lives(rng, [0.0] * 50, Corrections() if corrected else None) for _ in range(20))
    assert {d.action for decisions in stable for d in decisions} == {"wait"}


def test_what_a_newer_model_would_win_leads_to_a_retrain_as_soon_as_it_has_been_judged():
    rng = np.random.default_rng(4)
    for _ in range(20):
        decisions = lives(rng, [0.0] * 8 + [-0.2] * 2, Corrections())
        assert [d.action for d in decisions] == ["wait"] * 9 + ["retrain"]
        assert decisions[9].gain_low > 10_000 * POLICY.max_loss


def test_a_drop_that_no_newer_model_wins_back_leads_to_none():
    rng = np.random.default_rng(5)
    for _ in range(10):
        decisions = lives(rng, [0.0] * 4 + [0.25] * 4, Corrections())
        assert {d.action for d in decisions} == {"wait"}
        assert decisions[-1].cause == "concept_shift"
        assert "no model fitted anew" in decisions[-1].sentence


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
