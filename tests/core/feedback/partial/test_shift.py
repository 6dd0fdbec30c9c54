import json

import numpy as np
import pytest

from upkeep.core.feedback.partial.shift import Carried, Shift
from upkeep.errors import InputError


def shift():
    return Shift.of_classes(2).over((4, 7))


def test_a_bucket_that_was_not_known_has_not_moved_by_itself():
    later = shift().over((4, 7, 9))
    assert later.buckets == (4, 7, 9)
    assert later.mean.shape == (3 + 3 * 2, 1)
    assert not later.covariance.any()


def test_a_move_makes_the_shift_less_certain_and_buckets_by_half_as_much():
    moved = shift().after_move(0.2)
    np.testing.assert_allclose(np.diag(moved), [0.04, 0.04, 0.04, 0.01, 0.01, 0.01, 0.01])


def test_with_many_classes_buckets_move_as_a_whole_only():
    assert Shift.of_classes(6).over((0, 1)).mean.shape == (11 + 2, 5)


def test_what_is_carried_comes_back_from_json_as_it_was():
    carried = Carried(shifts={"label": shift()})
    again = Carried.from_json(json.loads(json.dumps(carried.to_json())))
    assert again.to_json() == carried.to_json()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mean", [["a"]]),
        ("mean", [[10**400]]),
        ("mean", [[0.0], [0.0, 1.0]]),
        ("mean", {"a": 1}),
        ("covariance", (-np.eye(7)).tolist()),
        ("covariance", np.triu(np.ones((7, 7))).tolist()),
        ("covariance", (np.eye(7) * 1e300).tolist()),
        ("covariance", np.full((7, 7), 1e90).tolist()),
        ("moves", [1e308] * 5),
        ("buckets", [4, 4]),
        ("buckets", [4, 10**30]),
        ("features", 10**12),
        ("own", 0),
        ("mean", [[0.0]]),
        ("covariance", [[float("nan")]]),
        ("moves", [1.0]),
        ("moves", [0.0, 1.0, 1.0, 1.0, 1.0]),
        ("buckets", ["x"]),
        ("windows", -1),
        ("own", 1.5),
    ],
)
def test_a_damaged_record_is_refused(field, value):
    record = Carried(shifts={"label": shift()}).to_json()
    record["shifts"]["label"][field] = value
    with pytest.raises(InputError):
        Carried.from_json(record)


def test_another_format_is_refused():
    with pytest.raises(InputError, match="format 1"):
        Carried.from_json({"format": 2, "shifts": {}})


def test_shifts_that_are_no_mapping_are_refused():
    with pytest.raises(InputError, match="mapping of shifts"):
        Carried.from_json({"format": 1, "shifts": []})


def test_a_covariance_of_the_rank_that_moves_leave_is_taken():
    """Nothing is known to be uncertain along some directions: semi-definite is enough."""
    known = shift()
    record = known.to_json() | {"covariance": np.full((7, 7), 0.3).tolist()}
    assert Shift.from_json(record).covariance[0, 6] == 0.3
