import numpy as np
import pytest
from tests.small_world import Registry, fill

from upkeep.adapters.parquet_datasets import ParquetDatasets
from upkeep.errors import InputError
from upkeep.stages.score import score


@pytest.fixture
def datasets(tmp_path):
    datasets = ParquetDatasets(tmp_path / "data")
    fill(datasets, batches=2)
    return datasets


@pytest.fixture
def registry():
    return Registry(flips={"1": 0, "2": 50}, holdouts={}, aliases={"champion": "1"})


@pytest.fixture
def run(datasets, registry):
    return lambda batch="b0", **more: score(
        datasets, registry, model="tips", dataset="trips", batch=batch, time="at", **more
    )


def test_the_log_holds_what_was_predicted_and_on_what(datasets, run):
    batch = run()
    log, features = datasets.read("tips/predictions"), datasets.read("trips/features", batches=["b0"])
    assert list(log)[:5] == ["prediction_id", "predicted_at", "model_version", "prediction", "score"]
    assert set(log) - set(list(log)[:5]) == {"distance", "fare", "city"}
    assert (log["prediction_id"] == features["row_id"]).all()
    assert (log["predicted_at"] == features["at"]).all()
    assert set(log["model_version"]) == {"1"}
    assert (log["prediction"] == (features["distance"] > features["fare"])).all()
    assert log["prediction"].dtype == np.int64
    assert (batch.rows, batch.meta["model_version"]) == (500, "1")


def test_a_batch_is_scored_once_even_under_another_champion(datasets, registry, run):
    first = run()
    registry.set_alias("tips", "champion", "2")
    assert run() == first
    assert set(datasets.read("tips/predictions")["model_version"]) == {"1"}
    run("b1")
    assert len(datasets.read("tips/predictions")["score"]) == 1000


def test_without_a_champion_it_says_what_to_do(registry, run):
    registry.aliases.clear()
    with pytest.raises(InputError, match="Train a model and promote it first"):
        run()


def test_an_unknown_batch_is_refused(run):
    with pytest.raises(InputError, match="must hold batch 'b9'"):
        run("b9")


def test_a_batch_without_rows_is_scored_to_nothing(datasets, run):
    datasets.write("trips/features", "empty", [], time="at")
    assert run("empty").rows == 0


def test_a_feature_may_not_hide_the_score(datasets, run):
    table = {"row_id": np.arange(2), "at": np.full(2, np.datetime64("2024-01-01", "us")), "score": np.ones(2)}
    datasets.write("trips/features", "odd", [table], time="at")
    with pytest.raises(InputError, match=r"got \['score'\]"):
        run("odd")
