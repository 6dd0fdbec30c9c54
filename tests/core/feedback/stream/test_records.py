import copy
import json
import tracemalloc
import zlib
from base64 import b64encode

import numpy as np
import pytest
from tests.core.feedback.stream.logs import feedback, predictions

from upkeep.core.feedback.stream.join import FeedbackJoin
from upkeep.core.feedback.stream.outcomes import Outcomes
from upkeep.core.feedback.stream.policy import JoinPolicy
from upkeep.core.feedback.stream.records import array_to_json
from upkeep.errors import InputError


@pytest.fixture(scope="module")
def record():
    policy = JoinPolicy(outcomes=Outcomes(bins=4), buckets=3, capacity=20, early=5, recent=4, slots=2)
    join = FeedbackJoin.empty(policy).update("0", predictions=predictions(range(60)))
    join = join.update("1", feedback=feedback([(i, i, i % 2) for i in range(40, 80)]))
    return join.to_json()


def test_a_sampled_join_is_stored_as_finite_json_to_the_bit(record):
    text = json.dumps(record, allow_nan=False)
    assert FeedbackJoin.from_json(json.loads(text)).to_json() == record


def test_cells_without_pairs_take_little_room():
    join = FeedbackJoin.empty(JoinPolicy(buckets=50))
    assert len(json.dumps(join.to_json())) < 100_000


CHANGES = {
    "format": lambda r: r | {"format": 3},
    "policy": lambda r: r | {"policy": r["policy"] | {"wait_h": 3}},
    "clock": lambda r: r | {"clock_us": 1.5},
    "no memory": lambda r: {name: part for name, part in r.items() if name != "memory"},
    "expired": lambda r: with_memory(r, expired=-1),
    "newest": lambda r: with_part(r, "tallies", newest="x"),
    "weight": lambda r: with_part(r, "pending", weight="0"),
    "dropped": lambda r: with_part(r, "early", dropped=None),
    "shape": lambda r: with_part(r, "tallies", cells=array_to_json(np.zeros((3, 3, 2), dtype=np.int64))),
    "type": lambda r: with_part(r, "tallies", cells=array_to_json(np.zeros((3, 3, 16)))),
    "base64": lambda r: with_array(r, zlib="*"),
    "not compressed": lambda r: with_array(r, zlib=b64encode(b"abc").decode()),
    "too short": lambda r: with_array(r, zlib=b64encode(zlib.compress(b"abc")).decode()),
    "cut off": lambda r: with_array(r, zlib=b64encode(zlib.compress(bytes(20 * 8))[:-2]).decode()),
    "unsorted": lambda r: with_array(r, **array_to_json(np.arange(20, dtype=np.uint64)[::-1])),
    "lengths": lambda r: with_array(r, **array_to_json(np.arange(3, dtype=np.uint64))),
    "too many": lambda r: r | {"policy": r["policy"] | {"capacity": 1}},
    "sizes that fill the memory": lambda r: r | {"policy": r["policy"] | {"slots": 10**9}},
    "sizes beyond 64 bits": lambda r: r | {"policy": r["policy"] | {"capacity": 10**30}},
    "size of a broken row": lambda r: r | {"policy": r["policy"] | {"early": 2.5}},
    "size as text": lambda r: r | {"policy": r["policy"] | {"buckets": "a"}},
    "seed": lambda r: r | {"policy": r["policy"] | {"seed": None}},
    "unit": lambda r: r | {"policy": r["policy"] | {"outcomes": r["policy"]["outcomes"] | {"unit": 10**400}}},
    "no outcomes": lambda r: r | {"policy": r["policy"] | {"outcomes": None}},
    "clock beyond 64 bits": lambda r: r | {"clock_us": 10**30},
    "newest beyond 64 bits": lambda r: with_part(r, "tallies", newest=-(10**30)),
    "too long a weight": lambda r: with_part(r, "early", weight="9" * 5_000),
    "rows beyond what is kept": lambda r: with_array(r, shape=[10**18]),
    "infinite spread": lambda r: with_part(r, "tallies", cell_spread=array_to_json(np.full((3, 3, 16), np.inf))),
    "negative counts": lambda r: with_part(r, "tallies", predicted=array_to_json(np.full((3, 3), -1))),
    "no score": lambda r: with_part(r, "recent", score=array_to_json(np.full(4, np.nan))),
    "label": lambda r: with_part(r, "recent", label=array_to_json(np.full(4, 7.0))),
    "time": lambda r: with_part(r, "recent", observed_at=array_to_json(np.full(4, 2**63 - 1))),
    "row weight": lambda r: with_part(r, "recent", weight=array_to_json(np.full(4, 2**62))),
    "lost": lambda r: with_memory(r, lost={"weight": 0, "until": None}),
    "time of what was lost": lambda r: with_memory(r, lost={"weight": 2, "until": 10**30}),
    "bucket": lambda r: with_bucket(r, np.full(4, 3, dtype=np.int32)),
}


def with_memory(record, **parts):
    return record | {"memory": record["memory"] | parts}


def with_part(record, name, **parts):
    return with_memory(record, **{name: record["memory"][name] | parts})


def with_array(record, **parts):
    changed = copy.deepcopy(record)
    changed["memory"]["pending"]["rows"]["key"] |= parts
    return changed


def with_bucket(record, values):
    return with_part(record, "recent", bucket=array_to_json(values))


def leaves(record, path=()):
    """Paths of all values, containers too."""
    inner = record.items() if isinstance(record, dict) else enumerate(record) if isinstance(record, list) else ()
    return [path] + [leaf for name, part in inner for leaf in leaves(part, (*path, name))]


def changed(record, path, value):
    if not path:
        return value
    copied = dict(record) if isinstance(record, dict) else list(record)
    copied[path[0]] = changed(copied[path[0]], path[1:], value)
    return copied


@pytest.mark.parametrize("value", [None, [], {}, "x", "é", -1, 0.5, 10**30, 10**400, float("nan"), [None], True])
def test_whatever_stands_anywhere_in_a_record_it_is_read_or_refused(record, value):
    for path in leaves(record):
        try:
            join = FeedbackJoin.from_json(changed(record, path, value))
        except InputError:
            continue
        join.totals().metrics()


@pytest.mark.parametrize("name", CHANGES)
def test_a_damaged_record_is_refused(record, name):
    with pytest.raises(InputError):
        FeedbackJoin.from_json(CHANGES[name](record))


def test_a_record_that_unpacks_to_far_more_than_it_says_does_not_fill_the_memory(record):
    bomb = with_array(record, zlib=b64encode(zlib.compress(bytes(200_000_000))).decode())
    tracemalloc.start()
    with pytest.raises(InputError, match="bytes"):
        FeedbackJoin.from_json(bomb)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_sizes_of_a_policy_are_checked():
    for wrong in ({"capacity": 0}, {"wait_s": 0}, {"slot_s": 0}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            JoinPolicy(**wrong)
    for wrong in ({"kind": "ranking"}, {"bins": 1}, {"unit": 0.0}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            Outcomes(**wrong)
