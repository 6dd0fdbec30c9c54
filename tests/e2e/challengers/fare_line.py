"""A weak model: a line through the fare and the kind of payment, some three points below the taxi example's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def fare_line(*, strength: float = 1.0, seed: int = 0) -> Pipeline:
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder

    kinds = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = ColumnTransformer([("text", kinds, ["payment_type"]), ("number", "passthrough", ["fare_amount"])])
    return Pipeline([("columns", columns), ("line", LogisticRegression(C=strength, max_iter=500, random_state=seed))])
