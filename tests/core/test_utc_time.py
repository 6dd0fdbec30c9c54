"""Moments that are UTC times, and what only looks like one."""

import numpy as np
import pytest

from upkeep.core.utc_time import utc_time
from upkeep.errors import InputError


@pytest.mark.parametrize("text", ["2024-01-08", "2024-01-08T00", "2024-01-08 00:00", "2024-01-08T00:00:00.000000"])
def test_a_day_or_a_moment_is_read_to_the_microsecond(text):
    assert utc_time("since", text) == np.datetime64("2024-01-08", "us")


@pytest.mark.parametrize(
    "text", ["now", "today", "NaT", "", "5", "2024", "2024-01-08T00:00:00Z", "2024-13-01", 5, None]
)
def test_anything_else_is_refused_by_name(text):
    with pytest.raises(InputError, match="since of the recipe must be a UTC time"):
        utc_time("since of the recipe", text)
