import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.columns import Coded
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.histogram import histogram
from upkeep.core.profile.profile import Profile
from upkeep.core.retrain.recipe_weights import recipe_weights
from upkeep.core.retrain.recipes import upsample
from upkeep.errors import InputError

WHEN = np.datetime64("2024-01-01", "us") + np.arange(6) * np.timedelta64(1, "D")


def recipe(before, now, *columns):
    """What a window that holds `now` suggests for a model that was accepted on `before`."""
    grid = ReferenceGrid.fit(before)
    then, later = Profile.build(grid, before), Profile.build(grid, now)
    return upsample([histogram(then, later, column) for column in columns], columns=len(columns))


def test_full_takes_all_rows_and_recent_window_those_from_its_begin_on():
    table = {"x": np.arange(6.0)}
    assert recipe_weights({"name": "full"}, table).tolist() == [1] * 6
    recent = {"name": "recent_window", "since": "2024-01-04T00:00:00"}
    assert recipe_weights(recent, table, when=WHEN).tolist() == [0, 0, 0, 1, 1, 1]


def test_augment_gives_the_rows_that_look_most_like_live_the_wanted_mass():
    weights = recipe_weights(
        {"name": "augment", "adversary": "a", "since": "2024-01-03", "share": 0.5, "mass": 0.5},
        {"x": np.arange(6.0)},
        when=WHEN,
        live=np.array([0.99, 0.9, 0.2, 0.8, 0.3, 0.7]),
    )
    assert weights == pytest.approx(np.array([0.75, 0.75, 0.75, 1.5, 0.75, 1.5]))


def test_upsampled_rows_have_the_live_shares_in_every_column_at_once():
    rng = np.random.default_rng(0)
    x = rng.normal(size=20_000)
    before = {"x": x, "y": x + 0.5 * rng.normal(size=20_000)}
    z = rng.normal(0.7, 1.0, 5_000)
    now = {"x": z, "y": z + 0.5 * rng.normal(size=5_000)}
    both = recipe(before, now, "x", "y")
    weights = recipe_weights(both, before)
    for column in ("x", "y"):
        assert np.average(before[column], weights=weights) == pytest.approx(now[column].mean(), abs=0.05)
    ratios = [recipe_weights(recipe(before, now, column), before) for column in ("x", "y")]
    twice = ratios[0] * ratios[1]  # the control: columns that go together must not be counted twice
    assert np.average(before["x"], weights=twice) > now["x"].mean() + 0.2


def test_rows_that_are_live_already_are_taken_as_such():
    before, now = {"x": np.repeat([0.0, 1.0], [90, 10])}, {"x": np.repeat([0.0, 1.0], [50, 50])}
    assert recipe_weights(recipe(before, now, "x"), now) == pytest.approx(np.ones(100))
    assert recipe_weights(recipe(before, now, "x"), before)[[0, -1]] == pytest.approx([5 / 9, 5])


def test_texts_hours_missing_values_and_codes_find_their_cells():
    hour = np.datetime64("2024-01-01T05:30", "us")
    before = {
        "place": np.array(["a"] * 70 + ["b"] * 30, dtype=object),
        "at": np.array([hour] * 50 + [hour + np.timedelta64(3, "h")] * 50),
        "x": np.array([1.5] * 90 + [np.nan] * 10),
    }
    now = {
        "place": np.array(["a"] * 30 + ["b"] * 70, dtype=object),
        "at": np.array([hour] * 80 + [hour + np.timedelta64(3, "h")] * 20),
        "x": np.array([1.5] * 60 + [np.nan] * 40),
    }
    for column, first, last in (("place", 3 / 7, 7 / 3), ("at", 1.6, 0.4), ("x", 2 / 3, 4)):
        weights = recipe_weights(recipe(before, now, column), before)
        assert weights[[0, -1]] == pytest.approx([first, last])
    coded = {"place": Coded(np.repeat([0, 1], [70, 30]), ("a", "b"))}
    assert recipe_weights(recipe(before, now, "place"), coded)[[0, -1]] == pytest.approx([3 / 7, 7 / 3])


@given(st.lists(st.integers(1, 50), min_size=2, max_size=5), st.data())
def test_weights_are_bounded_have_mean_one_and_leave_enough_rows(before, data):
    now = data.draw(st.lists(st.integers(0, 1_000), min_size=len(before), max_size=len(before)).filter(any))
    levels = [chr(97 + i) for i in range(len(before))]
    cells = [
        {"column": "c", "levels": [level], "now": many / sum(now)} for level, many in zip(levels, now, strict=True)
    ]
    table = {"c": np.repeat(np.array(levels, dtype=object), before)}
    weights = recipe_weights({"name": "upsample", "weights": cells, "least_effective": 0.5}, table)
    assert weights.mean() == pytest.approx(1.0)
    assert weights.max() / weights.min() <= 100 * (1 + 1e-9)
    assert weights.sum() ** 2 / (weights**2).sum() >= 0.5 * len(weights) - 1e-6


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ({"name": "magic"}, "must be named full, recent_window, upsample or augment, got 'magic'"),
        (
            {"name": "augment", "since": "2024-01-01"},
            r"recipe augment must say adversary, share, mass, got \['name', 'since'\]",
        ),
        ({"name": "recent_window", "since": "2024-01-01"}, "needs the time of each of the 3 rows"),
        ({"name": "upsample", "weights": [{"column": "y", "low": 0.0, "now": 1.0}]}, "weighs by column 'y'"),
    ],
)
def test_a_recipe_that_cannot_be_carried_out_is_refused(recipe, said):
    with pytest.raises(InputError, match=said):
        recipe_weights(recipe, {"x": np.zeros(3)})
    lacking = {"name": "augment", "adversary": "a", "since": "2024-01-01", "share": 0.5, "mass": 0.5}
    with pytest.raises(InputError, match="needs the adversary's score"):
        recipe_weights(lacking, {"x": np.zeros(6)}, when=WHEN)
