from dataclasses import replace

import pytest

from upkeep.core.retrain.correction import GainLook, found_gain
from upkeep.core.retrain.decide import decide
from upkeep.core.retrain.decision import DecisionPolicy, HealthFacts
from upkeep.core.retrain.kitagawa import Decomposition
from upkeep.errors import InputError

POLICY = DecisionPolicy(max_loss=0.03, windows_needed=2, windows_looked=3, cooldown_windows=2, min_labels=200)


def facts(day, change=0.0, half_width=0.01, **changes):
    """The report of a window; by default all of the change is concept shift."""
    fields = {
        "evidence": f"health/taxi_tip/2024-01-{day:02}",
        "window": f"2024-01-{day:02}",
        "since": f"2024-01-{day:02}T00:00:00",
        "version": "1",
        "labelled": 1_000,
        "change": change,
        "change_low": change - half_width,
        "change_high": change + half_width,
        "parts": Decomposition(change=change, covariate=0.0, concept=change, outside=0.0),
        "drifted": (),
        "damage": (),
        "quarantine_share": 0.0,
    }
    return HealthFacts(**fields | changes)


def live(reports, policy=POLICY):
    """Decide about every window in turn."""
    state, decisions = {}, []
    for i in range(len(reports)):
        decision, state = decide(reports[: i + 1], policy=policy, state=state)
        decisions.append(decision)
    return decisions, state


def actions(reports, policy=POLICY):
    return [decision.action for decision in live(reports, policy)[0]]


def test_a_lasting_drop_leads_to_a_retrain_with_its_evidence():
    decisions, _ = live([facts(1), facts(2, -0.06), facts(3, -0.06)])

    assert [d.action for d in decisions] == ["wait", "wait", "retrain"]
    assert decisions[1].against == ("the drop shows in 1 of the last 3 windows, not in 2",)
    due = decisions[2]
    assert due.due
    assert (due.cause, due.recipe) == ("concept_shift", {"name": "recent_window", "since": "2024-01-02T00:00:00"})
    assert due.evidence == ("health/taxi_tip/2024-01-02", "health/taxi_tip/2024-01-03")
    assert due.against
    assert "accuracy fell by 6.0% (at least 5.0%)" in due.sentence


def test_one_bad_window_among_good_ones_is_not_enough():
    assert actions([facts(1, -0.06), facts(2), facts(3), facts(4, -0.06), facts(5)]) == ["wait"] * 5


def test_two_bad_windows_of_three_are_enough():
    assert actions([facts(1, -0.06), facts(2), facts(3, -0.06)]) == ["wait", "wait", "retrain"]


def test_no_second_suggestion_within_the_cooldown():
    found = actions([facts(day, -0.06) for day in range(1, 10)])
    assert found == ["wait", "retrain", "wait", "wait", "retrain", "wait", "wait", "retrain", "wait"]
    decisions, _ = live([facts(day, -0.06) for day in range(1, 4)])
    assert decisions[-1].against == ("a retrain was suggested lately; 2 more window(s) of cooldown",)


def test_deciding_a_window_again_gives_the_same_decision_and_state():
    reports = [facts(day, -0.06) for day in range(1, 7)]
    state = {}
    for i in range(len(reports)):
        before = repr(state)
        decision, after = decide(reports[: i + 1], policy=POLICY, state=state)
        assert repr(state) == before
        assert decide(reports[: i + 1], policy=POLICY, state=state) == (decision, after)
        assert decide(reports[: i + 1], policy=POLICY, state=after) == (decision, after)
        state = after
    for i in range(len(reports)):  # and so does going through all of them once more
        _, state_again = decide(reports[: i + 1], policy=POLICY, state=state)
        assert state_again == state


def test_an_older_window_that_is_decided_again_keeps_the_cooldown_before_and_after_it():
    reports = [facts(day, -0.06 if day >= 4 else 0.0) for day in range(1, 10)]
    first = [*reports[:4], facts(5), *reports[5:]]  # window 5 showed no harm until its labels came
    _, state = live(first[:7])
    assert [past["action"] for past in state["history"][3:]] == ["wait", "wait", "retrain", "wait"]
    again, _ = decide(reports[:5], policy=POLICY, state=state)
    assert (again.action, again.due) == ("wait", False)
    assert again.against == ("a retrain was suggested soon after, for window 2024-01-06",)


def test_an_older_window_is_not_due_once_a_later_one_was():
    reports = [facts(day, -0.06) for day in range(1, 10)]
    first, state = live(reports)
    again, same = decide(reports[:5], policy=POLICY, state=state)
    assert (first[4].due, again.action, again.due, same) == (True, "retrain", False, state)
    assert again.against[0] == "a retrain was suggested for a later window, 2024-01-08"
    assert again.sentence.endswith(" Not due: a retrain was suggested for a later window, 2024-01-08.")


def test_a_window_of_a_version_that_is_not_live_any_more_is_not_due():
    reports = [facts(1, -0.06), facts(2, -0.06)]
    found = [decide(reports, policy=POLICY, state={}, live=version)[0] for version in (None, "1", "2")]
    assert [one.due for one in found] == [True, True, False]
    assert found[2].against[0] == "version 2 is live, not 1"


