"""A model as MLflow keeps it: a folder with the estimator in the skops format, its signature and an example."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.adapters import skops_trust
from upkeep.adapters.sklearn_trainer import frame, probability
from upkeep.core.columns import Columns
from upkeep.errors import BackendError, InputError

REQUIREMENTS = ("scikit-learn", "skops", "numpy", "scipy", "pandas")
SKOPS = "skops"


@dataclass(slots=True, kw_only=True)
class RegisteredScorer:
    """A `ports.Scorer` that takes the columns the model was trained on from any table that has them."""

    version: str
    run_id: str
    estimator: Any = field(repr=False)
    columns: tuple[str, ...]

    def score(self, table: Columns) -> NDArray[np.float64]:
        return probability(self.estimator, table, self.columns)


def write_model(estimator: Any, example: Columns, folder: Path) -> None:
    """Write the folder; any MLflow client can load it, and its requirements are stated, not guessed."""
    import mlflow.sklearn

    folder.parent.mkdir(parents=True, exist_ok=True)
    probe = folder.with_name("probe.skops")
    trusted = skops_trust.save(estimator, probe)
    probe.unlink()
    with warnings.catch_warnings():
        # MLflow dumps once more; see skops_trust.save for what that warns of.
        warnings.simplefilter("ignore")
        mlflow.sklearn.save_model(
            estimator,
            str(folder),
            serialization_format=SKOPS,
            skops_trusted_types=trusted,
            pip_requirements=[f"{name}=={installed(name)}" for name in REQUIREMENTS],
            signature=_signature(example),
            input_example=frame(example, list(example)),
        )


def read_model(folder: Path, *, trusted: bool, what: str) -> tuple[Any, tuple[str, ...]]:
    """The estimator and the columns it takes. MLflow's own loader is not used: it believes the folder's list of types.

    Parameters
    ----------
    folder : Path
    trusted : bool
        Whether formats that run code may be read.
    what : str
        Name of the model, for messages.
    """
    from mlflow.models import Model

    described = Model.load(str(folder))
    flavor = described.flavors.get("sklearn")
    if flavor is None or described.signature is None:
        raise InputError(f"{what} must be a scikit-learn model with a signature, but is not. Train it here.")
    columns = tuple(described.signature.inputs.input_names())
    if flavor.get("serialization_format") == SKOPS:
        file = (folder / flavor["pickled_model"]).resolve()
        if not file.is_relative_to(folder.resolve()):
            raise BackendError(f"{what} must keep its model in its own folder, but names {flavor['pickled_model']!r}.")
        return skops_trust.load(file), columns
    if not trusted:
        raise InputError(
            f"{what} must be stored in the skops format, got {flavor.get('serialization_format')!r}, which runs code when "
            "it is read. Train it here, or set UPKEEP_TRUSTED_REGISTRY to the tracking URI if you trust all who can write there."
        )
    import mlflow.sklearn

    return mlflow.sklearn.load_model(str(folder)), columns


def _signature(example: Columns) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    kinds = {"f": "double", "i": "long", "u": "long", "b": "boolean", "M": "datetime"}
    inputs = [ColSpec(kinds.get(values.dtype.kind, "string"), name) for name, values in example.items()]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema([TensorSpec(np.dtype("int64"), (-1,))]))
