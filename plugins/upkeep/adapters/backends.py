"""The real backends of one workspace, each built when first asked for: a task pays only for what it uses."""

from __future__ import annotations

from functools import cached_property

from upkeep.adapters.workspace import Workspace
from upkeep.ports import BatchSource, Datasets, Documents, Painter, Tracker, Trainer, Validator, VersionStore


class Backends:
    """What the operators, the command line and the triggers hand to the stages."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    @cached_property
    def datasets(self) -> Datasets:
        from upkeep.adapters.parquet_datasets import ParquetDatasets

        return ParquetDatasets(self.workspace.data)

    @cached_property
    def documents(self) -> Documents:
        from upkeep.adapters.json_documents import JsonDocuments

        return JsonDocuments(self.workspace.records, self.workspace.reports)

    @cached_property
    def source(self) -> BatchSource:
        from upkeep.adapters.batch_files import BatchFiles

        return BatchFiles(self.workspace)

    @cached_property
    def validator(self) -> Validator:
        from upkeep.adapters.gx_validator import GxValidator

        return GxValidator()

    @cached_property
    def versions(self) -> VersionStore:
        from upkeep.adapters.dvc_repo import DvcVersions

        return DvcVersions(self.workspace.versions, self.workspace.remote)

    @cached_property
    def trainer(self) -> Trainer:
        from upkeep.adapters.sklearn_trainer import SklearnTrainer

        return SklearnTrainer()

    @cached_property
    def tracker(self) -> Tracker:
        from upkeep.adapters.mlflow_tracker import MlflowTracker

        workspace = self.workspace
        return MlflowTracker(workspace.tracking_uri, workspace.artifacts, workspace.root, experiment="upkeep")

    @cached_property
    def painter(self) -> Painter:
        from upkeep.adapters.health_picture import HealthPicture

        return HealthPicture()
