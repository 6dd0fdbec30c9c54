"""Which challengers a decision asks for, and what they hold out."""

import numpy as np
import pytest
from tests.small_world import Versions, fill

from upkeep.adapters.json_documents import JsonDocuments
from upkeep.adapters.parquet_datasets import ParquetDatasets
from upkeep.stages.train_plan import plan_challengers

FULL, RECENT = {"name": "full"}, {"name": "recent_window", "since": "2024-01-15T00:00:00"}
DECISION = "decisions/tips/2024-01-29"
VERSIONS = Versions({"tag": ("b0", "b1", "b2", "b3")})


@pytest.fixture
def world(tmp_path):
    datasets = ParquetDatasets(tmp_path / "data")
    fill(datasets, rows=200)
    documents = JsonDocuments(tmp_path / "records", tmp_path / "reports")
    documents.put("decisions", "tips/2024-01-29", {"evidence": ["health/tips/2024-01-29", "health/tips/gone"]})
    documents.put("health", "tips/2024-01-29", {"since": "2024-01-22T00:00:00"})
    return datasets, documents


def plan(world, *recipes, decision=DECISION, steps=3, share=0.3):
    datasets, documents = world
    return plan_challengers(
        datasets,
        VERSIONS,
        documents,
        dataset="trips",
        time="at",
        tag="tag",
        recipes=recipes,
        decision=decision,
        training_id=decision or "by-hand",
        holdout_share=share,
        steps=steps,
    )


def held_out(world, since, planned):
    at = world[0].read("trips/features", since=since, columns=["at"])["at"]
    return (at >= np.datetime64(planned["holdout_since"])).mean()


def test_all_challengers_of_a_decision_hold_out_the_newest_rows_of_the_earliest_moment_named(world):
    planned = plan(world, RECENT, FULL)
    assert [one["recipe"] for one in planned] == [RECENT, FULL]
    assert len({one["holdout_since"] for one in planned}) == 1
    assert held_out(world, RECENT["since"], planned[0]) == pytest.approx(0.3, abs=0.005)


def test_without_a_moment_in_the_recipes_the_windows_of_the_evidence_count(world):
    planned = plan(world, FULL, {"name": "upsample", "weights": []})
    assert held_out(world, "2024-01-22", planned[0]) == pytest.approx(0.3, abs=0.005)


def test_without_any_moment_all_rows_count(world):
    planned = plan(world, FULL, {"name": "upsample", "weights": []}, decision="")
    assert held_out(world, "2020-01-01", planned[0]) == pytest.approx(0.3, abs=0.005)


def test_a_challenger_that_is_alone_holds_out_its_own_newest_rows(world):
    assert [one["holdout_since"] for one in plan(world, RECENT)] == [""]
    assert [one["holdout_since"] for one in plan(world, RECENT, FULL, steps=1)] == [""]


def test_no_more_challengers_are_planned_than_the_gate_may_judge(world):
    assert [one["recipe"]["name"] for one in plan(world, RECENT, FULL, FULL, steps=2)] == ["recent_window", "full"]


def test_ids_are_the_same_again_and_differ_by_recipe_even_of_one_name(world):
    later = RECENT | {"since": "2024-01-22T00:00:00"}
    ids = [one["training_id"] for one in plan(world, RECENT, later, FULL)]
    assert ids == [one["training_id"] for one in plan(world, RECENT, later, FULL)]
    assert len(set(ids)) == 3
    assert [name.rpartition("/")[2].rpartition("-")[0] for name in ids] == ["recent_window", "recent_window", "full"]
    assert all(name.startswith(f"{DECISION}/") for name in ids)


def test_a_run_by_hand_without_recipes_trains_one_challenger_under_its_own_id(world):
    assert plan(world, {}, decision="") == [{"recipe": {}, "training_id": "by-hand", "holdout_since": ""}]


def test_labels_that_come_meanwhile_do_not_move_what_is_held_out(world):
    before = plan(world, RECENT, FULL)
    late = {
        "prediction_id": np.arange(800),
        "observed_at": np.full(800, np.datetime64("2024-02-20", "us")),
        "label": np.ones(800, dtype=np.int64),
    }
    world[0].write("tips/feedback", "late", [late], time="observed_at")
    assert plan(world, RECENT, FULL) == before
