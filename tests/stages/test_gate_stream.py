"""A gate that reads labels as they come: one evaluation, one step, whatever is killed and however often it looks."""

import json
import math
from dataclasses import dataclass

import numpy as np
import pytest
from tests.gate_house import AS_OF, GateHouse
from tests.small_world import FixedScorer, Registry

from upkeep.core.gate.condition import parse
from upkeep.core.gate.measure import Predictions, TestRows
from upkeep.core.gate.plan import Facts, plan
from upkeep.core.gate.promise import Promise
from upkeep.core.identity import splitmix64
from upkeep.core.plain import plain
from upkeep.errors import InputError
from upkeep.stages.gate_labels import requested_labels
from upkeep.stages.gate_stream import readings

BETTER = "n - o > 0.02 +/- 0.05"
STREAM = {"condition": BETTER, "method": "anytime", "steps": 2}


@dataclass
class Errs(FixedScorer):
    """Wrong on rows told by their id, so that two versions err on rows that have nothing to do with each other."""

    def score(self, table):
        right = (table["distance"] - table["fare"] > 0).astype(float)
        draw = splitmix64(table["row_id"].astype(np.uint64) + np.uint64(10**6 * int(self.version))) % np.uint64(100)
        return np.where(draw < self.flip, 1 - right, right)


class Versions(Registry):
    def load(self, model, version):
        self.loads += 1
        return Errs(version, f"run-{version}", self.flips[version])


@pytest.fixture
def house(tmp_path):
    return _house(tmp_path)


def _house(root, *, labels=True, rows=2000):
    """4000 rows held out; version 2 is right on each, 1 and 4 are wrong on 30 of 100, each on others; 1 is the champion."""
    house = GateHouse.build(root, rows=rows, labels=labels)
    flips = house.registry.flips | {"4": 30}
    house.registry = Versions(flips=flips, holdouts=dict.fromkeys(flips, house.registry.holdouts["1"]))
    house.registry.set_alias("tips", "champion", "1")
    return house


def _days():
    return [f"2024-01-{day}" for day in range(15, 30)]


def _entries(house):
    return [name for name in house.documents.names("ledger") if not name.endswith("answer")]


def test_a_clearly_better_challenger_passes_with_fewer_labels_than_a_test_of_fixed_size(house):
    seen = [house.ask(as_of=f"2024-01-15T{hour:02}", **STREAM) for hour in range(2, 24, 2)]
    first, last = seen[0], seen[-1]
    assert (first.measured, first.verdict, first.passed, first.step) == (False, "unknown", False, None)
    assert f"needs more labels, {first.labels} are used" in first.sentence
    assert "its left side lies in" in first.sentence
    assert 0 < first.requested <= first.needed - first.labels
    assert (last.measured, last.verdict, last.passed, last.step, last.method) == (True, "pass", True, 1, "anytime")
    assert first.labels < last.labels < last.needed / 2
    assert last.clauses[0].low > 0.02
    assert last.as_of < "2024-01-15T22"
    assert [one for one in seen if one.measured] == [last] * sum(one.measured for one in seen)
    json.dumps(plain(last), allow_nan=False)


def test_asking_again_with_more_labels_uses_one_step(house):
    for day in _days():
        house.ask("4", **STREAM, as_of=day)
    assert len(_entries(house)) == 1
    assert house.ask("2", "other", **STREAM).step == 2


def test_noise_does_not_pass(house):
    results = [house.ask("4", **STREAM, as_of=day) for day in [*_days(), AS_OF]]
    assert not any(one.passed for one in results)
    assert results[-1].measured


def test_only_rows_on_which_the_models_disagree_need_labels(tmp_path):
    house = _house(tmp_path, labels=False)
    asked = house.missing(**STREAM)
    assert not asked.enough
    assert _entries(house) == []  # there is nothing to look at
    wanted = house.documents.get("label_requests", "tips/e")["rows"]
    assert len(wanted) == asked.requested == asked.needed
    held = house.datasets.read("trips/features", since="2024-01-15")
    wrong = Errs("1", "", 30).score(held) != Errs("2", "", 0).score(held)
    assert set(wanted) <= set(held["row_id"][wrong].tolist())
    about = {"model": "tips", "evaluation_id": "e", "as_of": AS_OF}
    enough = requested_labels(house.datasets, house.documents, **about)["requested"]
    assert enough == math.ceil(asked.requested / 20)  # the sensor looks long before all are labelled
    looks = 0
    while not asked.enough:
        house.label(np.array(wanted[:enough]), f"part-{looks}")
        looks += 1
        state = requested_labels(house.datasets, house.documents, **about)
        assert state["labelled"] == state["requested"]
        asked = house.missing(**STREAM)
        wanted = house.documents.get("label_requests", "tips/e")["rows"]
    assert len(_entries(house)) == 1
    result = house.ask(**STREAM)
    assert result.passed
    assert result.labels <= looks * enough < asked.needed


