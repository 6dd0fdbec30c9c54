"""Recipes as the rows' weights."""

import numpy as np
import pytest
from tests.monitor_house import House

from upkeep.errors import InputError
from upkeep.stages.train_weights import weighing


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    made = House(tmp_path_factory.mktemp("house"), adversary=True)
    made.report = made.monitor(3)
    made.rows = made.datasets.read("tip/predictions", columns=["predicted_at", "fare", "zone"])
    made.rows["label"] = np.zeros(len(made.rows["fare"]), dtype=np.int64)
    return made


def weigh(house, recipe):
    return weighing(house.documents, house.registry, recipe, model="tip", time="predicted_at")


@pytest.mark.parametrize("recipe", [{}, {"name": "full"}, {"name": "recent_window", "since": "2024-01-15"}])
def test_where_rows_are_chosen_by_time_none_is_weighed(house, recipe):
    assert weigh(house, recipe) is None


def test_upsampling_gives_a_cell_its_live_share(house):
    cells = [{"column": "zone", "levels": ["Bronx"], "now": 0.6}, {"column": "zone", "other": True, "now": 0.4}]
    weights = weigh(house, {"name": "upsample", "weights": cells})(house.rows)
    share = weights[house.rows["zone"] == "Bronx"].sum() / weights.sum()
    assert share == pytest.approx(0.6, abs=0.001)


def test_augmenting_gives_more_weight_to_the_rows_that_the_stored_adversary_finds_most_live(house):
    since = house.report["since"]
    recipe = {
        "name": "augment",
        "adversary": "adversaries/tip/v3/2024-01-29",
        "since": since,
        "share": 0.2,
        "mass": 0.5,
    }
    weights = weigh(house, recipe)(house.rows)
    recent = house.rows["predicted_at"] >= np.datetime64(since)
    chosen, fare = weights == weights.max(), house.rows["fare"]
    assert len(np.unique(weights)) == 2
    assert chosen.sum() == round(0.2 * recent.sum())
    assert not chosen[~recent].any()
    assert weights.mean() == pytest.approx(1.0)
    # Week 3 has dearer and missing fares: these are what is chosen.
    assert np.isnan(fare[chosen]).mean() > np.isnan(fare[recent]).mean()


@pytest.mark.parametrize(
    "address", ["adversaries/tip/v3/2020-01-01", "health/tip/2024-01-29", "adversaries/other/v3/2024-01-29"]
)
def test_an_adversary_that_is_not_there_or_not_the_models_is_refused(house, address):
    with pytest.raises(InputError, match="recipe augment needs the adversary"):
        weigh(house, {"name": "augment", "adversary": address, "since": "2024-01-22", "share": 0.2, "mass": 0.5})


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("full", "a recipe must be a mapping"),
        (
            {"name": "upsampel", "weights": []},
            "a recipe must be named full, recent_window, upsample, augment, got 'upsampel'",
        ),
        ({"since": "2024-01-15"}, "a recipe must be named"),
        ({"name": ["full"]}, "a recipe must be named"),
        ({"name": "recent_window"}, "recipe recent_window must say since"),
        ({"name": "upsample"}, "recipe upsample must say weights"),
        ({"name": "augment", "since": "2024-01-15"}, "recipe augment must say adversary, share, mass"),
        ({"name": "recent_window", "since": "now"}, "since of recipe recent_window must be a UTC time"),
        ({"name": "recent_window", "since": "5"}, "since of recipe recent_window must be a UTC time"),
        ({"name": "recent_window", "since": "2024-01-15T00:00:00+02:00"}, "since of recipe recent_window must be"),
        ({"name": "recent_window", "since": 20240115}, "since of recipe recent_window must be a UTC time"),
    ],
)
def test_what_is_no_recipe_is_refused_and_not_trained_as_another(house, recipe, said):
    with pytest.raises(InputError, match=said):
        weigh(house, recipe)
