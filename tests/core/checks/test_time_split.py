import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.checks.time_split import split_by_time
from upkeep.errors import InputError


@given(st.lists(st.integers(0, 9), min_size=1, max_size=50), st.floats(0.05, 0.95))
def test_the_newest_rows_are_held_out_and_no_moment_is_on_both_sides(days, share):
    when = np.datetime64("2024-01-01", "us") + np.array(days) * np.timedelta64(1, "D")
    split = split_by_time({"at": when, "x": np.arange(len(days))}, "at", share)
    assert len(split.holdout["x"]) >= share * len(days)
    assert sorted([*split.train["x"], *split.holdout["x"]]) == list(range(len(days)))
    assert (split.train["at"] < split.cut).all()
    assert (split.holdout["at"] >= split.cut).all()
    newer = split.holdout["at"] > split.cut
    assert newer.sum() < share * len(days) or not len(split.train["x"])


def test_an_empty_table_is_refused():
    with pytest.raises(InputError, match="0 rows"):
        split_by_time({"at": np.empty(0, "datetime64[us]")}, "at", 0.3)
