import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from tests.mlflow_stores import new_tracker
from tests.small_world import FEATURES, Versions, fill, spec

from upkeep.adapters.parquet_datasets import ParquetDatasets
from upkeep.adapters.sklearn_trainer import SklearnTrainer
from upkeep.core.feedback.reference import ModelReference
from upkeep.core.plain import plain
from upkeep.errors import GateClosed, InputError
from upkeep.lifecycle import Lifecycle
from upkeep.stages.train import train

AS_OF = "2024-03-01"
TAG = "dataset/trips/2024-01-22-1"


@pytest.fixture
def datasets(tmp_path):
    return ParquetDatasets(tmp_path / "data")


@pytest.fixture
def tracker(tmp_path):
    return new_tracker(tmp_path)


@pytest.fixture
def run(datasets, tracker):
    def with_(training_id="first", as_of=AS_OF, tracker=tracker, weigh=None, **changes):
        versions = Versions({TAG: ("b3", "b0", "b1", "b2")})
        return train(
            datasets,
            versions,
            SklearnTrainer(),
            tracker,
            spec=spec(**changes),
            tag=TAG,
            training_id=training_id,
            as_of=as_of,
            tags={"airflow.run_id": "dag/run"},
            weigh=weigh,
        )

    return with_


def test_a_sealed_holdout_tells_builders_nothing_of_the_gates_rows(datasets, tracker, run):
    fill(datasets)
    open_one, sealed = run("open"), run("sealed", seal_holdout=True)
    secret = f"{open_one.metrics['holdout_accuracy']:.3f}"
    assert secret in open_one.sentence
    assert secret not in sealed.sentence
    assert "600 newer rows are held out and sealed" in sealed.sentence
    logged = tracker._client.get_run(sealed.run_id).data.metrics
    assert set(logged) == set(sealed.metrics) == {name for name in open_one.metrics if name.startswith("train_")}
    assert secret not in json.dumps(tracker.record("tips", sealed.version, "training"))


@pytest.mark.parametrize(
    ("told", "sealed"),
    [({}, False), ({"adaptivity": "full"}, True), ({"adaptivity": "full", "reveal": "estimates"}, True)],
)
def test_a_life_seals_the_holdout_wherever_builders_see_something_of_its_gate(monkeypatch, told, sealed):
    gate = {"condition": "n - o > 0.0 +/- 0.1", "first_condition": "n > 0.6 +/- 0.1"} | told
    training = {"factory": "tests.small_world:logistic", "features": list(FEATURES)}
    specs = []
    monkeypatch.setattr("upkeep.stages.train.train", lambda *_, spec, **__: specs.append(spec) or spec)
    monkeypatch.setattr(Lifecycle, "__init__", lambda self: None)
    lifecycle = Lifecycle()
    lifecycle.life = SimpleNamespace(model="tips", dataset="trips", time="at", training=training, gate=gate)
    lifecycle.backends = SimpleNamespace(**dict.fromkeys(["datasets", "versions", "trainer", "tracker", "documents"]))
    lifecycle.train(tag=TAG, as_of=AS_OF, training_id="first", tags={}, recipe={"name": "full"})
    assert [spec.seal_holdout for spec in specs] == [sealed]


def test_a_training_is_recorded_with_all_that_led_to_it(datasets, tracker, run):
    fill(datasets)
    result = run(params={"strength": 0.5}, recipe="full")
    assert (result.version, result.batches) == ("1", ("b0", "b1", "b2", "b3"))
    assert (result.train_rows, result.holdout_rows) == (1400, 600)
    assert result.metrics["holdout_accuracy"] > 0.8
    assert {
        f"{part}_{name}" for part in ("train", "holdout") for name in ("roc_auc", "log_loss", "brier", "f1")
    } <= set(result.metrics)
    logged = tracker._client.get_run(result.run_id).data
    assert logged.params["model.strength"] == "0.5"
    assert logged.params["factory"] == "tests.small_world:logistic"
    wanted = {
        "dvc.tag": TAG,
        "dvc.revision": "a" * 40,
        "dvc.digest": "d" * 32,
        "airflow.run_id": "dag/run",
        "upkeep.training_id": "first",
        "upkeep.recipe": "full",
        "upkeep.as_of": AS_OF,
    }
    assert wanted.items() <= logged.tags.items()
    assert tracker.version("tips", "challenger") == "1"
    json.dumps(plain(result), allow_nan=False)  # may leave the task


