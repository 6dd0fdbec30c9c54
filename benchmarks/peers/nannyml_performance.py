"""nannyml's CBPE and DLE as they come, chunk by chunk: a folder of CSV files in, estimates out."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import nannyml
import pandas as pd


def estimates(folder: Path) -> dict[str, list[float]]:
    """Estimates per metric and chunk of the data set that `task.json` describes."""
    task = json.loads((folder / "task.json").read_text())
    reference = pd.read_csv(folder / "reference.csv")
    estimator = _estimator(task).fit(reference)
    found: dict[str, list[float]] = {metric: [] for metric in task["metrics"]}
    for number in range(task["chunks"]):
        chunk = pd.read_csv(folder / f"chunk_{number}.csv")
        table = estimator.estimate(chunk).filter(period="analysis").to_df()
        for metric, values in found.items():
            values.append(float(table[(metric, "value")].iloc[0]))
    return found


def _estimator(task: dict[str, Any]) -> Any:
    shared = {"y_true": "y_true", "y_pred": "y_pred", "metrics": task["metrics"], "chunk_number": 1}
    if task["kind"] == "regression":
        return nannyml.DLE(feature_column_names=task["features"], **shared)
    if task["kind"] == "binary":
        return nannyml.CBPE(y_pred_proba="score_1", problem_type="classification_binary", **shared)
    scores = {f"class {k}": f"score_{k}" for k in range(task["classes"])}
    return nannyml.CBPE(y_pred_proba=scores, problem_type="classification_multiclass", **shared)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")  # a peer's own, thousands in a run; its errors are kept
    print("\n" + json.dumps(estimates(Path(sys.argv[1]))))
