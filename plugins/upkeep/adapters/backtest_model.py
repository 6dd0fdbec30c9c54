"""Models of a backtest: the user's factory, or boosted trees over whatever columns there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from upkeep.adapters.sklearn_trainer import SEED, SklearnTrainer
from upkeep.core.columns import Columns
from upkeep.core.retrain.backtest.policy import Fit, Scorer

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

BOOSTED = "upkeep.adapters.backtest_model:boosted"


def boosted() -> Pipeline:
    """Gradient-boosted trees; texts are numbered, and one that training has not seen counts as missing."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=200)
    columns = make_column_transformer((codes, make_column_selector(dtype_exclude="number")), remainder="passthrough")
    trees = HistGradientBoostingClassifier(max_iter=50, max_leaf_nodes=15, early_stopping=False, random_state=0)
    return make_pipeline(columns, trees)


@contextmanager
def one_thread() -> Iterator[None]:
    """Fits in this block use one thread each: on few rows, boosting's threads wait for each other longer than they work."""
    import sklearn.ensemble  # noqa: F401  what is limited must have been loaded
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1):
        yield


def fit_by(factory: str, *, seed: int = 0) -> Fit:
    """Models of what ``module:function`` builds, fitted and scored as training does it."""
    trainer = SklearnTrainer()

    def fit(table: Columns, labels: NDArray[np.int64], weights: NDArray[np.float64] | None) -> Scorer:
        model = trainer.fit(factory, table, labels, {SEED: seed}, weights)
        return lambda rows: trainer.score(model, rows)

    return fit