def test_a_streak_belongs_to_one_model_version():
    assert actions([facts(1, -0.06), facts(2, -0.06, version="2")]) == ["wait", "wait"]


def test_a_version_that_came_back_does_not_count_the_windows_of_its_former_life():
    reports = [facts(1, -0.06), facts(2, version="2"), facts(3, version="2"), facts(4, -0.06)]
    assert actions(reports) == ["wait"] * 4
    assert actions([facts(1, -0.06), facts(2, version="2"), facts(3, -0.06)]) == ["wait", "wait", "retrain"]


BROKEN = ({"damage": ("meter: values moved",)}, {"quarantine_share": 0.3})


@pytest.mark.parametrize("broken", BROKEN)
def test_a_window_with_broken_data_is_no_evidence_of_harm(broken):
    decisions, state = live([facts(1, -0.06, **broken), facts(2, -0.06)])
    assert [d.action for d in decisions] == ["fix_data", "wait"]
    assert decisions[1].evidence == ("health/taxi_tip/2024-01-02",)
    assert [past["harmed"] for past in state["history"]] == [False, True]


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_windows_are_not_counted_in_how_far_the_recipe_reaches_back(broken):
    reports = [facts(1, -0.06), facts(2, -0.06, **broken), facts(3, -0.06)]
    assert live(reports)[0][2].recipe == {"name": "recent_window", "since": "2024-01-01T00:00:00"}


def test_the_recipe_reaches_back_to_where_the_concept_part_began_or_as_the_policy_says():
    changes = [0.004, -0.003, 0.0, 0.002, -0.05, -0.07, -0.06]
    reports = [facts(day, change) for day, change in enumerate(changes, 1)]
    policy = replace(POLICY, windows_looked=4, windows_needed=3)
    assert live(reports, policy)[0][6].recipe == {"name": "recent_window", "since": "2024-01-05T00:00:00"}
    assert live(reports, replace(policy, recent_windows=5))[0][6].recipe["since"] == "2024-01-03T00:00:00"


def test_a_healthy_window_is_told_as_healthy_and_keeps_its_reasons():
    healthy, small = (live([one])[0][0] for one in (facts(1), facts(1, -0.02, half_width=0.001)))
    assert healthy.sentence == "Wait: accuracy shows no certain drop."
    assert "a drop of accuracy is not certain: the interval of the change reaches 0" in healthy.against
    assert small.sentence == "Wait: accuracy fell by 2.0%, within the 3.0% that is accepted."
    assert (healthy.cause, small.cause) == ("none", "none")


def test_a_drop_that_is_uncertain_or_small_is_waited_out_with_the_reason():
    uncertain = live([facts(1, -0.06, half_width=0.1)])[0][0]
    small = live([facts(1, -0.02, half_width=0.001)])[0][0]
    assert "a drop of accuracy is not certain: the interval of the change reaches 0" in uncertain.against
    assert "accuracy changed by -2.0%; a loss up to 3.0% is accepted" in small.against


def test_broken_data_come_before_anything_else():
    bad = facts(3, -0.2, labelled=0, drifted=("meter",), damage=("meter: share of missing or infinite values moved",))
    decisions, _ = live([facts(1, -0.06), facts(2, -0.06), bad])
    assert (decisions[2].action, decisions[2].cause, decisions[2].due) == ("fix_data", "data_integrity", False)
    assert decisions[2].sentence == "Fix the data first: meter: share of missing or infinite values moved."

    refused = live([facts(1, quarantine_share=0.3)])[0][0]
    assert refused.sentence == "Fix the data first: validation refused 30% of the rows."


def test_too_few_labels_ask_for_labels_and_never_count_as_harm():
    found = actions([facts(1, -0.06, labelled=10), facts(2, -0.06, labelled=10), facts(3, -0.06)])
    assert found == ["get_labels", "get_labels", "wait"]


def test_drift_without_harm_waits_and_says_so():
    decision = live([facts(1, drifted=("fare", "hour"))])[0][0]
    assert (decision.action, decision.cause) == ("wait", "drift")
    assert decision.sentence == "Wait: fare, hour drifted, but accuracy shows no harm."


@pytest.mark.parametrize(
    ("parts", "cause", "recipe"),
    [
        ((-0.01, -0.05, 0.0), "concept_shift", "recent_window"),
        ((-0.05, -0.01, 0.0), "covariate_shift", "full"),
        ((-0.08, -0.01, 0.03), "covariate_shift", "full"),
    ],
)
def test_the_larger_part_of_the_loss_chooses_the_recipe(parts, cause, recipe):
    covariate, concept, outside = parts
    split = Decomposition(change=-0.06, covariate=covariate, concept=concept, outside=outside)
    decision = live([facts(1, -0.06), facts(2, -0.06, parts=split)])[0][1]
    assert (decision.cause, decision.recipe["name"]) == (cause, recipe)


