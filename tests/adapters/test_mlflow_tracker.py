import os
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import skops.io
import yaml
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer
from tests.mlflow_stores import new_tracker, tracker_of

from upkeep.adapters.mlflow_tracker import MlflowTracker
from upkeep.adapters.sklearn_trainer import SklearnTrainer
from upkeep.adapters.workspace import Workspace
from upkeep.errors import BackendError, InputError
from upkeep.ports import Training

DIGEST = "0123456789abcdef" * 2


@pytest.fixture
def tracker(tmp_path):
    return new_tracker(tmp_path)


@pytest.fixture
def client(tmp_path, tracker):
    return MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}", f"sqlite:///{tmp_path / 'mlflow.db'}")


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    city = np.array(["Bronx", "Queens"], dtype=object)[rng.integers(0, 2, 200)]
    return {"distance": rng.normal(size=200), "fare": rng.normal(size=200), "city": city}


@pytest.fixture(scope="module")
def model(table):
    label = (table["distance"] > 0).astype(np.int64)
    return SklearnTrainer().fit("tests.small_world:logistic", table, label, {})


@pytest.fixture
def example(table):
    return {name: values[:5] for name, values in table.items()}


def training(training_id="dag/manual__2024-01-01T00:00:00+00:00", model="tips"):
    return Training(
        model=model,
        params={"depth": 3, "factory": "a:b"},
        metrics={"holdout_accuracy": 0.75, "train_accuracy": 0.8},
        tags={"upkeep.training_id": training_id, "dvc.tag": "dataset/trips/2024-01-01-1", "upkeep.decision": ""},
        dataset_name="trips",
        dataset_digest=DIGEST,
        records={"holdout": {"since": "2024-01-01", "share": float("nan")}},
    )


def test_a_run_records_everything_and_its_version_becomes_challenger(tracker, client, model, example):
    run_id, version = tracker.log(training(), model, example)
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"depth": "3", "factory": "a:b"}
    assert run.data.metrics == {"holdout_accuracy": 0.75, "train_accuracy": 0.8}
    assert run.data.tags["dvc.tag"] == "dataset/trips/2024-01-01-1"
    (dataset,) = run.inputs.dataset_inputs
    assert (dataset.dataset.name, dataset.dataset.digest) == ("trips", DIGEST)
    assert tracker.record("tips", version, "holdout") == {"since": "2024-01-01", "share": None}
    assert tracker.version("tips", "challenger") == version == "1"
    assert tracker.version("tips", "champion") is None
    assert client.get_experiment(run.info.experiment_id).name == "upkeep"


def test_a_loaded_version_scores_as_the_fitted_model_did(tracker, model, example, table):
    run_id, version = tracker.log(training(), model, example)
    scorer = tracker.load("tips", version)
    assert (scorer.version, scorer.run_id) == (version, run_id)
    more = {"row_id": np.arange(200), **dict(reversed(table.items()))}  # other columns and another order do not matter
    assert (scorer.score(more) == SklearnTrainer().score(model, table)).all()
    with pytest.raises(InputError, match=r"\['city'\] are absent"):
        scorer.score({"distance": table["distance"], "fare": table["fare"]})


def test_any_mlflow_client_can_load_the_version(tracker, client, model, example, table, monkeypatch):
    tracker.log(training(), model, example)
    monkeypatch.setattr(mlflow.tracking._tracking_service.utils, "_tracking_uri", client.tracking_uri)
    loaded = mlflow.pyfunc.load_model("models:/tips@challenger")
    assert loaded.predict(pd.DataFrame(table)).tolist() == model.predict(pd.DataFrame(table)).tolist()
    assert [column.name for column in loaded.metadata.get_input_schema()] == ["distance", "fare", "city"]


def test_logging_again_gives_the_same_run_and_version(tracker, client, model, example, tmp_path):
    first = tracker.log(training(), model, example)
    assert tracker.log(training(), model, example) == first
    assert tracker_of(Workspace(tmp_path)).log(training(), model, example) == first
    assert len(client.search_model_versions("name = 'tips'")) == 1


def test_a_late_repetition_does_not_displace_a_newer_challenger(tracker, model, example):
    old = tracker.log(training("one"), model, example)
    new = tracker.log(training("two"), model, example)
    assert old != new
    assert tracker.log(training("one"), model, example) == old
    assert tracker.version("tips", "challenger") == new[1]


