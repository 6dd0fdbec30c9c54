import pytest
from tests.monitor_house import House

from upkeep.adapters.json_documents import JsonDocuments
from upkeep.core.retrain.diagnosis import diagnose
from upkeep.errors import InputError
from upkeep.stages.suggest import DecisionPolicy, health_facts, suggest

POLICY = DecisionPolicy(max_loss=0.03, min_labels=100)


def finding(distance="ks", **changes):
    fields = {"column": "fare", "distance": distance, "statistic": 0.1, "low": 0.05, "drifted": True}
    return fields | {"before": 0.0, "after": 0.0, "sentence": "fare: values moved."} | changes


def report(window, change, drift=(), **changes):
    fields = {
        "window": window,
        "since": f"{window}T00:00:00",
        "version": "3",
        "labelled": 500,
        "quarantine_share": 0.0,
        "drift": list(drift),
        "drifted": [f["column"] for f in drift if f["drifted"]],
        "accuracy": {"change": {"value": change, "low": change - 0.01, "high": change + 0.01}},
        "kitagawa": {"change": change, "covariate": 0.0, "concept": change, "outside": 0.0},
    }
    return fields | changes


@pytest.fixture
def documents(tmp_path):
    return JsonDocuments(tmp_path / "records", tmp_path / "reports")


def decide(documents, window, state=None):
    return suggest(documents, model="tip", window=window, policy=POLICY, state=state or {})


def test_a_lasting_drop_is_suggested_stored_and_the_same_again(documents):
    for window in ("2024-01-08", "2024-01-15", "2024-01-22"):
        documents.put("health", f"tip/{window}", report(window, -0.08))
    documents.put("health", "tip_other/2024-01-08", report("2024-01-08", -0.9))

    first, state = decide(documents, "2024-01-08")
    second, state = decide(documents, "2024-01-15", state)
    again, same = decide(documents, "2024-01-15", state)

    assert (first.action, second.action, second.due) == ("wait", "retrain", True)
    assert (again, same) == (second, state)
    stored = documents.get("decisions", "tip/2024-01-15")
    assert stored["id"] == "decisions/tip/2024-01-15"
    assert stored["recipe"] == {"name": "recent_window", "since": "2024-01-08T00:00:00"}
    assert stored["evidence"] == ["health/tip/2024-01-08", "health/tip/2024-01-15"]


def test_later_windows_are_not_looked_at(documents):
    for window, change in (("2024-01-08", -0.08), ("2024-01-15", 0.0), ("2024-01-22", -0.08)):
        documents.put("health", f"tip/{window}", report(window, change))
    assert decide(documents, "2024-01-15")[0].evidence == ("health/tip/2024-01-08", "health/tip/2024-01-15")


def test_a_window_of_a_version_that_later_reports_do_not_have_is_not_due(documents):
    for window, version in (("2024-01-08", "3"), ("2024-01-15", "3"), ("2024-01-22", "4")):
        documents.put("health", f"tip/{window}", report(window, -0.08, version=version))
    decision = decide(documents, "2024-01-15")[0]
    assert (decision.action, decision.due) == ("retrain", False)
    assert "version 4 is live, not 3" in decision.sentence


@pytest.mark.parametrize(
    ("found", "action"),
    [
        (finding("null_rate", before=0.0, after=0.3, low=0.1), "fix_data"),
        (finding("null_rate", before=0.0, after=0.3, low=0.09), "wait"),
        (finding("null_rate", before=0.63, after=0.0, low=0.6), "wait"),  # values that came are no damage
        (finding("new_categories", before=0.0, after=0.2, low=0.15), "fix_data"),
        (finding("new_categories", before=0.0, after=0.03, low=0.025), "wait"),  # a new category that may stay
        (finding("ks", low=0.7), "fix_data"),
        (finding("ks", low=0.2), "wait"),
        (finding("null_rate", before=0.0, after=0.3, low=0.2, drifted=False), "wait"),
    ],
)
def test_signs_of_a_broken_source_are_told_from_drift(documents, found, action):
    documents.put("health", "tip/2024-01-08", report("2024-01-08", -0.08, [found]))
    assert decide(documents, "2024-01-08")[0].action == action


@pytest.mark.parametrize("found", [finding("new_categories", after=0.9, low=0.8), finding("ks", low=0.7)])
def test_a_column_that_someone_has_looked_at_blocks_nothing(documents, found):
    for window in ("2024-01-08", "2024-01-15"):
        documents.put("health", f"tip/{window}", report(window, -0.08, [found]))
    kept = {"model": "tip", "window": "2024-01-15", "state": {}}
    for accepted, action in ((("fare",), "retrain"), (("zone",), "fix_data"), ((), "fix_data")):
        policy = DecisionPolicy(max_loss=0.03, min_labels=100, accepted=accepted)
        assert suggest(documents, policy=policy, **kept)[0].action == action


def test_a_window_without_a_report_is_refused(documents):
    with pytest.raises(InputError, match=r"the last is none\. Monitor it first"):
        decide(documents, "2024-01-08")
    documents.put("health", "tip/2024-01-08", report("2024-01-08", 0.0))
    with pytest.raises(InputError, match="the last is tip/2024-01-08"):
        decide(documents, "2024-01-15")


def test_a_report_as_it_is_stored_says_all_that_a_diagnosis_asks_for(tmp_path):
    house = House(tmp_path, adversary=True, labels=True)
    facts = [health_facts(f"health/{week}", house.monitor(week), POLICY) for week in range(4)]
    now = facts[3]  # in the last week a part of the fares is lost, and they moved
    assert (now.rows, now.labelled > 0, now.lag_h is not None) == (2_000, True, True)
    assert [shown.column for shown in now.moved] == ["fare"]
    assert 0.1 < now.ks < 0.5
    assert now.adversary_loss < facts[0].adversary_loss
    assert now.parts.concept_error > 0
    assert now.parts.buckets[0].name.startswith("score 0 to ")
    assert diagnose(facts, POLICY).cause == "data_integrity"


def test_a_recipe_names_the_adversary_that_the_monitor_has_stored(tmp_path):
    house = House(tmp_path, adversary=True)
    facts = health_facts("health/tip", house.monitor(3), POLICY)
    kind, _, name = facts.adversary.partition("/")
    assert house.documents.get(kind, name)["learned_rows"] > 0


def test_a_column_in_another_unit_is_taken_for_broken(documents):
    columns = {"fare": {"deviation_before": 2.0, "deviation": 180.0}}
    documents.put("health", "tip/2024-01-08", report("2024-01-08", -0.08, [finding(low=0.2)], columns=columns))
    assert decide(documents, "2024-01-08")[0].action == "fix_data"


def test_groups_are_known_by_their_clauses_and_in_older_reports_by_their_level(documents):
    rule = {"clauses": ["zone = Bronx", "vendor = 2"], "sentence": "late"}
    level = {"column": "zone", "level": "Bronx", "sentence": "slow"}
    change = {"slower": True, "sentence": "Labels have become slower."}
    told = report("2024-01-08", 0.0, delays={"slow": [rule, level], "change": change})
    facts = health_facts("health/tip/2024-01-08", told, POLICY)
    assert facts.slow == {"zone = Bronx and vendor = 2": "late", "zone = Bronx": "slow"}
    assert facts.slower == "Labels have become slower."
