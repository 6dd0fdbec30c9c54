"""What builders are told while a test set is in use, and when it has ended."""

import json
from dataclasses import asdict

import pytest
from tests.gate_house import GateHouse, holdout

from upkeep.core.plain import plain
from upkeep.errors import InputError
from upkeep.stages.gate import GatePolicy
from upkeep.stages.gate_decide import decide


@pytest.fixture
def house(tmp_path):
    house = GateHouse.build(tmp_path)
    house.registry.set_alias("tips", "champion", "1")
    return house


def _told(house, version):
    tags = {k.removeprefix("upkeep.gate."): v for k, v in house.registry.tags[version].items()}
    return tags, house.documents.get("gates", f"tips/{version}")


def test_builders_who_see_answers_see_no_estimate_until_the_test_set_is_retired(house):
    one = house.ask("3", "3", adaptivity="full", steps=2)
    assert one.passed
    assert (one.n, one.o, one.gain, one.clauses) == (None, None, None, ())
    tags, record = _told(house, "3")
    secret = "0.85"  # the accuracy of version 3
    assert "interval" not in tags
    for text in (json.dumps(tags), json.dumps(record), json.dumps(plain(house.registry.attached["3", "gate-3"]))):
        assert secret not in text
    last = house.ask("2", "2", adaptivity="full", steps=2)
    assert last.gain == pytest.approx(0.3)  # its rows will judge nobody any more
    tags, record = _told(house, "3")
    assert float(tags["estimate"]) == pytest.approx(0.15)
    assert record["gain"] == pytest.approx(0.15)
    assert house.ask("3", "3", adaptivity="full", steps=2).gain == pytest.approx(0.15)


def test_without_builders_who_look_estimates_are_open(house):
    assert house.ask("3", "3", steps=2).gain == pytest.approx(0.15)


def test_the_first_pass_tells_all_where_it_retires_the_rows(house):
    house.registry.flips["worse"], house.registry.holdouts["worse"] = 40, holdout()
    assert house.ask("worse", "worse", adaptivity="firstChange", steps=5).n is None
    assert house.ask("2", "2", adaptivity="firstChange", steps=5).n == 1.0
    assert house.documents.get("gates", "tips/worse")["n"] == pytest.approx(0.6)


def test_estimates_may_be_told_to_their_tolerance_and_are_paid_for_with_labels(house):
    plain_one = house.about("3", "3", adaptivity="full", steps=2).policy
    told_one = GatePolicy(**asdict(plain_one) | {"reveal": "estimates"})
    assert told_one.contract.answers > 2
    assert told_one.contract.promise().log_tests > plain_one.contract.promise().log_tests
    result = house.ask("3", "3", condition="n - o > 0.02 +/- 0.12", adaptivity="full", steps=2, reveal="estimates")
    assert result.measured
    assert result.n is None
    assert result.clauses[0].estimate == pytest.approx(0.12)  # 0.15, to the nearest tolerance
    with pytest.raises(InputError, match="adaptivity full"):
        house.about(reveal="estimates")
    with pytest.raises(InputError, match="worst slice"):
        house.about(condition="n[worst city] > 0.5 +/- 0.1", adaptivity="full", reveal="estimates")


def test_a_changed_condition_opens_an_account_and_pays_for_what_was_seen(house, tmp_path):
    elsewhere = GateHouse.build(tmp_path / "unused rows")
    elsewhere.registry.set_alias("tips", "champion", "1")
    before = elsewhere.ask("3", "1", condition="n - o > 0.03 +/- 0.1", adaptivity="full", steps=2).needed
    house.ask("2", "0", adaptivity="full", steps=2)
    fresh = house.ask("3", "1", condition="n - o > 0.03 +/- 0.1", adaptivity="full", steps=2)
    assert fresh.measured
    assert (fresh.step, fresh.steps) == (1, 2)
    assert fresh.needed > before * 1.05  # one bit was seen


def test_other_data_open_an_account_at_no_cost(house):
    house.registry.holdouts["3"] = holdout(since="2024-01-08", until="2024-01-15")
    house.registry.holdouts["1"] = holdout(since="2024-01-08")
    house.registry.holdouts["2"] = holdout(since="2024-01-15")
    before = house.ask("2", "0", adaptivity="full").needed
    house.registry.flips["3"] = 0
    fresh = house.ask("3", "1", adaptivity="full")
    assert fresh.needed == pytest.approx(before, rel=0.1)
    assert (fresh.step, fresh.steps) == (1, 1)


@pytest.mark.parametrize("rivals", [("full", "none"), ("none", "full")])
def test_no_second_contract_opens_what_builders_are_not_to_know(house, rivals):
    first, second = ({"adaptivity": adaptivity, "steps": 2} for adaptivity in rivals)
    assert house.ask("3", "one", **first).measured
    refused = house.ask("3", "two", condition="n - o > 0.03 +/- 0.1", **second)
    assert not refused.measured
    assert refused.n is None
    assert "hold out newer rows" in refused.sentence


def test_a_pass_that_a_person_decides_retires_the_test_set(house):
    house.registry.flips["3"] = 28
    policy = {"adaptivity": "firstChange", "steps": 5, "mode": "investigate"}
    assert house.ask("3", "e", **policy).verdict == "investigate"
    person = {"model": "tips", "evaluation_id": "e", "answer": "pass", "by": "A. Person", "why": "fewer complaints"}
    assert decide(house.registry, house.documents, **person).passed
    assert decide(house.registry, house.documents, **person).passed
    refused = house.ask("2", "next", **policy)
    assert not refused.measured
    assert "have let a challenger pass, which retires them" in refused.sentence


def test_a_decision_that_was_killed_before_anybody_was_told_is_made_again(house):
    house.registry.flips["3"] = 28
    assert house.ask("3", "e", adaptivity="firstChange", steps=5, mode="investigate").verdict == "investigate"
    person = {"model": "tips", "evaluation_id": "e", "answer": "pass", "by": "A. Person", "why": "fewer complaints"}
    house.documents.create("gate_decisions", "tips/e", {key: person[key] for key in ("answer", "by", "why")})
    assert decide(house.registry, house.documents, **person).passed
    assert house.documents.get("ledger", "tips/trips/000001.decision")["answer"] == "pass"