def test_labels_of_some_kinds_of_rows_alone_do_not_help_a_challenger(tmp_path):
    """Labels came only where the models disagree. There 3 gains 0.26, but 0.1 among all rows."""
    house = _house(tmp_path, labels=False)
    house.registry.flips["3"] = 20
    held = house.datasets.read("trips/features", since="2024-01-15")
    differ = Errs("1", "", 30).score(held) != Errs("3", "", 20).score(held)
    house.label(held["row_id"][differ], "disagreements")
    result = house.ask("3", **STREAM | {"condition": "n - o > 0.2 +/- 0.05"})
    assert result.measured
    assert result.verdict == "fail"
    assert result.clauses[0].high < 0.2


def test_a_first_model_and_slices_are_read_as_they_come(house):
    house.registry.aliases.clear()
    condition = "n[city = Queens] > 0.6 +/- 0.1 and n.brier[city = Queens] < 0.5 +/- 0.1"
    results = [house.ask(**STREAM | {"first": condition}, as_of=day) for day in _days()]
    assert results[-1].passed
    assert len(results[-1].clauses) == 2
    assert results[-1].labels < results[-1].needed


@pytest.mark.parametrize("mixed", ["n > 0.6 +/- 0.1 and n.recall > 0.5 +/- 0.1", "n[worst city] > 0.5 +/- 0.1"])
def test_labels_of_one_kind_of_rows_are_no_stream_for_another(house, mixed):
    with pytest.raises(InputError, match="about the same rows"):
        house.ask(**STREAM | {"first": mixed})


def test_a_clause_on_differences_alone_is_counted(house):
    assert house.ask(**STREAM | {"condition": f"{BETTER} and d < 0.5 +/- 0.05"}).passed
    strict = house.ask("4", "few", **STREAM | {"condition": f"{BETTER} and d < 0.1 +/- 0.05"}, as_of="2024-01-16")
    assert (strict.measured, strict.verdict) == (True, "fail")
    assert strict.clauses[1].estimate == pytest.approx(0.42, abs=0.03)


def test_once_no_label_is_to_come_an_open_question_is_unknown(house):
    house.registry.flips["4"] = 27
    result = house.ask("4", **STREAM | {"condition": "n - o > 0.03 +/- 0.035", "reliability": 0.9, "steps": 1})
    assert (result.measured, result.verdict, result.truth, result.passed) == (True, "unknown", "unknown", False)
    assert result == house.ask("4", **STREAM)  # and final


def test_a_test_set_too_small_for_a_fixed_size_is_not_opened(house):
    result = house.ask(**STREAM | {"condition": "n - o > 0.02 +/- 0.001"})
    assert not result.measured
    assert "hold out more rows" in result.sentence
    assert _entries(house) == []


class Killed(BaseException):
    pass


@pytest.mark.parametrize(("begun", "call"), [*((False, n) for n in range(4)), *((True, n) for n in range(3))])
@pytest.mark.parametrize("after", [False, True])
def test_killed_anywhere_and_asked_again_it_answers_the_same_and_uses_one_step(
    tmp_path, monkeypatch, begun, call, after
):
    whole, house = _house(tmp_path / "whole"), _house(tmp_path / "killed")
    if begun:
        assert not any(one.ask(**STREAM, as_of="2024-01-15T02").measured for one in (whole, house))
    made, calls = {name: getattr(house.documents, name) for name in ("create", "put")}, []

    def write_or_die(name):
        def write(*args):
            calls.append(name)
            if len(calls) == call + 1 and not after:
                raise Killed
            done = made[name](*args)
            if len(calls) == call + 1:
                raise Killed
            return done

        return write

    with monkeypatch.context() as patched:
        for name in made:
            patched.setattr(house.documents, name, write_or_die(name))
        with pytest.raises(Killed):
            house.ask(**STREAM)
    assert house.ask(**STREAM) == whole.ask(**STREAM)
    assert len(_entries(house)) == 1


