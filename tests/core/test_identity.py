"""row_ids: the same row has the same id wherever it comes from, and other rows have another."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core import identity
from upkeep.core.identity import row_ids
from upkeep.errors import InputError

NUMBERS = st.floats(allow_nan=False) | st.integers(-(2**53), 2**53).map(float)
WORDS = st.none() | st.text(max_size=8)


def _table(rows):
    return {
        "x": np.array([x for x, _ in rows], dtype=np.float64),
        "w": np.array([w for _, w in rows] or [], dtype=object),
    }


@given(rows=st.lists(st.tuples(NUMBERS, WORDS), min_size=1, max_size=30), data=st.data())
def test_an_id_depends_on_the_row_alone_and_not_on_its_neighbours(rows, data):
    order = data.draw(st.permutations(range(len(rows))))
    ids = row_ids(_table(rows), ["x", "w"])
    np.testing.assert_array_equal(row_ids(_table([rows[i] for i in order]), ["x", "w"]), ids[list(order)])


@given(rows=st.lists(st.tuples(NUMBERS, WORDS), min_size=2, max_size=30, unique=True))
def test_different_rows_have_different_ids(rows):
    assert len(set(row_ids(_table(rows), ["x", "w"]).tolist())) == len(rows)


def test_a_column_that_became_float_because_of_a_gap_keeps_the_other_ids():
    whole = row_ids({"x": np.array([1, 2, 3])}, ["x"])
    gapped = row_ids({"x": np.array([1.0, np.nan, 3.0])}, ["x"])
    assert gapped[[0, 2]].tolist() == whole[[0, 2]].tolist()
    assert gapped[1] != whole[1]


def test_both_zeros_and_every_nan_are_one_value_and_missing_text_is_not_the_word():
    assert len(set(row_ids({"x": np.array([0.0, -0.0])}, ["x"]).tolist())) == 1
    odd = np.array([0x7FF8000000000001], dtype=np.uint64).view(np.float64)
    assert row_ids({"x": odd}, ["x"]) == row_ids({"x": np.array([np.nan])}, ["x"])
    assert len(set(row_ids({"w": np.array([None, "None", ""], dtype=object)}, ["w"]).tolist())) == 3


def test_the_order_of_the_key_matters_and_times_count_in_microseconds():
    table = {"a": np.array([1.0]), "b": np.array([2.0])}
    assert row_ids(table, ["a", "b"]) != row_ids(table, ["b", "a"])
    seconds = np.array(["2019-01-05T06:36:51"], dtype="datetime64[s]")
    assert row_ids({"t": seconds}, ["t"]) == row_ids({"t": seconds.astype("datetime64[us]")}, ["t"])


def test_another_process_gives_the_same_ids():
    code = (
        "import numpy as np; from upkeep.core.identity import row_ids;"
        "print(row_ids({'w': np.array(['Ünïcode', None], dtype=object)}, ['w']).tolist())"
    )
    env = {"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    here = row_ids({"w": np.array(["Ünïcode", None], dtype=object)}, ["w"]).tolist()
    assert done.stdout.strip() == str(here)


@pytest.mark.parametrize("key", [[], ["x", "gone"]])
def test_names_the_key_columns_that_are_absent(key):
    with pytest.raises(InputError, match="the key of a row must name columns of the table"):
        row_ids({"x": np.zeros(2)}, key)


def test_whole_numbers_beyond_the_reach_of_floats_keep_ids_of_their_own():
    ids = row_ids({"account": np.array([1234567890123456789, 1234567890123456788])}, ["account"])
    assert ids[0] != ids[1]


def fnv1a(value):
    """The definition, a byte after the other."""
    digest = 0xCBF29CE484222325
    for byte in b"\xff" if value is None else str(value).encode():
        digest = ((digest ^ byte) * 0x100000001B3) % 2**64
    return digest


def text_bits(values):
    return identity._bits(np.array([*values, None], dtype=object)[:-1]).tolist()


def test_the_digests_of_text_are_the_published_ones():
    # Test vectors by Noll, http://www.isthe.com/chongo/tech/comp/fnv/
    known = {"": 0xCBF29CE484222325, "a": 0xAF63DC4C8601EC8C, "foobar": 0x85944171F73967E8}
    assert text_bits(known) == list(known.values())


VALUES = st.none() | st.text(max_size=40) | st.text("\0a", max_size=5) | st.floats() | st.integers() | st.booleans()


@given(values=st.lists(VALUES, max_size=60), copies=st.integers(1, 40))
def test_text_is_digested_as_defined_whatever_stands_beside_it(values, copies):
    assert text_bits(values * copies) == [fnv1a(value) for value in values] * copies


@pytest.mark.parametrize("others", [0, 1, 31, 32, 33, 200])
@pytest.mark.parametrize("length", [0, 1, 7, 3000])
def test_one_long_text_among_short_ones_is_digested_as_defined(others, length):
    values = ["short\0", *["", "é", "end\0\0"] * others, "x\0" * length, None]
    assert text_bits(values) == [fnv1a(value) for value in values]


def test_fixed_width_text_is_digested_as_the_same_text_in_objects():
    words = ["", "Ünïcode", "a\0b", "word"]
    assert identity._bits(np.array(words)).tolist() == text_bits(words)


@pytest.mark.parametrize("dtype", [object, "U4"])
def test_no_rows_have_no_ids(dtype):
    assert row_ids({"w": np.empty(0, dtype=dtype)}, ["w"]).tolist() == []
