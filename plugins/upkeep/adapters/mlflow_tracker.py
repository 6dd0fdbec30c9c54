"""Runs and the model registry in MLflow."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from upkeep.adapters.atomic_files import exclusive
from upkeep.adapters.mlflow_client import connect, does_not_exist, mlflow_errors
from upkeep.adapters.mlflow_model import RegisteredScorer, read_model, write_model
from upkeep.core.columns import Columns
from upkeep.core.plain import plain
from upkeep.errors import BackendError, InputError
from upkeep.ports import Json, Scorer, Training

TRAINING_ID = "upkeep.training_id"
MODEL_TAG = "upkeep.model"
CHALLENGER = "challenger"
RECORDS = "upkeep"  # folder of a run's artifacts
MODEL = "model"
TRUST_VARIABLE = "UPKEEP_TRUSTED_REGISTRY"


class MlflowTracker:
    """A `ports.Tracker`. MLflow is imported and connected to when first used."""

    def __init__(self, uri: str, artifacts: Path, lock_folder: Path, experiment: str) -> None:
        self._uri = uri
        self._artifacts = artifacts
        self._locks = lock_folder / "locks"
        self._experiment = experiment

    @cached_property
    def _client(self) -> Any:
        with mlflow_errors(self._uri, "open its store"):
            return connect(self._uri, self._locks / "mlflow-open")

    def log(self, training: Training, model: Any, example: Columns) -> tuple[str, str]:
        """Record, register and point `challenger` at the version.

        A run counts only when it is FINISHED, which is its last step. What a killed attempt left is marked FAILED
        and deleted; a finished run without a version gets one. Two models may each have a training of the same id.

        Raises
        ------
        InputError
            If the model's training of this id was logged with other parameters.
        """
        training_id = training.tags.get(TRAINING_ID, "")
        for what, value in ((f"tag {TRAINING_ID}", training_id), ("a model's name", training.model)):
            if not value or set(value) & set("'\"`"):
                raise InputError(f"{what} must be set and hold no quotes, got {value!r}.")
        client = self._client
        with mlflow_errors(self._uri, f"log training {training_id!r}"), exclusive(self._locks / "mlflow-log"):
            experiment = self._experiment_id()
            run_id = self._finished_run(experiment, training)
            if run_id is None:
                run_id = self._new_run(experiment, training, model, example)
            version = self._registered(training, run_id)
            current = self.version(training.model, CHALLENGER)
            if current is None or int(version) > int(current):  # a late repetition must not displace a newer one
                client.set_registered_model_alias(training.model, CHALLENGER, version)
            return run_id, version

    def _experiment_id(self) -> str:
        from mlflow.exceptions import MlflowException

        client = self._client
        found = client.get_experiment_by_name(self._experiment)
        if found is None:
            # A server decides itself where its artifacts go.
            place = None if self._uri.startswith("http") else self._artifacts.absolute().as_uri()
            try:
                return str(client.create_experiment(self._experiment, artifact_location=place))
            except MlflowException:
                found = client.get_experiment_by_name(self._experiment)  # another machine was faster
                if found is None:
                    raise
        return str(found.experiment_id)

    def _finished_run(self, experiment: str, training: Training) -> str | None:
        finished = None
        client = self._client
        own = f"tags.`{TRAINING_ID}` = '{training.tags[TRAINING_ID]}' and tags.`{MODEL_TAG}` = '{training.model}'"
        for run in client.search_runs([experiment], filter_string=own):
            if run.info.status == "FINISHED":
                _refuse_other_params(training, run.data.params)
                finished = str(run.info.run_id)
            else:
                client.set_terminated(run.info.run_id, status="FAILED")
                client.delete_run(run.info.run_id)
        return finished

    def _new_run(self, experiment: str, training: Training, model: Any, example: Columns) -> str:
        from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

        client, now_ms = self._client, int(time.time() * 1000)
        name = f"{training.model} {training.tags[TRAINING_ID]}"[:250]
        tags = {**training.tags, MODEL_TAG: training.model}
        run_id = str(client.create_run(experiment, tags=tags, run_name=name).info.run_id)
        client.log_batch(
            run_id,
            metrics=[Metric(key, float(value), now_ms, 0) for key, value in training.metrics.items()],
            params=[Param(key, str(value)) for key, value in training.params.items()],
        )
        source = json.dumps(
            {"tag": training.tags.get("dvc.tag", ""), "revision": training.tags.get("dvc.revision", "")}
        )
        dataset = Dataset(training.dataset_name, training.dataset_digest, source_type="dvc", source=source)
        client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])
        for record, content in training.records.items():
            client.log_text(run_id, json.dumps(plain(content), allow_nan=False), f"{RECORDS}/{record}.json")
        with tempfile.TemporaryDirectory() as folder:
            write_model(model, example, Path(folder) / MODEL)
            client.log_artifacts(run_id, str(Path(folder) / MODEL), MODEL)
        client.set_terminated(run_id, status="FINISHED")
        return run_id

    def _registered(self, training: Training, run_id: str) -> str:
        from mlflow.exceptions import MlflowException

        client, name = self._client, training.model
        try:
            client.get_registered_model(name)
        except MlflowException as err:
            if not does_not_exist(err):
                raise
            client.create_registered_model(name)
        for known in client.search_model_versions(f"run_id = '{run_id}'"):
            if known.name == name:
                return str(known.version)
        source = f"{client.get_run(run_id).info.artifact_uri}/{MODEL}"
        tags = {key: value for key, value in training.tags.items() if key in (TRAINING_ID, "dvc.tag", "dvc.digest")}
        return str(client.create_model_version(name, source, run_id, tags=tags).version)

    def version(self, model: str, alias: str) -> str | None:
        from mlflow.exceptions import MlflowException

        with mlflow_errors(self._uri, f"look up {model}@{alias}"):
            try:
                return str(self._client.get_model_version_by_alias(model, alias).version)
            except MlflowException as err:
                if does_not_exist(err):
                    return None
                raise

    def load(self, model: str, version: str) -> Scorer:
        """The model of a version, in the skops format and made of allowed types alone (`adapters.skops_trust`).

        Any other format runs code when it is read, and is refused, unless the operator of this installation set
        `UPKEEP_TRUSTED_REGISTRY` to this very tracking URI.
        """
        import mlflow

        run_id = self._run_id(model, version)
        with mlflow_errors(self._uri, f"fetch {model} version {version}"), tempfile.TemporaryDirectory() as folder:
            source = self._client.get_model_version_download_uri(model, version)
            place = mlflow.artifacts.download_artifacts(artifact_uri=source, dst_path=folder, tracking_uri=self._uri)
            trusted = os.environ.get(TRUST_VARIABLE) == self._uri
            estimator, columns = read_model(Path(place), trusted=trusted, what=f"{model} version {version}")
        return RegisteredScorer(version=version, run_id=run_id, estimator=estimator, columns=columns)

    def record(self, model: str, version: str, name: str) -> Json:
        run_id = self._run_id(model, version)
        action, wanted = f"fetch record {name!r} of {model} version {version}", f"{RECORDS}/{name}.json"
        with mlflow_errors(self._uri, action), tempfile.TemporaryDirectory() as folder:
            if wanted not in {file.path for file in self._client.list_artifacts(run_id, RECORDS)}:
                raise InputError(
                    f"the run of {model} version {version} must have the artifact {wanted}, but does not. Train the model here."
                )
            content = Path(self._client.download_artifacts(run_id, wanted, folder)).read_bytes()
        try:
            record: Json = json.loads(content)
        except ValueError as err:
            raise BackendError(f"record {name!r} of {model} version {version} must be JSON, but: {err}.") from err
        return record

    def attach(self, model: str, version: str, name: str, record: Json) -> None:
        run_id = self._run_id(model, version)
        with mlflow_errors(self._uri, f"attach record {name!r} to {model} version {version}"):
            self._client.log_text(run_id, json.dumps(plain(record), allow_nan=False), f"{RECORDS}/{name}.json")

    def set_alias(self, model: str, alias: str, version: str) -> None:
        self._run_id(model, version)
        with mlflow_errors(self._uri, f"point {model}@{alias} at version {version}"):
            self._client.set_registered_model_alias(model, alias, version)

    def tag_version(self, model: str, version: str, tags: Mapping[str, str]) -> None:
        self._run_id(model, version)
        with mlflow_errors(self._uri, f"tag {model} version {version}"):
            for key, value in tags.items():
                self._client.set_model_version_tag(model, version, key, value)

    def _run_id(self, model: str, version: str) -> str:
        from mlflow.exceptions import MlflowException

        with mlflow_errors(self._uri, f"look up {model} version {version}"):
            try:
                return str(self._client.get_model_version(model, version).run_id)
            except MlflowException as err:
                if does_not_exist(err):
                    raise InputError(
                        f"{model} version {version} must be in the model registry, but is not. Train the model first."
                    ) from err
                raise


def _refuse_other_params(training: Training, logged: Mapping[str, str]) -> None:
    asked = {name: str(value) for name, value in training.params.items()}
    changed = [name for name in sorted(asked.keys() | logged.keys()) if asked.get(name) != logged.get(name)]
    if changed:
        told = "; ".join(f"{name} was {logged.get(name)!r} and is {asked.get(name)!r} now" for name in changed)
        raise InputError(
            f"training {training.tags[TRAINING_ID]!r} of {training.model} must be repeated with the parameters it was "
            f"logged with, but {told}. Use a new training id."
        )
