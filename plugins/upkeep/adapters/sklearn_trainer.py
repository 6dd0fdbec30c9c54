"""Estimators built by the user's factory, fitted and scored on data frames."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns
from upkeep.core.functions import load_function
from upkeep.errors import InputError
from upkeep.ports import Json

if TYPE_CHECKING:
    import pandas as pd

SEED = "seed"


class SklearnTrainer:
    """A `ports.Trainer` for scikit-learn."""

    def fit(
        self, factory: str, table: Columns, label: NDArray[np.int64], params: Json, weights: NDArray[Any] | None = None
    ) -> Any:
        """Build ``factory(**params)`` and fit it, with the rows' weights where they are given.

        `params["seed"]` goes to the factory if it names a parameter `seed`, and to every `random_state` it left open: the
        same rows give the same model.

        Raises
        ------
        InputError
            If the factory does not take the parameters, does not return an estimator with `predict_proba`, or the
            estimator cannot be fitted to these columns or takes no weights.
        """
        estimator = _build(load_function(factory), factory, params)
        weighted = {} if weights is None else {_weight_parameter(estimator, factory): weights}
        try:
            return estimator.fit(frame(table, list(table)), label, **weighted)
        except (ValueError, TypeError) as err:
            raise InputError(
                f"the estimator of {factory!r} must accept the columns {list(table)}, but: {err} "
                "Make it ignore or encode what it cannot use."
            ) from err

    def score(self, model: Any, table: Columns) -> NDArray[np.float64]:
        return probability(model, table, list(table))


def frame(table: Columns, columns: Sequence[str]) -> pd.DataFrame:
    """The named columns as a data frame, in the given order."""
    import pandas as pd

    absent = [name for name in columns if name not in table]
    if absent:
        raise InputError(
            f"the model needs the columns {list(columns)}, but {absent} are absent. Prepare the table first."
        )
    return pd.DataFrame({name: table[name] for name in columns})


def probability(model: Any, table: Columns, columns: Sequence[str]) -> NDArray[np.float64]:
    """P(label = 1) per row, shape (n,)."""
    rows = frame(table, columns)
    if not len(rows):
        return np.empty(0)
    try:
        scores = model.predict_proba(rows)
    except (ValueError, TypeError) as err:
        raise InputError(
            f"the model must accept the columns {list(columns)}, but: {err} Prepare the table again."
        ) from err
    return np.asarray(scores, dtype=np.float64)[:, list(model.classes_).index(1)]


def _build(build: Callable[..., Any], factory: str, params: Json) -> Any:
    takes = inspect.signature(build).parameters
    given = {name: value for name, value in params.items() if name != SEED or SEED in takes}
    try:
        estimator = build(**given)
    except TypeError as err:
        raise InputError(
            f"factory {factory!r} must take the parameters {sorted(given)}, but: {err}. It takes {list(takes)}."
        ) from err
    if not hasattr(estimator, "fit") or not hasattr(estimator, "predict_proba"):
        raise InputError(
            f"factory {factory!r} must return an unfitted scikit-learn classifier with predict_proba, "
            f"got {type(estimator).__name__}. Return the pipeline."
        )
    if SEED in params:
        _settle_randomness(estimator, params[SEED])
    return estimator


def _weight_parameter(estimator: Any, factory: str) -> str:
    """Name of the argument of `fit` that hands weights to the estimator: of a pipeline's, to its last step."""
    from sklearn.pipeline import Pipeline
    from sklearn.utils.validation import has_fit_parameter

    steps, last = "", estimator
    while isinstance(last, Pipeline):
        name, last = last.steps[-1]
        steps += f"{name}__"
    if not has_fit_parameter(last, "sample_weight"):
        raise InputError(
            f"the estimator of {factory!r} must take sample weights for this recipe, but fit of {type(last).__name__} has no "
            "sample_weight. Return an estimator that has it, or retrain with the recipe full or recent_window."
        )
    return f"{steps}sample_weight"


def _settle_randomness(estimator: Any, seed: int) -> None:
    open_states = [
        name
        for name, value in estimator.get_params(deep=True).items()
        if name.rpartition("__")[2] == "random_state" and value is None
    ]
    estimator.set_params(**dict.fromkeys(open_states, seed))