def test_the_holdout_is_the_newest_part_and_its_record_finds_it_again(datasets, tracker, run):
    fill(datasets)
    result = run()
    holdout = tracker.record("tips", result.version, "holdout")
    read = datasets.read("trips/features", batches=holdout["batches"], since=holdout["since"], until=holdout["until"])
    assert len(read["at"]) == result.holdout_rows
    everything = datasets.read("trips/features")
    assert (np.sort(everything["at"])[-600:] == np.sort(read["at"])).all()


def test_the_reference_is_of_the_held_out_rows(datasets, tracker, run):
    fill(datasets)
    result = run()
    reference = ModelReference.from_json(tracker.record("tips", result.version, "reference"))
    assert reference.rows == result.holdout_rows
    assert reference.accuracy == pytest.approx(result.metrics["holdout_accuracy"])


def test_rows_whose_labels_are_late_count_for_the_profile_and_for_nothing_else(datasets, tracker, run):
    fill(datasets, labels=False)
    rows = datasets.read("trips/features")
    late = (rows["city"] == "Bronx") & (np.arange(2000) % 5 < 3)
    label = (rows["distance"] > rows["fare"]).astype(np.int64)
    feedback = {"prediction_id": rows["row_id"], "observed_at": rows["at"], "label": label}
    datasets.write("tips/feedback", "f", [{k: v[~late] for k, v in feedback.items()}], time="observed_at")

    result = run()
    reference = ModelReference.from_json(tracker.record("tips", result.version, "reference"))
    assert result.train_rows + result.holdout_rows == (~late).sum()
    assert reference.rows == result.holdout_rows
    cut = np.datetime64(tracker.record("tips", result.version, "holdout")["since"])
    assert reference.profile.columns["fare"].rows == 2000
    assert reference.profile.columns["score"].rows == (rows["at"] >= cut).sum() > result.holdout_rows


def test_the_same_training_id_gives_the_same_result_even_after_more_labels_came(datasets, run):
    fill(datasets)
    first = run()
    late = {
        "prediction_id": np.arange(2000),
        "observed_at": np.full(2000, np.datetime64("2024-02-20", "us")),
        "label": np.arange(2000) % 2,
    }
    datasets.write("tips/feedback", "late", [late], time="observed_at")
    assert run() == first
    assert run(training_id="second").version == "2"


def test_a_window_takes_the_most_recent_batches(datasets, run):
    fill(datasets)
    assert run(window_batches=2).batches == ("b2", "b3")


def test_the_recipe_full_takes_all_batches_whatever_the_life_s_own_window(datasets, run):
    fill(datasets)
    assert run(window_batches=2, since="2024-01-22", recipe="full").batches == ("b0", "b1", "b2", "b3")


def test_a_recent_window_takes_the_batches_that_end_in_it_however_many(datasets, run):
    fill(datasets)
    untils = [b.until for b in datasets.batches("trips/features")]
    recent = {"recipe": "recent_window", "window_batches": 1}
    longer = run("a", since=untils[1], **recent)
    assert longer.batches == ("b1", "b2", "b3")
    just_later = str(np.datetime64(untils[1]) + np.timedelta64(1, "us"))
    shorter = run("b", since=just_later, **recent)
    assert shorter.batches == ("b2", "b3")
    # Of b1, only its last row is in the window.
    rows = [made.train_rows + made.holdout_rows for made in (longer, shorter)]
    assert rows[0] - rows[1] <= 1
    with pytest.raises(InputError, match="must end at or after 2025-01-01, but the last ends at 2024-01-2"):
        run("c", since="2025-01-01", **recent)


def test_challengers_that_hold_out_the_same_rows_are_judged_on_the_same(datasets, tracker, run):
    fill(datasets)
    cut = "2024-01-24T00:00:00"
    made = [
        run("a", recipe="full", holdout_since=cut),
        run("b", recipe="recent_window", since="2024-01-15", holdout_since=cut),
    ]
    holdouts = [tracker.record("tips", result.version, "holdout") for result in made]
    assert holdouts[0]["since"] == holdouts[1]["since"] >= cut
    assert made[0].holdout_rows == made[1].holdout_rows
    assert made[0].train_rows > made[1].train_rows


def test_nothing_before_a_moment_too_early_is_left_to_train_on(datasets, run):
    fill(datasets)
    with pytest.raises(InputError, match="training part must have rows of both labels, got 0"):
        run(holdout_since="2023-01-01")


