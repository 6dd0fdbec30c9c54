"""A text column of many values does not drift in a world that stands still."""

import numpy as np
import pytest

from upkeep.core.drift.compare import compare
from upkeep.core.feedback.reference import ModelReference
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile

pytestmark = pytest.mark.slow

ALPHA, RUNS, CATEGORIES = 0.05, 40, 3_000
NAMES = np.array([f"c{i:04}" for i in range(CATEGORIES)], dtype=object)


def old_profile(table):
    """The negative control: levels chosen on the rows that are counted."""
    return Profile.build(ReferenceGrid.fit(table), table)


def new_profile(table):
    rows = len(table["shop"])
    when = np.datetime64("2024-01-01", "us") + np.arange(rows) * np.timedelta64(28 * 86_400 // rows, "s")
    fixed = {"scores": np.full(rows, 0.5), "labels": np.ones(rows), "when": when}
    return ModelReference.fit(table=table, **fixed).profile.only(["shop"])


@pytest.mark.parametrize("tail", [0.0, 0.7])
def test_a_stable_long_tail_is_called_drifted_with_at_most_alpha(tail):
    rng = np.random.default_rng(20240101)
    weight = 1 / np.arange(1, CATEGORIES + 1) ** tail
    found = {old_profile: 0, new_profile: 0}
    for _ in range(RUNS):
        before, now = (
            {"shop": NAMES[rng.choice(CATEGORIES, rows, p=weight / weight.sum())]} for rows in (3_000, 20_000)
        )
        for way in found:
            reference = way(before)
            found[way] += bool(compare(reference, Profile.build(reference.grid, now), alpha=ALPHA).drifted)
    assert found[new_profile] / RUNS <= ALPHA
    assert tail or found[old_profile] / RUNS > 0.9  # the fewer rows a value has, the more luck is in being on top


def test_one_value_that_takes_a_quarter_of_the_rows_is_still_seen():
    rng = np.random.default_rng(1)
    reference = new_profile({"shop": NAMES[rng.integers(0, CATEGORIES, 6_000)]})
    now = NAMES[rng.integers(0, CATEGORIES, 20_000)]
    now[:5_000] = reference.grid.cells["shop"].levels[0]
    assert compare(reference, Profile.build(reference.grid, {"shop": now})).drifted == ("shop",)
