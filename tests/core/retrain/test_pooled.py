from dataclasses import replace

import numpy as np
import pytest
from tests.core.retrain.test_decide import facts

from upkeep.core.retrain.decide import decide
from upkeep.core.retrain.decision import DecisionPolicy
from upkeep.core.retrain.diagnosis import diagnose
from upkeep.core.retrain.pooled import pooled

POLICY = DecisionPolicy(drop_alpha=0.01)


def small(day, right, **changes):
    """100 labels of a version that was right in 1,600 of 2,000; its own interval tells nothing."""
    own = right / 100 - 0.8
    counts = {"labelled": 100, "right": right, "reference_rows": 2_000, "reference_right": 1_600}
    return facts(day, own, 0.3, **counts | changes)


def decided(reports, policy=POLICY):
    """What is decided about each window in turn."""
    state, decisions = {}, []
    for k in range(1, len(reports) + 1):
        decision, state = decide(pooled(reports[:k], policy), policy=policy, state=state)
        decisions.append(decision)
    return decisions


def test_windows_too_small_to_show_a_drop_alone_show_it_together():
    reports = [small(day, 70) for day in range(1, 9)]
    found = pooled(reports, POLICY)
    assert found[:3] == tuple(reports[:3])
    assert found[7].change_high < 0
    assert (found[7].pooled_labels, found[7].labelled, round(found[7].change, 2)) == (800, 100, -0.1)
    assert (found[7].since, found[7].first_window) == (reports[0].since, reports[0].window)


def test_windows_that_are_certain_alone_but_small_are_pooled_until_labels_suffice():
    counts = {"labelled": 150, "reference_rows": 2_000, "reference_right": 1_600}
    days = [(day, 120 if day < 4 else 45) for day in range(1, 9)]
    reports = [facts(day, right / 150 - 0.8, 0.16, right=right, **counts) for day, right in days]
    assert reports[-1].change_high < 0
    assert [one.action for one in decided(reports)[:6]] == ["get_labels"] * 4 + ["retrain", "wait"]


@pytest.mark.parametrize("good", [80, 79, 78, 95])
def test_a_model_that_has_recovered_is_not_retrained_for_its_past(good):
    reports = [*(small(day, 80) for day in range(1, 4)), *(small(day, 60) for day in range(4, 16))]
    reports += [small(day, good) for day in range(16, 28)]
    for k in range(16, 28):
        found = pooled(reports[:k], POLICY)
        assert found[-1] == reports[k - 1]
        assert decide(found, policy=POLICY, state={})[0].action != "retrain"


def test_one_bad_window_is_not_seen_in_those_after_it():
    reports = [*(small(day, 80) for day in range(1, 5)), small(5, 35), *(small(day, 76) for day in range(6, 9))]
    assert pooled(reports, POLICY) == tuple(reports)
    once = pooled(reports, replace(POLICY, windows_needed=1))  # the control: with this policy one is enough
    assert [report.change_high < 0 for report in once[4:6]] == [True, True]


def test_windows_that_show_a_drop_together_without_the_worst_of_them_have_shown_it_often_enough():
    decisions = decided([*(small(day, 80) for day in range(1, 4)), *(small(day, 65) for day in range(4, 14))])
    due = next(one for one in decisions if one.due)
    assert due.window == "2024-01-07"
    assert "seen in the windows from 2024-01-04 to 2024-01-07 together" in due.sentence
    assert due.evidence == tuple(f"health/taxi_tip/2024-01-{day:02}" for day in range(4, 8))


def test_late_labels_are_seen_though_windows_are_pooled():
    def sized(day, labelled, right):
        return facts(
            day,
            right / labelled - 0.8,
            0.3,
            rows=1_000,
            labelled=labelled,
            right=right,
            reference_rows=2_000,
            reference_right=1_600,
        )

    reports = [sized(day, 180, 144) for day in range(1, 4)] + [sized(day, 180, 122) for day in range(4, 9)]
    reports.append(sized(9, 50, 34))
    found = pooled(reports, POLICY)
    assert found[-1].first_window
    assert found[-1].judged > found[-1].labelled == 50
    assert diagnose(found, POLICY).late == diagnose(reports, POLICY).late
    assert diagnose(found, POLICY).late[0].startswith("5% of the labels are in, against 18%")


def test_a_stretch_with_too_few_labels_is_not_told():
    reports = [small(day, 40) for day in range(1, 3)]
    assert pooled(reports, replace(POLICY, min_labels=300)) == tuple(reports)


def test_broken_windows_other_versions_and_unknown_references_are_not_added():
    good = [small(day, 70) for day in range(1, 5)]
    assert pooled([*good[:3], small(4, 70, damage=("a meter broke",))], POLICY)[3] == small(
        4, 70, damage=("a meter broke",)
    )
    assert pooled([*good[:3], small(4, 70, version="2")], POLICY)[3] == small(4, 70, version="2")
    assert pooled([*good[:3], small(4, 70, reference_rows=0)], POLICY)[3] == small(4, 70, reference_rows=0)


def test_a_window_that_is_certain_by_itself_is_left_as_it_is():
    certain = facts(5, -0.1, 0.01, labelled=200, right=140.0, reference_rows=2_000, reference_right=1_600)
    assert pooled([*(small(day, 70) for day in range(1, 5)), certain], POLICY)[4] == certain


def test_in_lives_without_a_drop_hardly_any_is_called():
    rng = np.random.default_rng(5)
    called = naive = 0
    for _ in range(200):
        accepted = int(rng.binomial(2_000, 0.8))
        lives = [small(1 + k % 28, int(rng.binomial(100, 0.8)), reference_right=accepted) for k in range(30)]
        called += any(report.change_high < 0 for report in pooled(lives, POLICY))
        shares = np.array([report.right for report in lives]) / 100
        naive += bool((shares - accepted / 2_000 + 1.96 * 0.04 < 0).any())  # a pointwise interval at every look
    assert called <= 6
    assert naive > 60
