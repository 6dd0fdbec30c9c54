"""plain: only finite JSON builtins come out, and what cannot be stored is refused."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.plain import plain


@dataclass(frozen=True, slots=True)
class _Result:
    rate: float
    rows: tuple[int, ...]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64("nan"), None),
        (float("-inf"), None),
        (np.int64(2**62), 2**62),
        (np.bool_(True), True),
        (np.datetime64("2019-01-05T06:36:51.000000"), "2019-01-05T06:36:51.000000"),
        (np.datetime64("NaT"), None),
        (np.array([[1.0, np.inf]]), [[1.0, None]]),
        ({1: (np.int8(1),)}, {"1": [1]}),
        (_Result(float("nan"), (1, 2)), {"rate": None, "rows": [1, 2]}),
    ],
)
def test_turns_results_into_builtins(value, expected):
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_comes_out_is_strict_json_and_does_not_change_again(value):
    once = plain(value)
    assert json.loads(json.dumps(once, allow_nan=False)) == once
    assert plain(once) == once


@pytest.mark.parametrize("value", [object(), lambda: None, b"bytes", _Result])
def test_refuses_what_is_not_a_value(value):
    with pytest.raises(TypeError, match="only JSON builtins, numpy values and result dataclasses"):
        plain(value)
