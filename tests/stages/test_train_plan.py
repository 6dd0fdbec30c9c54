"""Which challengers a decision asks for, and what they hold out."""

import numpy as np
import pytest
from tests.small_world import Versions, fill

from upkeep.adapters.json_documents import JsonDocuments
from upkeep.adapters.parquet_datasets import ParquetDatasets
from upkeep.errors import InputError
from upkeep.stages.labelled import labelled_rows
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


def plan(world, *recipes, decision=DECISION, steps=3, share=0.3, as_of="2024-02-05"):
    datasets, documents = world
    return plan_challengers(
        datasets,
        VERSIONS,
        documents,
        model="tips",
        dataset="trips",
        time="at",
        tag="tag",
        as_of=as_of,
        recipes=recipes,
        decision=decision,
        training_id=decision or "by-hand",
        holdout_share=share,
        steps=steps,
    )


def held_out(world, since, planned):
    at = world[0].read("trips/features", since=since, columns=["at"])["at"]
    return (at >= np.datetime64(planned["holdout_since"])).mean()


def test_all_challengers_of_a_decision_hold_out_the_newest_rows_of_the_moment_named(world):
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
    assert plan(world, {}, decision="") == [
        {"recipe": {}, "training_id": "by-hand", "holdout_since": "", "as_of": "2024-02-05"}
    ]


def test_labels_that_were_observed_later_do_not_move_what_is_held_out(world):
    before = plan(world, RECENT, FULL)
    late = {
        "prediction_id": np.arange(800),
        "observed_at": np.full(800, np.datetime64("2024-02-20", "us")),
        "label": np.ones(800, dtype=np.int64),
    }
    world[0].write("tips/feedback", "late", [late], time="observed_at")
    assert plan(world, RECENT, FULL) == before


@pytest.fixture
def late(tmp_path):
    """Each label is observed ten days after its row: at the end those of the newest ten days are still to come."""
    datasets = ParquetDatasets(tmp_path / "late")
    fill(datasets, rows=200, labels=False)
    rows = datasets.read("trips/features", columns=["row_id", "at"])
    observed = rows["at"] + np.timedelta64(10, "D")
    feedback = {"prediction_id": rows["row_id"], "observed_at": observed, "label": rows["row_id"] % 2}
    datasets.write("tips/feedback", "late", [feedback], time="observed_at")
    return datasets, JsonDocuments(tmp_path / "records", tmp_path / "reports")


def _parts(world, planned, begin="2020-01-01"):
    """Labelled rows of the recipe to train on, and held out, by the moment that the plan names."""
    known = {"model": "tips", "dataset": "trips", "batches": ["b0", "b1", "b2", "b3"], "columns": ["row_id", "at"]}
    rows = labelled_rows(world[0], **known, as_of=planned["as_of"], since=planned["recipe"].get("since", begin))
    newer = rows["at"] >= np.datetime64(planned["holdout_since"])
    return int((~newer).sum()), int(newer.sum())


def test_where_labels_are_late_the_rows_held_out_are_labelled_ones(late):
    recent, full = plan(late, RECENT | {"since": "2024-01-08T00:00:00"}, FULL, as_of="2024-01-29")
    trained, held = _parts(late, recent)
    assert held == _parts(late, full)[1]
    assert held / (trained + held) == pytest.approx(0.3, abs=0.01)
    assert {one["as_of"] for one in (recent, full)} == {"2024-01-29"}


def test_a_recipe_without_a_labelled_row_of_its_own_does_not_keep_the_others_from_theirs(late):
    planned = plan(late, RECENT | {"since": "2024-01-22T00:00:00"}, FULL, as_of="2024-01-29")
    trained, held = _parts(late, planned[1])
    assert held / (trained + held) == pytest.approx(0.3, abs=0.01)


def test_each_recipe_keeps_rows_of_its_own_to_train_on(world):
    """The evidence begins a week before the rows of the recipe, and its newest half would take nearly all of them."""
    world[1].put("health", "tips/2024-01-29", {"since": "2024-01-08T00:00:00"})
    recent, _ = plan(world, RECENT | {"since": "2024-01-22T00:00:00"}, FULL, share=0.5)
    trained, held = _parts(world, recent)
    assert trained == pytest.approx(held, abs=3)


def test_a_recipe_that_is_none_is_refused_before_anything_is_trained(world):
    with pytest.raises(InputError, match="a recipe must be a mapping"):
        plan(world, "full", decision="")
    with pytest.raises(InputError, match="a recipe must be named full, recent_window"):
        plan(world, FULL, {"name": "upsampel", "weights": []}, decision="")