def test_two_models_may_each_have_a_training_of_the_same_id(tracker, client, model, example):
    tips = tracker.log(training("weekly-1", model="tips"), model, example)
    tolls = tracker.log(training("weekly-1", model="tolls"), model, example)
    assert tips[0] != tolls[0]
    assert tracker.log(training("weekly-1", model="tips"), model, example) == tips
    assert tracker.log(training("weekly-1", model="tolls"), model, example) == tolls
    for name, (run_id, version) in (("tips", tips), ("tolls", tolls)):
        assert client.get_model_version(name, version).run_id == run_id
        assert client.get_run(run_id).data.tags["upkeep.model"] == name
        assert len(client.search_model_versions(f"name = '{name}'")) == 1


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"depth": 4, "factory": "a:b"}, "depth was '3' and is '4' now"),
        ({"depth": 3}, "factory was 'a:b' and is None now"),
        ({"depth": 3, "factory": "a:b", "more": 1.5}, "more was None and is '1.5' now"),
    ],
)
def test_a_training_repeated_with_other_parameters_is_refused(tracker, client, model, example, params, words):
    first = tracker.log(training(), model, example)
    with pytest.raises(InputError, match=words):
        tracker.log(replace(training(), params=params), model, example)
    assert tracker.version("tips", "challenger") == first[1]
    assert len(client.search_model_versions("name = 'tips'")) == 1


class Killed(BaseException):
    pass


@pytest.mark.parametrize(
    "step",
    [
        "create_run",
        "log_batch",
        "log_artifacts",
        "set_terminated",
        "create_registered_model",
        "create_model_version",
        "set_registered_model_alias",
    ],
)
def test_killed_after_any_step_and_run_again_gives_one_run_and_one_version(
    tracker, client, model, example, tmp_path, monkeypatch, step
):
    real = getattr(MlflowClient, step)

    def last(*args, **kwargs):
        real(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, step, last)
        with pytest.raises(Killed):
            tracker.log(training(), model, example)
    run_id, version = tracker_of(Workspace(tmp_path)).log(training(), model, example)
    experiment = client.get_experiment_by_name("upkeep").experiment_id
    assert [(run.info.run_id, run.info.status) for run in client.search_runs([experiment])] == [(run_id, "FINISHED")]
    assert [(str(v.version), v.run_id) for v in client.search_model_versions("name = 'tips'")] == [(version, run_id)]
    assert tracker.version("tips", "challenger") == version
    assert tracker.load("tips", version).run_id == run_id


FIRST_USE = """
import sys
from pathlib import Path
from upkeep.adapters.workspace import Workspace
from tests.mlflow_stores import tracker_of
workspace = Workspace(Path(sys.argv[1])); workspace.quieten()
tracker = tracker_of(workspace)
assert tracker.version("tips", "champion") is None
print(tracker._experiment_id())
"""


def test_three_processes_may_open_an_empty_database_at_once(tmp_path):
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root / "plugins"), str(root)])}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", FIRST_USE, str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=environment,
        )
        for _ in range(3)
    ]
    ended = [process.communicate(timeout=120) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], ended
    assert {out.strip() for out, _ in ended} == {"1"}  # all three in one experiment
    assert sorted(path.name for path in tmp_path.iterdir()) == ["locks", "mlflow.db"]


def test_the_scratch_database_of_a_killed_process_is_not_used(tmp_path):
    (tmp_path / f".mlflow.db.{os.getpid()}.tmp").write_bytes(b"half a database")
    assert tracker_of(Workspace(tmp_path)).version("tips", "champion") is None


def test_a_record_is_attached_to_the_run_of_a_version_that_is_finished_and_replaced(tracker, model, example):
    _, version = tracker.log(training(), model, example)
    for verdict in ("unknown", "pass"):
        tracker.attach("tips", version, "gate", {"verdict": verdict, "estimate": np.float64(0.5)})
    assert tracker.record("tips", version, "gate") == {"verdict": "pass", "estimate": 0.5}
    with pytest.raises(InputError, match="must be in the model registry"):
        tracker.attach("tips", "9", "gate", {})


def test_aliases_and_tags_move_on_versions_that_are_there(tracker, client, model, example):
    _, version = tracker.log(training(), model, example)
    tracker.set_alias("tips", "champion", version)
    tracker.tag_version("tips", version, {"upkeep.gate.verdict": "pass"})
    assert tracker.version("tips", "champion") == version
    assert client.get_model_version("tips", version).tags["upkeep.gate.verdict"] == "pass"
    for use in (
        lambda: tracker.set_alias("tips", "champion", "9"),
        lambda: tracker.tag_version("tips", "9", {}),
        lambda: tracker.load("tips", "9"),
        lambda: tracker.record("other", "1", "holdout"),
    ):
        with pytest.raises(InputError, match="must be in the model registry"):
            use()
    with pytest.raises(InputError, match="artifact upkeep/absent"):
        tracker.record("tips", version, "absent")


