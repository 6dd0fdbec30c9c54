"""What tasks return, push and emit reaches Airflow as JSON: finite, and the same after a round trip."""

import json

import pytest

TASKS = (
    "ingest", "raw", "clean", "prepare", "features", "version", "labels", "train", "gate", "promote", "score", "monitor",
)  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
def test_results_are_finite_json(lived, task):
    made = {
        "returned": lived.returned[task],
        "pushed": lived.contexts[task]["ti"].pushed,
        "emitted": {asset.name: event.extra for asset, event in lived.contexts[task]["outlet_events"].items()},
    }
    assert json.loads(json.dumps(made, allow_nan=False)) == made


def test_every_event_carries_what_the_next_dag_asks_for(lived):
    events = {
        asset.name: event.extra for run in lived.contexts.values() for asset, event in run["outlet_events"].items()
    }
    assert set(events) == {"taxi_dataset", "taxi_model", "taxi_predictions"}
    assert {"tag", "batches", "since", "until", "validations"} <= set(events["taxi_dataset"])
    assert {"batches", "since", "until", "tag", "validations"} <= set(events["taxi_predictions"])
    assert {"version", "run_id", "evaluation_id", "decision"} <= set(events["taxi_model"])
