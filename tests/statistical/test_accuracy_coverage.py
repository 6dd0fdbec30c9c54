"""Accuracy intervals hold the truth under the assumption each names, and miss it without."""

import numpy as np
import pytest

from upkeep.core.drift.spending import spend
from upkeep.core.feedback.accuracy import estimate_accuracy
from upkeep.core.feedback.reference import ModelReference

pytestmark = pytest.mark.slow

ALPHA, RUNS = 0.1, 400
EACH = spend(ALPHA / 2, 1)


def sample(rng, rows, *, hard=1.0, flip=0.0):
    """Scores, labels and the chance that each is predicted rightly; `hard` pulls scores to 0.5, `flip` spoils answers."""
    scores = 0.5 + hard * (rng.random(rows) - 0.5)
    labels = (rng.random(rows) < scores).astype(float)
    spoilt = flip > rng.random(rows)
    sure = np.maximum(scores, 1 - scores)
    return scores, np.where(spoilt, 1 - labels, labels), flip * (1 - sure) + (1 - flip) * sure


def late_where_unsure(rng, scores, labels):
    """Labels of rows near 0.5 are mostly pending, the others mostly in; within a bucket lateness is blind."""
    pending = rng.random(len(scores)) < np.where(np.abs(scores - 0.5) < 0.25, 0.85, 0.15)
    return np.where(pending, np.nan, labels)


@pytest.fixture(scope="module")
def reference():
    rng = np.random.default_rng(3)
    scores, labels, _ = sample(rng, 4_000)
    return ModelReference.fit(
        table={}, scores=scores, labels=labels, when=np.full(4_000, np.datetime64("2024-01-01", "us"))
    )


def fresh_reference(rng):
    scores, labels, _ = sample(rng, 1_000)
    return ModelReference.fit(
        table={}, scores=scores, labels=labels, when=np.full(1_000, np.datetime64("2024-01-01", "us"))
    )


def missed(part, truth):
    return not part.low <= truth <= part.high


def test_without_labels_other_rows_are_no_harm_but_other_answers_are():
    rng = np.random.default_rng(1)
    covariate = concept = realised = 0
    for _ in range(RUNS):
        # outer buckets only: within a bucket the rows stay as they were
        reference = fresh_reference(rng)
        scores, labels, sure = sample(rng, 3_000)
        keep = rng.random(3_000) < np.where(reference.bucket_of(scores) % 9 < 2, 0.9, 0.2)
        estimate = estimate_accuracy(reference, scores[keep], np.full(keep.sum(), np.nan), alpha=ALPHA)
        covariate += missed(estimate.unlabelled, sure[keep].mean())
        realised += missed(estimate.unlabelled, np.mean((scores[keep] >= 0.5) == labels[keep]))
        scores, _, sure = sample(rng, 3_000, flip=0.3)
        estimate = estimate_accuracy(reference, scores, np.full(3_000, np.nan), alpha=ALPHA)
        concept += missed(estimate.unlabelled, sure.mean())
    assert covariate / RUNS <= EACH
    assert realised / RUNS <= EACH
    assert concept / RUNS > 0.9  # the negative control: its assumption does not hold


def test_with_some_labels_the_combined_interval_holds_through_concept_shift_and_delays(reference):
    rng = np.random.default_rng(2)
    combined = labelled = ever = 0
    error = {"combined": 0.0, "labelled": 0.0, "unlabelled": 0.0, "mix": 0.0}
    for _ in range(RUNS):
        scores, labels, sure = sample(rng, 2_000, flip=0.15)
        known = late_where_unsure(rng, scores, labels)
        estimate = estimate_accuracy(reference, scores, known, alpha=ALPHA)
        truth = sure.mean()
        combined += missed(estimate.combined, truth)
        labelled += missed(estimate.labelled, truth)
        ever += missed(estimate.change, truth - 0.75)
        share = np.mean(~np.isnan(known))
        mix = share * estimate.labelled.value + (1 - share) * estimate.unlabelled.value
        for name, value in (("mix", mix), *((n, getattr(estimate, n).value) for n in list(error)[:3])):
            error[name] += abs(value - truth) / RUNS
    assert combined / RUNS <= EACH
    assert ever / RUNS <= ALPHA
    assert labelled / RUNS > 0.9  # the negative control: late labels are not like the others
    assert error["combined"] < 0.5 * min(error["labelled"], error["unlabelled"], error["mix"])


def test_over_a_life_of_30_stable_windows_a_drop_is_claimed_in_at_most_alpha_of_lives():
    rng = np.random.default_rng(4)
    lives, false, naive = 200, 0, 0
    for _ in range(lives):
        reference = fresh_reference(rng)
        claimed = claimed_naively = False
        for look in range(1, 31):
            scores, labels, _ = sample(rng, 400)
            estimate = estimate_accuracy(
                reference, scores, late_where_unsure(rng, scores, labels), alpha=ALPHA, look=look
            )
            claimed |= estimate.change.high < 0
            plain = np.mean((scores >= 0.5) == labels)
            claimed_naively |= plain + 1.28 * np.sqrt(plain * (1 - plain) / 400) < 0.75  # one-sided 10 % per window
        false += claimed
        naive += claimed_naively
    assert false / lives <= ALPHA
    assert naive / lives > 0.8
