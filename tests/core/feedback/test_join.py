import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.feedback.join import join_labels
from upkeep.errors import InputError

DAY = np.datetime64("2024-01-01", "us")


def log(entries):
    ids, days, labels = zip(*entries, strict=True) if entries else ((), (), ())
    return {
        "prediction_id": np.array(ids, dtype=np.int64),
        "observed_at": DAY + np.array(days, dtype="timedelta64[D]"),
        "label": np.array(labels, dtype=np.int64),
    }


def joined(ids, entries, day):
    return join_labels({"prediction_id": np.array(ids, dtype=np.int64)}, log(entries), DAY + np.timedelta64(day, "D"))


def test_a_row_without_a_label_stays_as_pending():
    table = joined([3, 1, 2], [(1, 0, 1), (9, 0, 1)], 5)

    np.testing.assert_array_equal(table["label"], [np.nan, 1.0, np.nan])
    np.testing.assert_array_equal(np.isnat(table["observed_at"]), [True, False, True])


def test_the_latest_label_known_by_then_wins():
    entries = [(1, 4, 0), (1, 2, 1), (1, 9, 1)]
    assert [joined([1], entries, day)["label"][0] for day in (2, 4, 9)] == [1.0, 0.0, 1.0]
    assert np.isnan(joined([1], entries, 1)["label"][0])


def test_a_missing_label_never_hides_an_earlier_one():
    feedback = log([(1, 0, 1), (1, 1, 0)])
    feedback["label"] = np.array([1.0, np.nan])
    assert join_labels({"prediction_id": np.array([1])}, feedback, DAY + np.timedelta64(5, "D"))["label"] == [1.0]


def test_no_feedback_at_all_and_a_prediction_logged_twice():
    table = join_labels({"prediction_id": np.array([1, 1]), "score": np.array([0.1, 0.2])}, {}, DAY)
    assert np.isnan(table["label"]).all()
    assert table["score"].tolist() == [0.1, 0.2]
    assert joined([1, 1], [(1, 0, 1)], 0)["label"].tolist() == [1.0, 1.0]


def test_absent_columns_are_named():
    with pytest.raises(InputError, match=r"feedback must have .* lack \['label', 'observed_at'\]"):
        join_labels({"prediction_id": np.array([1])}, {"prediction_id": np.array([1])}, DAY)


@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 5), st.integers(0, 1)), max_size=30),
    st.lists(st.integers(-4, 4), max_size=10),
    st.integers(0, 5),
)
def test_it_equals_the_join_by_a_dictionary(entries, ids, day):
    latest = {}
    for at in range(day + 1):
        latest |= {i: label for i, observed, label in entries if observed == at}
    expected = [float(latest.get(i, np.nan)) for i in ids]
    np.testing.assert_array_equal(joined(ids, entries, day)["label"], expected)