def test_a_weighed_training_sees_training_rows_alone_and_another_weight_gives_another_model(datasets, tracker, run):
    fill(datasets)
    seen = []

    def weigh(rows):
        seen.append(rows)
        return np.where(rows["city"] == "Bronx", 5.0, 0.2)

    result = run(recipe="upsample", weigh=weigh)
    assert len(seen[0]["at"]) == result.train_rows
    assert seen[0]["at"].max() < np.datetime64(tracker.record("tips", result.version, "holdout")["since"])
    plain = run("second", recipe="upsample")
    rows = datasets.read("trips/features")
    scores = [tracker.load("tips", made.version).score(rows) for made in (result, plain)]
    assert np.abs(scores[0] - scores[1]).max() > 0.001


@pytest.mark.parametrize("recipe", ["full", "upsample", "augment"])
def test_recipes_of_all_rows_take_all_batches(datasets, run, recipe):
    fill(datasets)
    assert len(run(window_batches=2, since="2024-01-22", recipe=recipe).batches) == 4


def test_labels_that_were_not_known_yet_are_not_used(datasets, run):
    fill(datasets)
    result = run(as_of="2024-01-15T00:30:00")
    assert 950 < result.train_rows + result.holdout_rows <= 1000  # two weeks, less the last hour


def test_too_few_labels_say_how_many_are_needed(datasets, run):
    fill(datasets, labels=False)
    with pytest.raises(InputError, match="at least 100 labelled rows, got 0"):
        run()


def test_labels_of_one_class_only_are_refused(datasets, run):
    fill(datasets, labels=False)
    one = {
        "prediction_id": np.arange(2000),
        "observed_at": np.full(2000, np.datetime64("2024-02-01", "us")),
        "label": np.ones(2000, dtype=np.int64),
    }
    datasets.write("tips/feedback", "one", [one], time="observed_at")
    with pytest.raises(InputError, match="rows of both labels, got 1400 of label 1 among 1400"):
        run()


def test_a_version_whose_batches_are_not_there_is_refused(run):
    with pytest.raises(InputError, match="lacks"):
        run()


def test_a_feature_that_is_the_label_stops_the_training_before_anything_is_logged(datasets, tracker, run):
    fill(datasets, extra=lambda label: {"tip": label * 3.0})
    with pytest.raises(GateClosed, match=r"\[single_feature\] .*'tip' alone"):
        run(features=(*FEATURES, "tip"))
    assert tracker.version("tips", "challenger") is None


def test_one_row_in_both_parts_stops_the_training(datasets, run):
    fill(datasets, batches=3)
    again = datasets.read("trips/features", batches=["b0"])
    moved = again | {"at": again["at"] + np.timedelta64(28, "D")}
    datasets.write("trips/features", "b3", [moved], time="at")
    with pytest.raises(GateClosed, match=r"\[shared_rows\]"):
        run()


def test_a_model_that_learned_the_noise_is_stopped(datasets, run):
    fill(datasets, noise=5.0)
    with pytest.raises(GateClosed, match=r"\[overfitting\]"):
        run(factory="tests.small_world:deep_tree")
    assert run(factory="tests.small_world:deep_tree", max_overfit=1.0).metrics["train_accuracy"] == 1.0


def test_a_model_that_learned_the_noise_is_stopped_without_a_number_of_a_sealed_holdout(datasets, run):
    fill(datasets, noise=5.0)
    with pytest.raises(GateClosed, match=r"within 0\.100 .* simpler model") as stopped:
        run(factory="tests.small_world:deep_tree", seal_holdout=True)
    assert re.findall(r"\d[\d.]*", str(stopped.value)) == ["0.100"]


def test_a_suspicious_feature_is_told_with_the_result(datasets, run):
    def nearly(label):
        value = label.astype(float)
        value[::80] = 1 - value[::80]
        return {"hint": value}

    fill(datasets, extra=nearly)
    (warning,) = run(features=(*FEATURES, "hint")).warnings
    assert "'hint' alone" in warning


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"holdout_share": 1.0}, "holdout_share"),
        ({"window_batches": 0}, "window_batches"),
        ({"max_overfit": -0.1}, "max_overfit must be at least 0"),
        ({"max_overfit": float("nan")}, "max_overfit must be at least 0"),
        ({"features": ()}, "feature"),
        ({"since": "last week"}, "since of a training must be a UTC time"),
        ({"holdout_since": "last week"}, "holdout_since of a training must be a UTC time"),
        ({"since": "now"}, "since of a training must be a UTC time"),
        ({"since": "5"}, "since of a training must be a UTC time"),
        ({"recipe": "upsampel"}, "a recipe must be named full, recent_window"),
        ({"recipe": "recent_window"}, "recipe recent_window must say since"),
    ],
)
def test_an_impossible_spec_is_refused(changes, words):
    with pytest.raises(InputError, match=words):
        spec(**changes)
