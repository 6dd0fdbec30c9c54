import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from upkeep.core.feedback.stream.keys import id_keys
from upkeep.errors import InputError


def test_whole_numbers_are_mixed_by_splitmix64():
    """The generator started at 0 gives e220a8397b1dcdaf first: its finalizer at state 0. Ids are combined with the seed's."""
    start = 0xE220A8397B1DCDAF
    assert int(id_keys(np.array([start], dtype=np.uint64))[0]) == start


def test_a_number_has_one_key_as_signed_and_unsigned_and_no_two_share_one():
    numbers = np.arange(100_000)
    keys = id_keys(numbers)
    np.testing.assert_array_equal(keys, id_keys(numbers.astype(np.uint64)))
    np.testing.assert_array_equal(keys, id_keys(numbers.astype(np.int32)))
    assert len(np.unique(keys)) == len(numbers)


@pytest.mark.parametrize(
    "ids",
    [
        np.arange(50_000),
        np.arange(50_000) * 2**40,
        np.array([f"trip-2024-{i}" for i in range(50_000)]),
        np.array([f"{i:032x}" for i in range(50_000)], dtype="S"),
    ],
    ids=["counted", "far apart", "texts", "bytes"],
)
def test_keys_are_uniform_and_the_seed_changes_all_of_them(ids):
    uniform = [id_keys(ids, seed=seed) / 2.0**64 for seed in (0, 1)]
    assert all(stats.kstest(values, "uniform").pvalue > 0.001 for values in uniform)
    assert abs(np.corrcoef(*uniform)[0, 1]) < 0.02
    assert stats.kstest(np.arange(50_000) / 2.0**64, "uniform").pvalue < 0.001  # the control: ids that are not mixed


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40), max_size=20))
def test_a_text_has_one_key_however_it_is_stored(texts):
    expected = [int(id_keys(np.array([text], dtype=object))[0]) for text in texts]
    spelled = np.array([text.encode() for text in texts], dtype="S160")
    for stored in (np.array(texts, dtype="U64"), spelled, np.array([*texts, None], dtype=object)[:-1]):
        assert id_keys(stored).tolist() == expected
    assert len(set(expected)) == len(set(texts))


def test_texts_that_differ_in_one_place_or_in_length_differ_in_their_keys():
    texts = ["", "a", "aaaaaaaa", "aaaaaaaaa", "aaaaaaaabaaaaaaaa", "aaaaaaaaaaaaaaaab", "baaaaaaaaaaaaaaaa"]
    assert len(set(id_keys(np.array(texts)).tolist())) == len(texts)


def test_no_ids_have_no_keys():
    assert [len(id_keys(np.array([], dtype=kind))) for kind in ("int64", "U5", "S5", "object")] == [0, 0, 0, 0]


@pytest.mark.parametrize("ids", [np.array([1.5]), np.array(["a", None], dtype=object), np.array([[1]])])
def test_ids_that_name_nothing_are_refused(ids):
    with pytest.raises(InputError, match="ids"):
        id_keys(ids)
