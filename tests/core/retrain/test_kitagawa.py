import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.plain import plain
from upkeep.core.retrain.kitagawa import Decomposition, kitagawa
from upkeep.errors import InputError

BUCKET = st.tuples(*[st.integers(0, 10_000)] * 4)


def test_parts_by_hand():
    parts = kitagawa(
        reference_rows=[60, 40, 0], reference_correct=[48, 20, 0], live_rows=[20, 60, 20], live_correct=[16, 24, 5]
    )
    assert parts.change == pytest.approx(0.45 - 0.68)
    assert parts.covariate == pytest.approx((0.2 - 0.6) * 0.8 + (0.6 - 0.4) * 0.5)
    assert parts.concept == pytest.approx(0.6 * (0.4 - 0.5))
    assert parts.outside == pytest.approx(0.2 * 0.25)


def test_a_pure_shift_of_rows_has_no_concept_part_and_the_other_way_round():
    rows = kitagawa(reference_rows=[50, 50], reference_correct=[40, 20], live_rows=[10, 90], live_correct=[8, 36])
    answers = kitagawa(reference_rows=[50, 50], reference_correct=[40, 20], live_rows=[100, 100], live_correct=[60, 20])
    assert (rows.concept, answers.covariate) == (pytest.approx(0.0), pytest.approx(0.0))
    assert rows.covariate == pytest.approx(rows.change)
    assert answers.concept == pytest.approx(answers.change)


@given(st.lists(BUCKET, min_size=1, max_size=12))
def test_the_parts_sum_to_the_change(buckets):
    n, c, m, d = np.array(buckets).T
    n[0], m[0] = n[0] + 1, m[0] + 1
    parts = kitagawa(reference_rows=n, reference_correct=np.minimum(c, n), live_rows=m, live_correct=np.minimum(d, m))
    assert parts.covariate + parts.concept + parts.outside == pytest.approx(parts.change, abs=1e-12)
    assert parts.change == pytest.approx(np.minimum(d, m).sum() / m.sum() - np.minimum(c, n).sum() / n.sum())


def test_impossible_counts_are_refused():
    with pytest.raises(InputError, match="between 0 and the bucket's rows"):
        kitagawa(reference_rows=[1], reference_correct=[2], live_rows=[1], live_correct=[1])
    with pytest.raises(InputError, match="four lists of one length"):
        kitagawa(reference_rows=[0], reference_correct=[0], live_rows=[1], live_correct=[1])


def test_standard_errors_by_hand():
    """One bucket each side: no rows can move, and the concept part is a difference of two shares."""
    parts = kitagawa(reference_rows=[98], reference_correct=[48], live_rows=[48], live_correct=[24], live_known=[18])
    assert parts.covariate_error == 0.0
    there, here = 0.49 * 0.51 / 98, 0.5 * 0.5 / 18  # (48 + 1)/(98 + 2), (9 + 1)/(18 + 2)
    assert parts.concept_error == pytest.approx((there + here) ** 0.5)
    low, high = parts.interval("concept", alpha=0.05)
    assert (high - low) / 2 == pytest.approx(1.959964 * parts.concept_error)


def test_standard_errors_are_those_of_repeated_samples():
    rng = np.random.default_rng(0)
    w, v, a, b = [0.5, 0.3, 0.2], [0.3, 0.3, 0.4], np.array([0.9, 0.8, 0.6]), np.array([0.9, 0.7, 0.5])
    found = []
    for _ in range(4_000):
        n, m = rng.multinomial(3_000, w), rng.multinomial(2_000, v)
        found.append(
            kitagawa(
                reference_rows=n, reference_correct=rng.binomial(n, a), live_rows=m, live_correct=rng.binomial(m, b)
            )
        )
    for part in ("covariate", "concept"):
        spread = np.std([getattr(one, part) for one in found])
        assert np.mean([getattr(one, f"{part}_error") for one in found]) == pytest.approx(spread, rel=0.05)


@given(st.lists(BUCKET, min_size=1, max_size=12))
def test_what_the_buckets_add_sums_to_the_parts(buckets):
    n, c, m, d = np.array(buckets).T
    n[0], m[0] = n[0] + 1, m[0] + 1
    parts = kitagawa(reference_rows=n, reference_correct=np.minimum(c, n), live_rows=m, live_correct=np.minimum(d, m))
    assert sum(bucket.covariate for bucket in parts.buckets) == pytest.approx(parts.covariate, abs=1e-9)
    assert sum(bucket.concept for bucket in parts.buckets) == pytest.approx(parts.concept, abs=1e-9)


def test_a_stored_split_comes_back_and_so_does_one_of_the_first_reports():
    parts = kitagawa(
        reference_rows=[5, 5], reference_correct=[4, 3], live_rows=[2, 8], live_correct=[2, 3], names=["few", "many"]
    )
    assert Decomposition.from_json(plain(parts)) == parts
    old = Decomposition.from_json({"change": -0.1, "covariate": 0.0, "concept": -0.1, "outside": 0.0})
    assert (old.concept, old.interval("concept"), old.buckets) == (-0.1, (-0.1, -0.1), ())


def test_buckets_without_labels_are_told():
    parts = kitagawa(
        reference_rows=[5, 5], reference_correct=[4, 3], live_rows=[2, 8], live_correct=[1, 4.8], live_known=[2, 0]
    )
    assert parts.blind == pytest.approx(0.8)
    for wrong, said in (({"live_known": [3, 0]}, "live_known must have"), ({"names": ["a"]}, "one name")):
        with pytest.raises(InputError, match=said):
            kitagawa(reference_rows=[5, 5], reference_correct=[4, 3], live_rows=[2, 8], live_correct=[1, 4], **wrong)
