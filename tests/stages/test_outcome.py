"""What a decision says of the retrain that it asked for."""

import pytest
from tests.small_world import Registry

from upkeep.adapters.json_documents import JsonDocuments
from upkeep.errors import GateClosed, InputError
from upkeep.stages.outcome import best_passed, record_outcome, with_outcome
from upkeep.stages.record_names import record_name

DECISION = "decisions/tips/2024-01-29"
RECIPES = [{"name": "recent_window", "since": "2024-01-15"}, {"name": "full"}, {"name": "upsample", "weights": []}]
PLANNED = [{"recipe": recipe, "training_id": f"{DECISION}/{recipe['name']}-0"} for recipe in RECIPES[:2]]


@pytest.fixture
def documents(tmp_path):
    made = JsonDocuments(tmp_path / "records", tmp_path / "reports")
    made.put("decisions", "tips/2024-01-29", {"id": DECISION, "due": True, "recipes": RECIPES[:2]})
    return made


@pytest.fixture
def registry():
    return Registry(flips={}, holdouts={}, aliases={"champion": "1", "challenger": "3"})


def verdict(version, gain, passed, measured=True):
    clause = {"clause": "n - o > 0.0 +/- 0.04", "estimate": gain, "low": gain - 0.04, "high": gain + 0.04}
    return {
        "version": version,
        "passed": passed,
        "verdict": "pass" if passed else "fail",
        "n": 0.7 + gain if measured else None,
        "o": 0.7 if measured else None,
        "labels": 6_000 if measured else 10,
        "clauses": [clause] if measured else [],
        "sentence": "So it was judged.",
    }


def judged(documents, number, *args, promoted_in=None, **kwargs):
    name = record_name("tips", PLANNED[number]["training_id"])
    documents.put("gates", name, verdict(*args, **kwargs))
    if promoted_in:
        documents.put("promotions", name, {"version": args[0]})
        promoted_in.set_alias("tips", "champion", args[0])


def outcome(documents, registry, planned=PLANNED):
    return record_outcome(documents, registry, model="tips", decision=DECISION, planned=planned)


def test_the_decision_says_what_was_tried_and_who_is_champion(documents, registry):
    judged(documents, 0, "2", 0.09, True, promoted_in=registry)
    judged(documents, 1, "3", 0.03, False)
    found = outcome(documents, registry)
    assert (found["confirmed"], found["promoted"], found["left_out"]) == (True, "2", [])
    first, second = found["challengers"]
    assert (first["recipe"], first["version"], first["verdict"], first["promoted"]) == (
        "recent_window",
        "2",
        "pass",
        True,
    )
    assert (first["gain"], first["low"], first["high"]) == pytest.approx((0.09, 0.05, 0.13))
    assert (second["recipe"], second["verdict"], second["promoted"]) == ("full", "fail", False)
    assert found["sentence"] == (
        "Confirmed: version 2 became champion. recent_window (version 2): +9.0% (+5.0% to +13.0%), pass; "
        "full (version 3): +3.0% (-1.0% to +7.0%), fail."
    )
    stored = documents.get("decisions", "tips/2024-01-29")
    assert stored == {"id": DECISION, "due": True, "recipes": RECIPES[:2], "outcome": found}


def test_the_alias_ends_on_the_best_challenger_and_not_on_the_one_trained_last(documents, registry):
    judged(documents, 0, "2", 0.02, False)
    judged(documents, 1, "3", 0.01, False)
    outcome(documents, registry)
    assert registry.aliases["challenger"] == "2"


def test_an_alias_that_a_newer_training_has_by_now_is_left_alone(documents, registry):
    registry.aliases["challenger"] = "4"
    judged(documents, 0, "2", 0.09, True, promoted_in=registry)
    outcome(documents, registry)
    assert registry.aliases["challenger"] == "4"


def test_a_suggestion_that_no_challenger_confirms_is_recorded_as_such(documents, registry):
    judged(documents, 0, "2", 0.01, False)
    judged(documents, 1, "3", 0.0, False, measured=False)
    found = outcome(documents, registry)
    assert (found["confirmed"], found["promoted"]) == (False, None)
    assert found["challengers"][1]["gain"] is None
    assert found["sentence"].startswith(
        "Not confirmed: no challenger passed the gate, and version 1 is champion. recent_w"
    )
    assert found["sentence"].endswith("full (version 3): no verdict.")


def test_why_a_challenger_has_no_verdict_is_not_guessed(documents, registry):
    assert "its training" not in outcome(documents, registry)["challengers"][0]["sentence"]


def test_a_challenger_whose_training_failed_has_no_verdict_and_hides_no_other(documents, registry):
    judged(documents, 1, "3", 0.09, True, promoted_in=registry)
    found = outcome(documents, registry)
    assert [one["verdict"] for one in found["challengers"]] == ["none", "pass"]
    assert found["promoted"] == "3"


def test_a_pass_that_could_not_be_promoted_is_told_apart(documents, registry):
    judged(documents, 0, "2", 0.09, True)
    found = outcome(documents, registry)
    assert (found["confirmed"], found["promoted"]) == (True, None)
    assert found["sentence"].startswith("Confirmed, but not promoted: version 1 is champion.")


