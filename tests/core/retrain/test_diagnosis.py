from dataclasses import replace

import pytest
from tests.core.retrain.test_decide import POLICY, facts

from upkeep.core.profile.histogram import Histogram
from upkeep.core.retrain.decide import decide
from upkeep.core.retrain.diagnosis import diagnose
from upkeep.core.retrain.kitagawa import Decomposition, kitagawa

SLOW = {"place = port": "place = port: 90% of 100 rows are pending."}
MOVED = Histogram(
    column="place", kind="category", levels=("city", "port"), before=(0.9, 0.1), after=(0.5, 0.5), missing=(0.0, 0.0)
)


def parts(covariate, concept, error=0.005, outside=0.0):
    change = covariate + concept + outside
    return Decomposition(
        change=change, covariate=covariate, concept=concept, outside=outside, covariate_error=error, concept_error=error
    )


def harmed(split, **changes):
    return [facts(1), facts(2, split.change, parts=split, **changes), facts(3, split.change, parts=split, **changes)]


@pytest.mark.parametrize(
    ("split", "cause", "certain"),
    [
        (parts(-0.06, -0.005), "covariate_shift", True),
        (parts(0.0, -0.06), "concept_shift", True),
        (parts(-0.04, -0.04), "mixed", True),
        (parts(-0.08, -0.015, error=0.001), "covariate_shift", True),  # certain, and a minor share
        (parts(-0.04, -0.04, error=0.03), "concept_shift", False),
        (parts(0.02, -0.08), "concept_shift", True),
        (parts(-0.01, -0.01, outside=-0.05), "covariate_shift", True),  # rows of a new kind are other rows
    ],
)
def test_the_parts_and_their_intervals_name_the_cause(split, cause, certain):
    found = diagnose(harmed(split), POLICY)
    assert (found.cause, found.certain) == (cause, certain)


@pytest.mark.parametrize(
    ("split", "recipes"),
    [
        (parts(-0.06, 0.0), ["upsample", "augment", "full"]),
        (parts(0.0, -0.06), ["recent_window", "full"]),
        (parts(-0.04, -0.04), ["recent_window", "upsample", "full"]),
    ],
)
def test_each_cause_has_its_recipes_and_the_first_is_the_suggested_one(split, recipes):
    state = {}
    reports = harmed(split, moved=(MOVED,), adversary="adversaries/taxi_tip/v1/2024-01-03")
    for i in range(3):
        decision, state = decide(reports[: i + 1], policy=POLICY, state=state)
    assert [recipe["name"] for recipe in decision.recipes] == recipes
    assert decision.recipe == decision.recipes[0]
    assert decision.diagnosis.cause == decision.cause


def test_what_cannot_be_carried_out_is_not_suggested():
    reports = harmed(parts(-0.06, 0.0))
    state = decide(reports[:2], policy=POLICY, state={})[1]
    assert [recipe["name"] for recipe in decide(reports, policy=POLICY, state=state)[0].recipes] == ["full"]


def test_the_sentence_names_the_buckets_that_carry_the_loss():
    split = kitagawa(
        reference_rows=[800, 100, 100],
        reference_correct=[720, 60, 80],
        live_rows=[400, 500, 100],
        live_correct=[360, 300, 78],
        names=["city", "port", "hill"],
    )
    found = diagnose(harmed(split), POLICY)
    assert found.covariate.buckets == ("port",)
    assert "most of it where port" in found.sentence
    assert found.sentence.startswith("Other rows: -12.0% (")
    assert found.concept.buckets == ()


def test_broken_data_come_before_late_labels_and_these_before_drift():
    late = {"rows": 1_000, "labelled": 400, "slow": SLOW}
    everything = facts(1, drifted=("fare",), damage=("meter: values moved",), **late)
    assert diagnose([everything], POLICY).cause == "data_integrity"
    assert diagnose([replace(everything, damage=())], POLICY).cause == "late_labels"
    assert diagnose([replace(everything, damage=(), slow={})], POLICY).cause == "drift"
    assert diagnose([facts(1)], POLICY).cause == "none"


def test_a_column_that_is_not_logged_any_more_is_broken_data_unless_someone_accepted_it():
    gone = facts(1, unwatched=("fare",))
    assert diagnose([gone], POLICY).cause == "data_integrity"
    assert diagnose([gone], replace(POLICY, accepted=("fare",))).cause == "none"


def test_few_labels_are_late_only_if_something_says_so():
    few = facts(3, labelled=100, rows=1_000)
    before = [facts(day, labelled=900, rows=1_000) for day in (1, 2)]
    assert diagnose([few], POLICY).cause == "too_few_labels"
    found = diagnose([*before, few], POLICY)
    assert found.cause == "late_labels"
    assert found.late == (
        "10% of the labels are in, against 90% or more in the windows before, which had no more time.",
    )


def test_windows_that_had_more_time_or_another_version_say_nothing_about_lateness():
    now = facts(3, labelled=500, rows=1_000, lag_h=0.0)
    before = facts(1, labelled=900, rows=1_000, lag_h=48.0)
    assert diagnose([before, now], POLICY).late == ()
    assert diagnose([replace(before, lag_h=0.0, version="0"), now], POLICY).late == ()
    assert diagnose([replace(before, lag_h=0.0), now], POLICY).late


def test_certain_harm_is_told_though_labels_are_late():
    reports = harmed(parts(0.0, -0.06), slow=SLOW)
    state = decide(reports[:2], policy=POLICY, state={})[1]
    decision, _ = decide(reports, policy=POLICY, state=state)
    assert (decision.cause, decision.action) == ("concept_shift", "retrain")
    assert "place = port: 90% of 100 rows are pending." in decision.against


def test_late_labels_are_asked_for_where_a_loss_cannot_be_ruled_out_and_waited_for_where_it_can():
    slow = {"slow": SLOW, "labels_ready_at": "2024-01-20T00:00:00"}
    wide = decide([facts(1, half_width=0.08, **slow)], policy=POLICY, state={})[0]
    assert wide.action == "get_labels"
    assert wide.sentence == (
        "Get labels: 1000 are in, and a loss of up to 8.0% cannot be ruled out, expected by 2024-01-20T00:00:00. "
        "place = port: 90% of 100 rows are pending."
    )
    narrow = decide([facts(1, half_width=0.01, **slow)], policy=POLICY, state={})[0]
    assert (narrow.action, narrow.cause) == ("wait", "late_labels")


def test_a_group_that_has_always_been_slow_is_no_incident():
    always = [facts(day, slow=SLOW, half_width=0.08) for day in (1, 2, 3)]
    assert [diagnose(always[:many], POLICY).cause for many in (1, 2, 3)] == ["late_labels", "none", "none"]
    since_then = [facts(1), *always[1:]]
    assert [diagnose(since_then[:many], POLICY).cause for many in (1, 2, 3)] == ["none", "late_labels", "late_labels"]
    assert diagnose([facts(1, slower="Labels have become slower.")], POLICY).late == ("Labels have become slower.",)