def test_of_two_looks_at_once_one_comes_first_and_both_read_the_same(tmp_path, monkeypatch):
    house = _house(tmp_path)
    house.ask("4", **STREAM, as_of="2024-01-15T02")
    create, once = house.documents.create, []

    def late(kind, name, record):
        if kind == "gate_streams" and not once:
            once.append(name)
            house.ask("4", **STREAM, as_of="2024-01-15T05")  # the other gate, with fewer labels
        return create(kind, name, record)

    monkeypatch.setattr(house.documents, "create", late)
    house.ask("4", **STREAM, as_of="2024-01-15T09")
    looks = [house.documents.get("gate_streams", name) for name in house.documents.names("gate_streams")]
    assert [look["as_of"] for look in looks] == [f"2024-01-15T0{hour}" for hour in (2, 5, 9)]
    rows = [row for look in looks for row in look["rows"]]
    assert len(rows) == len(set(rows))
    assert len(_entries(house)) == 1


def test_what_was_taken_in_stays_even_if_older_labels_turn_up_later_or_are_corrected(tmp_path):
    house = _house(tmp_path, labels=False)
    wanted = np.array(house.missing("4", **STREAM) and house.documents.get("label_requests", "tips/e")["rows"])
    house.label(wanted[20:40], "first", observed="2024-02-10")
    before = house.ask("4", **STREAM)
    house.label(wanted[:20], "older", observed="2024-02-01")
    wrong = {"prediction_id": wanted[20:40], "observed_at": np.full(20, np.datetime64("2024-02-20", "us"))}
    house.datasets.write("tips/feedback", "turned", [wrong | {"label": np.zeros(20, np.int64)}], time="observed_at")
    after = house.ask("4", **STREAM)
    assert (before.labels, after.labels) == (20, 40)
    first, second = (house.documents.get("gate_streams", f"tips/e/00000{n}") for n in (1, 2))
    assert set(first["rows"]) == set(wanted[20:40].tolist())
    assert set(second["rows"]) == set(wanted[:20].tolist())
    assert 1.0 in first["labels"]


def test_rows_that_changed_since_the_first_look_are_refused(house):
    house.ask("4", **STREAM, as_of="2024-01-15T03")
    house.registry.holdouts["4"] = house.registry.holdouts["4"] | {"batches": ["b0", "b1", "b2"]}
    with pytest.raises(InputError, match="these have changed"):
        house.ask("4", **STREAM)


def test_what_cannot_be_read_as_it_comes_is_refused_at_once(house):
    for condition in ("n.f1 > 0.5 +/- 0.1", "n.precision - o.precision > 0 +/- 0.1"):
        with pytest.raises(InputError, match="one mean over the same rows"):
            house.about(**STREAM | {"condition": condition})
    with pytest.raises(InputError, match="adaptivity none"):
        house.about(**STREAM, adaptivity="full")


def _life(rng, rows, gain, share=0.3):
    """Two models that differ on a share of the rows; labels of half of those on which they agree never come."""
    differ = rng.random(rows) < share
    wins = rng.random(rows) < 0.5 + gain / share / 2
    new = np.where(differ, wins, True).astype(np.int64)
    old = np.where(differ, ~wins, True).astype(np.int64)
    known = TestRows(label=np.ones(rows), new=Predictions(predicted=new), old=Predictions(predicted=old))
    came = differ | (rng.random(rows) < 0.5)
    return known, rng.permutation(np.flatnonzero(came)), new - old


@pytest.mark.parametrize("condition", ["n - o > 0.02 +/- 0.04", "n - o > 0.02 +/- 0.04 and n > 0.2 +/- 0.1"])
def test_looked_at_after_each_label_a_challenger_at_the_threshold_passes_no_more_often_than_agreed(condition):
    """The control, the rule for a fixed size looked at after each label from a tenth of that size on, does."""
    rng, asked, promise = np.random.default_rng(5), parse(condition), Promise(reliability=0.9)
    size = plan(asked, promise, Facts(difference=0.35)).method("exact").rows
    passed, control, lives = 0, 0, 200
    for _ in range(lives):
        known, order, values = _life(rng, 3 * size, 0.02)
        passed += all(one.verdict.truth == "true" for one in readings(known, order, asked, promise))
        means = np.cumsum(values) / np.arange(1, len(values) + 1)
        control += bool((means[size // 10 :] - 0.04 > 0.02).any())
    assert passed / lives <= 0.1
    assert control / lives > 0.2


def test_looked_at_after_each_label_a_clear_gain_is_seldom_missed():
    rng, asked, promise = np.random.default_rng(6), parse("n - o > 0.02 +/- 0.04"), Promise(reliability=0.9)
    found, sizes = [], plan(asked, promise, Facts(difference=0.35))
    for _ in range(100):
        known, order, _ = _life(rng, 3 * sizes.method("exact").rows, 0.16)
        found.append(readings(known, order, asked, promise)[0])
    assert np.mean([one.verdict.truth == "true" for one in found]) >= 0.95
    assert np.mean([one.labels for one in found]) < sizes.method("active").labels / 3