def test_a_training_without_an_id_is_refused(tracker, model, example):
    with pytest.raises(InputError, match="training_id"):
        tracker.log(training(""), model, example)
    with pytest.raises(InputError, match="quotes"):
        tracker.log(training("x' OR '1"), model, example)
    with pytest.raises(InputError, match="model's name must be set and hold no quotes"):
        tracker.log(training(model="x' OR '1"), model, example)


def test_neither_warnings_nor_the_global_tracking_uri_come_from_logging(tracker, model, example):
    before = mlflow.get_tracking_uri()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tracker.log(training(), model, example)
    assert [str(w.message) for w in caught if "skops" in str(w.filename) or "mlflow/sklearn" in str(w.filename)] == []
    assert mlflow.get_tracking_uri() == before
    assert mlflow.active_run() is None


def test_an_unreachable_server_is_a_backend_error_within_seconds(tmp_path):
    Workspace(tmp_path).quieten()
    tracker = MlflowTracker("http://somebody:secret@127.0.0.1:9", tmp_path, tmp_path, experiment="upkeep")
    started = time.monotonic()
    with pytest.raises(BackendError, match=r"127\.0\.0\.1:9 must be able to") as caught:
        tracker.version("tips", "champion")
    assert time.monotonic() - started < 15
    assert "secret" not in str(caught.value)


# What somebody who can write to the registry could put there.


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def register(client, folder, name="tips"):
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    run = client.create_run("0")
    return client.create_model_version(name, str(folder), run.info.run_id).version


@pytest.fixture
def pickled(client, tmp_path, example):
    """A version whose pickle touches a file when it is read."""
    folder, mark = tmp_path / "pickled", tmp_path / "was_here"
    signature = mlflow.models.infer_signature(pd.DataFrame(example), np.zeros(5))
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    mlflow.sklearn.save_model(
        model, str(folder), serialization_format="cloudpickle", signature=signature, pip_requirements=["scikit-learn"]
    )
    import cloudpickle

    (folder / "model.pkl").write_bytes(cloudpickle.dumps(Payload(mark)))
    return register(client, folder), folder, mark


def test_a_pickled_model_is_refused_and_its_payload_does_not_run(tracker, pickled):
    version, folder, mark = pickled
    with pytest.raises(InputError, match="runs code when it is read"):
        tracker.load("tips", version)
    assert not mark.exists()
    mlflow.sklearn.load_model(str(folder))  # the control: MLflow's own loader does run it
    assert mark.exists()


def test_only_naming_this_very_registry_lets_a_pickle_in(tracker, pickled, client, monkeypatch):
    version, _, mark = pickled
    monkeypatch.setenv("UPKEEP_TRUSTED_REGISTRY", client.tracking_uri + ".other")
    with pytest.raises(InputError):
        tracker.load("tips", version)
    assert not mark.exists()
    monkeypatch.setenv("UPKEEP_TRUSTED_REGISTRY", client.tracking_uri)
    tracker.load("tips", version)
    assert mark.exists()


def test_a_model_cannot_vouch_for_its_own_types(tracker, client, model, example, tmp_path):
    """The list of trusted types lies beside the model; whoever swaps the model can write it, too."""
    run_id, _ = tracker.log(training(), model, example)
    folder = Path(client.download_artifacts(run_id, "model", tmp_path))
    skops.io.dump(FunctionTransformer(func=os.system), folder / "model.skops")
    described = yaml.safe_load((folder / "MLmodel").read_text())
    described["flavors"]["sklearn"]["skops_trusted_types"] = ["posix.system"]
    (folder / "MLmodel").write_text(yaml.safe_dump(described))
    version = register(client, folder)
    with pytest.raises(InputError, match=r"posix\.system"):
        tracker.load("tips", version)


def test_a_model_outside_its_folder_is_refused(tracker, client, model, example, tmp_path):
    run_id, _ = tracker.log(training(), model, example)
    folder = Path(client.download_artifacts(run_id, "model", tmp_path))
    described = yaml.safe_load((folder / "MLmodel").read_text())
    described["flavors"]["sklearn"]["pickled_model"] = "../../elsewhere.skops"
    (folder / "MLmodel").write_text(yaml.safe_dump(described))
    with pytest.raises(BackendError, match="its own folder"):
        tracker.load("tips", register(client, folder))
