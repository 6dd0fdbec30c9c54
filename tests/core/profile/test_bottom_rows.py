"""BottomRows: the same rows however a table is cut, each row as likely as any other."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.profile.bottom_rows import BottomRows


def _drawn(most, cuts, rows, file=0, order=1):
    bounds = [0, *sorted(min(cut, rows) for cut in cuts), rows]
    parts = list(pairwise(bounds))[::order]
    sample = BottomRows(most=most)
    for since, until in parts:
        at, keys = sample.candidates(file, since, until - since)
        sample = sample.add({"row": since + at}, keys)
    return sample.rows()["row"].tolist()


@given(
    most=st.integers(1, 50),
    rows=st.integers(1, 500),
    cuts=st.lists(st.integers(0, 500)),
    order=st.sampled_from([1, -1]),
)
def test_neither_parts_nor_their_order_show_in_the_sample(most, rows, cuts, order):
    drawn = _drawn(most, cuts, rows, order=order)
    assert drawn == _drawn(most, [], rows)
    assert len(drawn) == len(set(drawn)) == min(most, rows)


def test_every_row_is_drawn_equally_often():
    """Over 2,000 files, 5 of 20 rows each: the counts of the 20 places are those of fair draws, 500 +/- 4 x 19.4."""
    counts = np.zeros(20)
    for file in range(2_000):
        counts[_drawn(5, [7], 20, file=file)] += 1
    assert counts.sum() == 10_000
    assert (np.abs(counts - 500) < 4 * np.sqrt(2_000 * 0.25 * 0.75)).all()


def test_a_full_sample_lets_few_rows_in():
    sample, looked_at = BottomRows(most=100), 0
    for first in range(0, 100_000, 1_000):
        at, keys = sample.candidates(0, first, 1_000)
        looked_at += len(at)
        sample = sample.add({"row": first + at}, keys)
    assert looked_at < 3 * 100 * (1 + np.log(1_000)) + 1_000


def test_the_sample_of_nothing_is_nothing():
    assert BottomRows(most=3).rows() == {}
