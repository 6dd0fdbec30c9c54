"""Arrow kinds: every stored type has a kind, and a value that does not fit is found."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.adapters.arrow_kinds import Misfit, converted, scan, spelled_kind, stored_kind


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.array([1, 2], pa.int8()), "integer"),
        (pa.array([1.0, None], pa.float32()), "integer"),
        (pa.array([1.0, float("inf")]), "number"),
        (pa.array([2.0**60]), "number"),
        (pa.array([Decimal("1.50")]), "number"),
        (pa.array(["a"], pa.large_string()), "text"),
        (pa.array(["a", "a"]).dictionary_encode(), "text"),
        (pa.array([1], pa.timestamp("ns", "UTC")), "datetime"),
        (pa.array([True]), "boolean"),
        (pa.array([float("nan")]), "null"),
        (pa.array([None], pa.string()), "null"),
    ],
)
def test_every_stored_type_has_a_kind(values, kind):
    seen = scan(["x"], [pa.record_batch({"x": values})], stored_kind)["x"]
    assert seen.kind == kind


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1), st.data())
def test_the_first_misfit_is_found_wherever_it_is(numbers, data):
    at = data.draw(st.integers(0, len(numbers)))
    words = [*map(str, numbers[:at]), "x", *map(str, numbers[at:])]
    with pytest.raises(Misfit) as caught:
        converted(pa.array(words), "integer", nullable=False)
    assert caught.value.args == (at, "x")


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_a_number_written_as_text_is_read_back_exactly(numbers):
    words = pa.array([repr(number) for number in numbers])
    assert spelled_kind(words) in ("integer", "number")
    np.testing.assert_array_equal(converted(words, "number", nullable=False), numbers)
