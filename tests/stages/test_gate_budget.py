"""Which rows have judged, and from when on a holdout may judge another challenger."""

import numpy as np
import pytest

from upkeep.adapters.json_documents import JsonDocuments
from upkeep.stages.gate_budget import open_since, used_up
from upkeep.stages.gate_policy import GatePolicy


def _policy(steps, adaptivity="none"):
    return GatePolicy(
        condition="n - o > 0 +/- 0.04", first_condition="n > 0.5 +/- 0.03", steps=steps, adaptivity=adaptivity
    )


@pytest.fixture
def documents(tmp_path):
    return JsonDocuments(tmp_path / "records", tmp_path / "reports")


@pytest.mark.parametrize(
    ("since", "until", "begins"),
    [
        ("2024-01-01", "2024-01-10", "2024-01-01"),
        ("2024-01-20", "2024-02-10", "2024-01-29"),
        ("2024-01-16", "2024-01-28", "2024-01-28"),
        ("2024-01-29", "2024-02-10", "2024-01-29"),
    ],
)
def test_with_one_step_only_the_part_after_the_last_judged_row_is_open(documents, since, until, begins):
    judged = {"n": 0.7, "dataset": "trips", "since": "2024-01-15", "until": "2024-01-29"}
    documents.put("gates", "tips/one", judged)
    documents.put("gates", "tips/unmeasured", judged | {"n": None, "until": "2024-03-01"})
    assert open_since(documents, _policy(1), model="tips", dataset="trips", since=since, until=until) == begins


def _judge(documents, policy, name, since, until, passed=False):
    """Where the rows begin that judged it, None if there were none."""
    span = {"model": "tips", "dataset": "trips", "until": until}
    begin = open_since(documents, policy, **span, since=since)
    if begin == until:
        return None
    assert not used_up(documents, policy, **span, since=begin)
    record = {"n": 0.7, "passed": passed, "dataset": "trips", "since": begin, "until": until}
    documents.put("gates", f"tips/{name}", record)
    return begin


def test_the_new_part_of_a_holdout_judges_every_challenger_of_a_retrain(documents):
    policy = _policy(3)
    first = [_judge(documents, policy, f"a{i}", "2024-01-15", "2024-01-29") for i in range(4)]
    assert first == ["2024-01-15"] * 3 + [None]
    second = [_judge(documents, policy, f"b{i}", "2024-01-28", "2024-02-26") for i in range(4)]
    assert second == ["2024-01-29"] * 3 + [None]


def test_whatever_the_holdouts_no_row_judges_more_challengers_than_agreed(documents):
    rng = np.random.default_rng(0)
    judged = np.zeros(60, dtype=int)
    day = np.datetime64("2024-01-01")
    for number in range(80):
        begin = int(rng.integers(0, 50))
        end = begin + int(rng.integers(1, 10))
        used = _judge(documents, _policy(3), f"c{number}", str(day + begin), str(day + end))
        if used:
            judged[int((np.datetime64(used) - day).astype(int)) : end] += 1
    assert judged.max() == 3
    assert np.mean(judged == 3) > 0.5  # and the budget is used


def test_where_a_pass_retires_rows_the_part_after_it_is_open(documents):
    policy = _policy(3, "firstChange")
    assert _judge(documents, policy, "a", "2024-01-15", "2024-01-29", passed=True) == "2024-01-15"
    assert _judge(documents, policy, "b", "2024-01-20", "2024-02-10") == "2024-01-29"
