import numpy as np
from tests.core.retrain.test_decide import facts

from upkeep.core.retrain.decision import DecisionPolicy
from upkeep.core.retrain.pooled import pooled

POLICY = DecisionPolicy(drop_alpha=0.01)


def small(day, right, **changes):
    """100 labels of a version that was right in 1,600 of 2,000; its own interval tells nothing."""
    own = right / 100 - 0.8
    counts = {"labelled": 100, "right": right, "reference_rows": 2_000, "reference_right": 1_600}
    return facts(day, own, 0.3, **counts | changes)


def test_windows_too_small_to_show_a_drop_alone_show_it_together():
    reports = [small(day, 70) for day in range(1, 9)]
    found = pooled(reports, POLICY)
    assert found[:3] == tuple(reports[:3])
    assert found[7].change_high < 0
    assert (found[7].labelled, round(found[7].change, 2), found[7].since) == (800, -0.1, reports[0].since)


def test_broken_windows_other_versions_and_unknown_references_are_not_added():
    good = [small(day, 70) for day in range(1, 5)]
    assert pooled([*good[:3], small(4, 70, damage=("a meter broke",))], POLICY)[3] == small(
        4, 70, damage=("a meter broke",)
    )
    assert pooled([*good[:3], small(4, 70, version="2")], POLICY)[3] == small(4, 70, version="2")
    assert pooled([*good[:3], small(4, 70, reference_rows=0)], POLICY)[3] == small(4, 70, reference_rows=0)


def test_a_window_that_is_certain_by_itself_is_left_as_it_is():
    certain = facts(5, -0.1, 0.01, labelled=100, right=70.0, reference_rows=2_000, reference_right=1_600)
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