def test_the_gain_is_the_drop_over_the_horizon_less_the_cost():
    policy = replace(POLICY, cost_error=0.5, cost_retrain=100.0, horizon_rows=10_000)
    decision = live([facts(1, -0.06), facts(2, -0.06)], policy)[0][1]
    gains = (decision.gain_low, decision.expected_gain, decision.gain_high)
    assert gains == (pytest.approx(150), pytest.approx(200), pytest.approx(250))

    dear = live([facts(1, -0.06), facts(2, -0.06)], replace(policy, cost_retrain=400.0))[0][1]
    assert dear.action == "wait"
    assert dear.against == ("a retrain costs more than it wins back (-100 over 10000 rows)",)


def test_a_long_stable_life_raises_nothing_and_keeps_a_small_state():
    reports = [facts(1, 0.001 * (-1) ** i, window=f"2024-{i:04}") for i in range(260)]
    decisions, state = live(reports)
    assert {d.action for d in decisions} == {"wait"}
    assert len(state["history"]) == 200


def test_unusable_input_is_refused():
    with pytest.raises(InputError, match="at least one health report"):
        decide([], policy=POLICY, state={})
    with pytest.raises(InputError, match="format 1, got 7"):
        decide([facts(1)], policy=POLICY, state={"format": 7})
    with pytest.raises(InputError, match="4 of 3"):
        DecisionPolicy(windows_needed=4)
    with pytest.raises(InputError, match="max_loss must lie"):
        DecisionPolicy(max_loss=3)
    with pytest.raises(InputError, match=r"got \{'cause_alpha': 95\}"):
        DecisionPolicy(cause_alpha=95)
    with pytest.raises(InputError, match="max_scale above 1"):
        DecisionPolicy(max_scale=1.0)


def gain(day, better=0, worse=0, rows=1_000, looks=1):
    """Looks at corrections in as many windows up to this one."""
    made = [
        GainLook(window=f"2024-01-{d:02}", since=f"2024-01-{d:02}T00:00:00", better=better, worse=worse, rows=rows)
        for d in range(day - looks + 1, day + 1)
    ]
    return found_gain(made, tolerated=POLICY.max_loss, alpha=POLICY.gain_alpha, least=POLICY.min_labels)


def test_a_newer_model_that_certainly_is_better_leads_to_a_retrain_though_this_one_never_fell():
    reports = [facts(1), facts(2), facts(3, gain=gain(3)), facts(4, gain=gain(4, 120, 10))]
    decisions, _ = live(reports)

    assert [d.action for d in decisions] == ["wait"] * 3 + ["retrain"]
    due = decisions[3]
    assert (due.cause, due.due) == ("recoverable_loss", True)
    assert [recipe["name"] for recipe in due.recipes] == ["recent_window", "full"]
    assert due.recipe["since"] == "2024-01-03T00:00:00"  # the window that taught the correction
    assert due.evidence == ("health/taxi_tip/2024-01-04",)
    assert due.expected_gain == pytest.approx(1_100)
    assert 300 < due.gain_low < due.expected_gain < due.gain_high
    assert "right more often by 11.0% (at least" in due.sentence
    assert "accuracy fell" not in due.sentence
    assert due.against[0] == "a retrain may win less than the correction did"


def test_a_drop_is_the_cause_where_a_newer_model_wins_it_back():
    decision = live([facts(1), facts(2, -0.08), facts(3, -0.08, gain=gain(3, 120, 10))])[0][-1]

    assert (decision.action, decision.cause) == ("retrain", "concept_shift")
    assert "right more often by 11.0%" in decision.sentence
    assert "accuracy fell by 8.0% (at least 7.0%)" in decision.sentence


def test_a_drop_that_no_newer_model_wins_back_is_no_reason():
    decisions, _ = live([facts(day, -0.08, gain=gain(day, 40, 40)) for day in range(1, 5)])

    assert {d.action for d in decisions} == {"wait"}
    assert decisions[-1].against[0] == (
        "no model fitted anew on recent labels is certainly right more often by more than 3.0%"
    )
    assert decisions[-1].sentence == f"Wait: {decisions[-1].against[0]}."


def test_what_is_to_be_won_waits_for_broken_data_a_cooldown_and_its_cost():
    won = gain(4, 120, 10)
    assert actions([facts(4, gain=won, damage=("fare is out of scale",))]) == ["fix_data"]
    assert actions([facts(3, gain=gain(3, 120, 10)), facts(4, gain=won)]) == ["retrain", "wait"]
    cooled = live([facts(3, gain=gain(3, 120, 10)), facts(4, gain=won)])[0][-1]
    assert cooled.sentence == "Wait: a retrain was suggested lately; 2 more window(s) of cooldown."
    dear = DecisionPolicy(cost_retrain=5_000)
    assert actions([facts(4, gain=won)], dear) == ["wait"]


def test_what_is_to_be_won_counts_though_few_labels_of_the_window_are_in():
    assert actions([facts(4, labelled=10, gain=gain(4, 120, 10))]) == ["retrain"]
    assert actions([facts(4, labelled=10, gain=gain(4))]) == ["get_labels"]
