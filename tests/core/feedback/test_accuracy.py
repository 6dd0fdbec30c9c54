import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from upkeep.core.drift.spending import spend
from upkeep.core.feedback.accuracy import estimate_accuracy
from upkeep.core.feedback.intervals import clopper_pearson, weighted_radius
from upkeep.core.feedback.reference import ModelReference
from upkeep.errors import InputError

WHEN = np.datetime64("2024-01-01", "us")


def reference_of(*buckets):
    """A reference of buckets (score, rows, correct)."""
    scores = np.concatenate([np.full(rows, score) for score, rows, _ in buckets])
    labels = np.concatenate([np.repeat([score >= 0.5, score < 0.5], [c, n - c]) for score, n, c in buckets]).astype(int)
    return ModelReference.fit(
        table={}, scores=scores, labels=labels, when=np.full(len(scores), WHEN), buckets=len(buckets)
    )


def window(*buckets):
    """Live rows of buckets (score, rows, labelled, correct)."""
    scores = np.concatenate([np.full(rows, score) for score, rows, *_ in buckets])
    labels = np.concatenate(
        [
            np.concatenate(
                [np.repeat([score >= 0.5, score < 0.5], [right, known - right]), np.full(rows - known, np.nan)]
            )
            for score, rows, known, right in buckets
        ]
    ).astype(float)
    return scores, labels


TWO = ((0.2, 1_000, 800), (0.8, 1_000, 500))


def test_without_labels_the_papers_example_gives_55_percent():
    estimate = estimate_accuracy(reference_of(*TWO), *window((0.2, 100, 0, 0), (0.8, 500, 0, 0)))

    assert estimate.unlabelled.value == pytest.approx(0.55)  # 100 x 0.8 + 500 x 0.5 over 600
    assert estimate.combined.value == pytest.approx(0.55)
    assert estimate.labelled.value is None
    assert (estimate.labelled.low, estimate.labelled.high) == (0.0, 1.0)


def test_the_interval_without_labels_by_hand():
    estimate = estimate_accuracy(reference_of(*TWO), *window((0.2, 100, 0, 0), (0.8, 500, 0, 0)), alpha=0.05, look=3)
    squared = (1 / 6) ** 2 / 1_000 + (5 / 6) ** 2 / 1_000 + 1 / 600
    radius = np.sqrt(np.log(2 / spend(0.025, 3)) * squared / 2)

    assert estimate.unlabelled.low == pytest.approx(0.55 - radius)
    assert estimate.unlabelled.high == pytest.approx(0.55 + radius)


def test_with_all_labels_the_combined_estimate_is_the_plain_one():
    estimate = estimate_accuracy(reference_of(*TWO), *window((0.2, 90, 90, 40), (0.8, 110, 110, 60)))

    assert estimate.combined == estimate.labelled
    assert estimate.combined.value == 0.5
    assert (estimate.combined.low, estimate.combined.high) == clopper_pearson(100, 200, spend(0.025, 1))


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=2, max_size=2))
def test_with_all_labels_it_is_the_plain_mean_to_the_last_bit(counts):
    buckets = [(score, n, n, min(n, c)) for score, (n, c) in zip((0.2, 0.8), counts, strict=True)]
    scores, labels = window(*buckets)
    if len(scores):
        estimate = estimate_accuracy(reference_of(*TWO), scores, labels)
        assert estimate.combined.value == sum(b[3] for b in buckets) / len(scores)


def test_labelled_rows_stand_for_the_pending_rows_of_their_own_bucket():
    # the easy bucket is labelled at once, the hard one hardly: the plain mean is far too good
    estimate = estimate_accuracy(reference_of(*TWO), *window((0.2, 500, 500, 400), (0.8, 500, 50, 25)))

    assert estimate.labelled.value == pytest.approx(425 / 550)
    assert estimate.combined.value == pytest.approx(0.65)


def test_the_more_the_buckets_moved_the_less_the_reference_counts():
    scores, labels = window((0.2, 1_000, 400, 160), (0.8, 1_000, 400, 60))  # 0.4 and 0.15 in place of 0.8 and 0.5
    assert estimate_accuracy(reference_of(*TWO), scores, labels).combined.value == pytest.approx(0.275, abs=0.005)


def test_a_bucket_without_labels_is_taken_from_the_reference_and_said_so():
    estimate = estimate_accuracy(reference_of(*TWO), *window((0.2, 750, 750, 600), (0.8, 250, 0, 0)))
    assert estimate.combined.value == pytest.approx(0.75 * 0.8 + 0.25 * 0.5)
    assert "the 25% of rows in buckets without labels are as on the reference" in estimate.combined.assumption


def test_rows_without_labels_widen_the_interval_by_the_reference_s_error_and_their_own():
    estimate = estimate_accuracy(reference_of(*TWO), *window((0.2, 75, 75, 60), (0.8, 225, 0, 0)), alpha=0.05, look=2)
    squared = 0.25**2 / 75 + 0.75**2 / 1_000 + 0.75 / 300  # labelled rows, the reference's rows, rows without labels
    radius = np.sqrt(np.log(2 / spend(0.025, 2)) * squared / 2)

    assert estimate.combined.value == pytest.approx(0.575)
    assert estimate.combined.low == pytest.approx(0.575 - radius)
    assert estimate.combined.high == pytest.approx(0.575 + radius)


@given(st.integers(0, 100), st.integers(0, 100), st.integers(0, 100), st.integers(0, 100), st.integers(1, 9))
def test_every_interval_holds_its_value_and_stays_within_0_and_1(known_a, right_a, known_b, right_b, look):
    buckets = (0.2, 100, known_a, min(known_a, right_a)), (0.8, 100, known_b, min(known_b, right_b))
    estimate = estimate_accuracy(reference_of(*TWO), *window(*buckets), look=look)
    for part in (estimate.labelled, estimate.unlabelled, estimate.combined, estimate.reference):
        assert 0 <= part.low <= part.high <= 1
        assert part.value is None or part.low <= part.value <= part.high
    assert estimate.change.low <= estimate.change.value <= estimate.change.high
    assert estimate.change.value == pytest.approx(estimate.combined.value - 0.65)


def test_intervals_of_shares_agree_with_scipy():
    for correct, rows in ((0, 5), (5, 5), (3, 11), (480, 600)):
        exact = binomtest(correct, rows).proportion_ci(0.95, method="exact")
        assert clopper_pearson(correct, rows, 0.05) == pytest.approx((exact.low, exact.high))
    assert clopper_pearson(0, 0, 0.05) == (0.0, 1.0)
    assert weighted_radius(1 / 400, 0.05) == pytest.approx(0.0679, abs=1e-4)


def test_unusable_windows_are_refused():
    reference = reference_of(*TWO)
    with pytest.raises(InputError, match="one length above 0"):
        estimate_accuracy(reference, np.empty(0), np.empty(0))
    with pytest.raises(InputError, match="one length above 0"):
        estimate_accuracy(reference, np.array([0.5]), np.array([1.0, 0.0]))
    with pytest.raises(InputError, match="first at row 1: nan"):
        estimate_accuracy(reference, np.array([0.5, np.nan]), np.array([1.0, 0.0]))
