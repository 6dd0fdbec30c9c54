import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.retrain.kitagawa import kitagawa
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
