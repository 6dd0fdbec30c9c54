"""What Airflow is told about this package: the `apache_airflow_provider` entry point."""

from __future__ import annotations

from typing import Any

from upkeep import __version__

_LINKS = ("ValidationPageLink", "HealthPictureLink", "ModelVersionLink", "RecordLink", "LabelRequestLink")


def get_provider_info() -> dict[str, Any]:
    """Metadata as `airflow/provider_info.schema.json` wants it."""
    stages = (
        "ingest",
        "labels",
        "validate",
        "prepare",
        "version",
        "train",
        "gate",
        "promote",
        "score",
        "monitor",
        "suggest",
        "challengers",
        "outcome",
        "profile",
    )
    subjects = ("batches", "feedback", "gate")
    about = {"integration-name": "Upkeep"}
    return {
        "package-name": "upkeep",
        "name": "Upkeep",
        "description": "Operators, sensors and triggers for each stage of a model's life.",
        "versions": [__version__],
        "integrations": [{**about, "external-doc-url": "README.md", "tags": ["software"]}],
        "operators": [{**about, "python-modules": [f"upkeep.operators.{stage}" for stage in stages]}],
        "sensors": [{**about, "python-modules": [f"upkeep.sensors.{subject}" for subject in subjects]}],
        "triggers": [{**about, "python-modules": [f"upkeep.triggers.{subject}" for subject in subjects]}],
        "task-decorators": [{"name": "upkeep_train", "class-name": "upkeep.operators.train.upkeep_train"}],
        "extra-links": [f"upkeep.links.{name}" for name in _LINKS],
    }
