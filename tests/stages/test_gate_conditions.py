"""Conditions beyond accuracy on all rows: metrics, slices, losses, the worst slice, and truths left open."""

import numpy as np
import pytest
from tests.gate_house import GateHouse

from upkeep.errors import GateClosed, InputError
from upkeep.stages.gate_decide import decide
from upkeep.stages.promote import promote


@pytest.fixture
def house(tmp_path):
    house = GateHouse.build(tmp_path)
    house.registry.set_alias("tips", "champion", "1")
    return house


def shortfall(label, score):
    return np.abs(label - score) * 0.5


@pytest.mark.parametrize(
    ("condition", "estimate"),
    [
        ("n.recall > 0.5 +/- 0.1", 1.0),
        ("n.precision - o.precision > 0.02 +/- 0.15", 0.3),
        ("n.f1 > 0.6 +/- 0.1", 1.0),
        ("n.brier < 0.3 +/- 0.1", 0.0),
        ("n.shortfall < 0.3 +/- 0.1", 0.0),
        ("n[city = Queens] - o[city = Queens] > 0.02 +/- 0.12", 0.3),
        ("n[distance > 0] > 0.6 +/- 0.1", 1.0),
    ],
)
def test_any_metric_and_slice_is_measured_on_the_rows_it_is_about(house, condition, estimate):
    losses = {"shortfall": "tests.stages.test_gate_conditions:shortfall"}
    result = house.ask(condition=condition, losses=losses)
    assert result.passed, result.sentence
    assert result.clauses[0].estimate == pytest.approx(estimate, abs=0.06)
    assert result.needed <= result.labels < 1000 or "city" not in condition


def test_the_worst_slice_decides(house):
    result = house.ask(condition="n[worst city] > 0.6 +/- 0.1")
    assert [clause.clause for clause in result.clauses] == [
        "n[city = Bronx] > 0.6 +/- 0.1",
        "n[city = Queens] > 0.6 +/- 0.1",
    ]
    assert result.passed
    few = house.ask(evaluation_id="few", condition="n[worst city] > 0.6 +/- 0.1", min_slice=0.499, steps=2)
    assert len(few.clauses) == 1
    assert "1 slice" in few.sentence
    with pytest.raises(InputError, match=r"worst fare.*1 to 100 slices"):
        house.ask(evaluation_id="fares", condition="n[worst fare] > 0.6 +/- 0.1", steps=2)
    with pytest.raises(InputError, match="about column 'county'"):
        house.ask(evaluation_id="county", condition="n[worst county] > 0.6 +/- 0.1", steps=2)


def test_a_metric_that_nobody_gave_is_refused_before_anything_is_asked(house):
    with pytest.raises(InputError, match="cost"):
        house.ask(condition="n.cost < 0.1 +/- 0.05")
    assert house.documents.names("ledger") == []


def test_a_named_method_is_used_and_needs_what_it_needs(house):
    result = house.ask(condition="n - o > 0.02 +/- 0.1", method="hoeffding")
    assert (result.method, result.needed) == ("hoeffding", 738)  # (2 / 0.1)^2 ln(2 / 0.05) / 2
    with pytest.raises(InputError, match="a method is one of"):
        house.ask("3", "other", method="guess", steps=2)


@pytest.mark.parametrize(("answer", "passed"), [("pass", True), ("fail", False)])
def test_a_person_decides_what_the_gate_leaves_open(house, answer, passed):
    house.registry.flips["3"] = 25
    open_one = house.ask("3", "e", mode="investigate")
    assert (open_one.verdict, open_one.passed) == ("investigate", False)
    assert "upkeep gate decide --evaluation e" in open_one.sentence
    about = {"model": "tips", "evaluation_id": "e", "by": "ann", "why": "a fresh sample says so"}
    decided = decide(house.registry, house.documents, answer=answer, **about)
    assert (decided.verdict, decided.passed) == (answer, passed)
    assert "ann decided" in decided.sentence
    assert decide(house.registry, house.documents, answer=answer, **about) == decided
    assert house.ask("3", "e", mode="investigate") == decided
    assert house.registry.tags["3"]["upkeep.gate.verdict"] == answer
    with pytest.raises(InputError, match="decided by ann already"):
        decide(house.registry, house.documents, answer="fail" if passed else "pass", **about)
    promotion = {"model": "tips", "version": "3", "evaluation_id": "e"}
    if passed:
        assert promote(house.registry, house.documents, **promotion).version == "3"
    else:
        with pytest.raises(GateClosed, match="ann decided"):
            promote(house.registry, house.documents, **promotion)


def test_a_gate_that_answered_by_itself_is_not_decided_by_a_person(house):
    house.ask("2", "e", mode="investigate")
    with pytest.raises(InputError, match="must be left open"):
        decide(house.registry, house.documents, model="tips", evaluation_id="e", answer="fail", by="ann", why="no")
    with pytest.raises(InputError, match="Run the gate"):
        decide(house.registry, house.documents, model="tips", evaluation_id="x", answer="fail", by="ann", why="no")


def test_a_condition_on_differences_alone_needs_no_label(tmp_path):
    house = GateHouse.build(tmp_path, labels=False)
    house.registry.set_alias("tips", "champion", "1")
    result = house.ask(condition="d < 0.5 +/- 0.05")
    assert (result.passed, result.labels, result.needed) == (True, 0, 0)
    assert "no label is needed" in result.sentence
    few = house.ask("3", "e2", condition="d < 0.5 +/- 0.001", steps=2)
    assert "needs" in few.sentence
    assert "rows" in few.sentence


def test_metrics_that_count_by_label_are_for_test_sets_whose_answers_nobody_sees(house):
    with pytest.raises(InputError, match="adaptivity none"):
        house.ask(condition="n.recall > 0.5 +/- 0.1", adaptivity="full")


def test_a_slow_look_does_not_take_back_a_verdict(house):
    """Another attempt measures after this one has found labels missing and before it has stored that."""
    condition = "n - o > 0.02 +/- 0.1"
    real, measured = house.documents.put, []

    def put(kind, name, record):
        if kind == "label_requests" and not measured:
            measured.append("now")
            measured.append(house.ask("2", "e", condition=condition))
        real(kind, name, record)

    house.documents.put = put
    late = house.ask("2", "e", condition=condition, as_of="2024-01-15T01")
    assert measured[1].passed
    assert late.passed
    assert house.documents.get("gates", "tips/e")["passed"]
