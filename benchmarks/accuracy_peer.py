"""Data sets handed to nannyml in its own environment, and what it said of them."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from accuracy_sets import DataSet, Rows
from peers.environments import ask
from upkeep.core.columns import Coded

METRICS = {"binary": ["accuracy", "roc_auc"], "multiclass": ["accuracy", "roc_auc"], "regression": ["mae", "rmse"]}


def nannyml_says(data: DataSet, python: Path, *, limit_s: float) -> dict[str, list[float]]:
    """Estimates per metric and chunk by CBPE, of a regressor by DLE; RuntimeError if it fails."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder / "reference.csv", data, data.reference, labelled=True)
        for number, chunk in enumerate(data.chunks):
            _write(folder / f"chunk_{number}.csv", data, chunk, labelled=False)
        task = {
            "kind": data.kind,
            "metrics": METRICS[data.kind],
            "chunks": len(data.chunks),
            "features": [f"feature_{j}" for j in range(len(data.reference.table))],
            "classes": data.reference.scores.shape[1] if data.kind == "multiclass" else 2,
        }
        (folder / "task.json").write_text(json.dumps(task))
        answer = ask(python, "nannyml_performance", [name], limit_s=limit_s)
    if "error" in answer:
        raise RuntimeError(f"nannyml on {data.name}: {answer['error']}")
    return answer


def _write(path: Path, data: DataSet, rows: Rows, *, labelled: bool) -> None:
    import pyarrow as pa
    import pyarrow.csv

    columns: dict[str, Any] = {}
    several = data.kind == "multiclass"
    if data.kind == "regression":  # CBPE asks for no features
        columns |= {f"feature_{j}": _plain(values) for j, values in enumerate(rows.table.values())}
        columns["y_pred"] = rows.scores
    elif several:
        columns |= {f"score_{k}": rows.scores[:, k] for k in range(rows.scores.shape[1])}
        columns["y_pred"] = [f"class {k}" for k in rows.scores.argmax(axis=1)]
    else:
        columns["score_1"] = rows.scores
        columns["y_pred"] = (rows.scores >= data.threshold).astype(int)
    if labelled:
        columns["y_true"] = [f"class {k:.0f}" for k in rows.labels] if several else rows.labels
    pyarrow.csv.write_csv(pa.table(columns), path)


def _plain(values: Any) -> Any:
    if not isinstance(values, Coded):
        return values
    levels = np.array([*values.levels, None], dtype=object)
    return levels[values.codes]
