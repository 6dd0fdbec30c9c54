"""What corrections have shown, look by look, and what is certainly to be won."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from upkeep.core.retrain.correction import GainLook, found_gain, judged, teachable
from upkeep.core.retrain.recoverable import certainly_won, recoverable


def looks(*counts):
    return [GainLook(window=f"{i:02}", since="", better=b, worse=w, rows=n) for i, (b, w, n) in enumerate(counts)]


def test_rows_that_one_alone_has_right_are_counted():
    label, predicted, corrected = np.array([[1, 1, 0, 0, 1], [1, 0, 0, 1, 1], [1, 1, 1, 1, 0]]) == 1
    found = judged(window="b", since="a", label=label, predicted=predicted, corrected=corrected)
    assert (found.better, found.worse, found.rows) == (1, 2, 5)


def test_labels_teach_if_there_are_enough_and_of_both_classes():
    mixed = np.arange(200) % 2 == 0
    assert teachable(mixed, 200)
    assert not teachable(mixed, 201)
    assert not teachable(mixed | True, 200)
    assert not teachable(mixed[:0], 0)


def test_looks_without_a_label_count_as_none():
    told = [(12, 2, 100)] * 5
    with_gaps = looks((0, 0, 0), *told, (0, 0, 0))
    found = found_gain(with_gaps, tolerated=0.03, alpha=0.05, least=200)
    assert found.result == found_gain(looks(*told), tolerated=0.03, alpha=0.05, least=200).result
    assert found.first.window == "01"


def test_nothing_is_found_on_too_few_labels():
    assert found_gain([], tolerated=0.03, alpha=0.05, least=0) is None
    assert found_gain(looks((50, 0, 199)), tolerated=0.03, alpha=0.05, least=200) is None


counts = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 200)).map(lambda c: (c[0], c[1], sum(c))),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(counts, st.floats(0.001, 0.5))
def test_what_is_certainly_won_is_where_certainty_ends(made, tolerated):
    better, worse, rows = (list(part) for part in zip(*made, strict=True))
    low = certainly_won(better=better, worse=worse, rows=rows, alpha=0.05)
    certain = recoverable(better=better, worse=worse, rows=rows, tolerated=tolerated, alpha=0.05).certain
    assert low == 0 or low < 1
    if abs(tolerated - low) > 1e-4:
        assert certain == (tolerated < low)
