"""ScoreBatchOperator: scores the triggering event's batches once, and says what is missing."""

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from tests.mlflow_stores import new_tracker
from tests.taxi_world import context

from upkeep.adapters.backends import Backends
from upkeep.adapters.workspace import Workspace
from upkeep.errors import InputError
from upkeep.operators.score import ScoreBatchOperator


def _score(world, event, **kwargs):
    run = context(event)
    operator = ScoreBatchOperator(task_id="score", life=world.life, predictions=world.assets.predictions, **kwargs)
    return operator.execute(run), run


def test_every_row_of_the_events_batches_is_in_the_prediction_log_once(world):
    datasets = Backends(Workspace(world.root)).datasets
    features, log = datasets.read("yellow_trips/features"), datasets.read("taxi_tip/predictions")
    assert sorted(log["prediction_id"]) == sorted(features["row_id"])
    assert ((log["score"] >= 0) & (log["score"] <= 1)).all()
    again, run = _score(world, world.returned["version"])
    assert again == world.returned["score"]
    assert len(datasets.read("taxi_tip/predictions")["score"]) == len(log["score"])
    assert run["outlet_events"][world.assets.predictions].extra == again


def test_the_events_tag_and_validation_are_handed_on(lived):
    for key in ("tag", "validations", "since", "until"):
        assert lived.returned["score"][key] == lived.returned["version"][key]


def test_before_the_first_champion_the_task_is_skipped_if_told_so_and_fails_otherwise(world):
    new_tracker(world.root)
    fresh = world.returned["version"] | {"batches": world.returned["version"]["batches"]}
    for manifest in (world.root / "data" / "taxi_tip" / "predictions" / "_batches").glob("*.json"):
        manifest.unlink()
    with pytest.raises(AirflowSkipException, match="no model has been promoted yet"):
        _score(world, fresh, skip_without_champion=True)
    with pytest.raises(InputError, match="taxi_tip must have a champion to score with"):
        _score(world, fresh)


def test_a_batch_without_features_is_named(world):
    with pytest.raises(InputError, match="yellow_trips/features must hold batch 'ffff'"):
        _score(world, {"batches": ["ffff"]})


def test_a_run_without_an_event_or_conf_says_what_it_must_be_told(world):
    with pytest.raises(InputError, match="batches"):
        _score(world, None)