def test_recipes_of_the_decision_that_were_not_tried_are_named(documents, registry):
    documents.put("decisions", "tips/2024-01-29", {"recipes": RECIPES})
    judged(documents, 0, "2", 0.09, True, promoted_in=registry)
    found = outcome(documents, registry)
    assert found["left_out"] == ["upsample"]
    assert found["sentence"].endswith("Not tried: upsample.")


def test_a_no_is_an_outcome_and_does_not_take_the_place_of_a_retrain_that_ran(documents, registry):
    refused = outcome(documents, registry, planned=[])
    assert (refused["sentence"], refused["confirmed"]) == ("Not approved: nothing was trained.", False)
    judged(documents, 0, "2", 0.09, True, promoted_in=registry)
    ran = outcome(documents, registry)
    assert outcome(documents, registry, planned=[]) == ran
    assert documents.get("decisions", "tips/2024-01-29")["outcome"] == ran


def test_of_two_promoted_one_after_the_other_the_outcome_names_the_one_that_is_champion(documents, registry):
    judged(documents, 0, "2", 0.06, True, promoted_in=registry)
    judged(documents, 1, "3", 0.09, True, promoted_in=registry)
    found = outcome(documents, registry)
    assert found["promoted"] == registry.aliases["challenger"] == "3"


def test_a_second_run_of_a_decision_keeps_the_promotion_and_the_challengers_of_the_first(documents, registry):
    judged(documents, 0, "2", 0.09, True, promoted_in=registry)
    first = outcome(documents, registry, planned=PLANNED[:1])
    judged(documents, 1, "3", 0.0, False)
    second = outcome(documents, registry, planned=PLANNED[1:])
    assert (second["promoted"], second["confirmed"], second["left_out"]) == ("2", True, [])
    assert second["challengers"][0] == first["challengers"][0]
    assert [one["version"] for one in second["challengers"]] == ["2", "3"]
    assert documents.get("decisions", "tips/2024-01-29")["outcome"] == second


def test_a_promotion_stays_in_the_outcome_after_a_newer_champion_came(documents, registry):
    judged(documents, 0, "2", 0.09, True, promoted_in=registry)
    first = outcome(documents, registry)
    registry.set_alias("tips", "champion", "9")
    assert outcome(documents, registry) == first


def test_the_same_again_changes_nothing(documents, registry):
    judged(documents, 0, "2", 0.09, True, promoted_in=registry)
    first, stored = outcome(documents, registry), documents.get("decisions", "tips/2024-01-29")
    assert outcome(documents, registry) == first
    assert documents.get("decisions", "tips/2024-01-29") == stored


def test_a_decision_that_is_made_again_gets_its_outcome_back(documents, registry):
    judged(documents, 0, "2", 0.09, True, promoted_in=registry)
    found = outcome(documents, registry)
    documents.put("decisions", "tips/2024-01-29", {"id": DECISION})
    assert with_outcome(documents, "tips/2024-01-29") == found
    assert documents.get("decisions", "tips/2024-01-29") == {"id": DECISION, "outcome": found}
    assert with_outcome(documents, "tips/2024-02-05") is None


def test_a_retrain_that_a_person_asked_for_has_an_outcome_and_no_decision(documents, registry):
    judged(documents, 0, "2", 0.09, True, promoted_in=registry)
    found = record_outcome(documents, registry, model="tips", decision="", planned=PLANNED)
    assert found["promoted"] == "2"
    assert documents.names("outcomes") == []


def test_a_decision_that_is_not_there_is_named(documents, registry):
    with pytest.raises(InputError, match=r"'decisions/tips/2020-01-01' is none"):
        record_outcome(documents, registry, model="tips", decision="decisions/tips/2020-01-01", planned=PLANNED)


def test_the_best_is_the_most_accurate_pass_and_of_equal_ones_the_first():
    shut, low, high = verdict("2", 0.5, False), verdict("3", 0.05, True), verdict("4", 0.06, True)
    assert best_passed([shut, low, high]) is high
    assert best_passed([high, low, shut, verdict("5", 0.06, True)]) is high


def test_gains_over_different_champions_do_not_rank():
    old = verdict("2", 0.2, True) | {"n": 0.80, "o": 0.60}
    new = verdict("4", 0.06, True) | {"n": 0.86, "o": 0.80}
    assert best_passed([old, new]) is new


def test_a_first_model_is_ranked_by_its_own_accuracy():
    verdicts = [verdict(name, 0.0, True) | {"n": n, "o": None} for name, n in (("2", 0.7), ("3", 0.8))]
    assert best_passed(verdicts)["version"] == "3"


def test_where_only_disagreements_were_labelled_the_gain_over_one_champion_ranks():
    whole = verdict("2", 0.05, True) | {"gain": 0.05, "champion": "1"}
    low, high = (whole | {"version": name, "n": None, "gain": gain} for name, gain in (("3", 0.03), ("4", 0.08)))
    assert best_passed([low, whole, high]) is high
    assert best_passed([low, high, high | {"version": "5"}]) is high
    assert best_passed([low, high | {"champion": "2"}]) is low
    assert best_passed([low, high, whole | {"n": None, "gain": None}]) is low


@pytest.mark.parametrize("verdicts", [[], [verdict("2", 0.5, False)]])
def test_without_a_pass_there_is_no_best(verdicts):
    with pytest.raises(GateClosed, match="must have passed its gate to be promoted"):
        best_passed(verdicts)
