"""prepare: features beside their ids, and the labels that are known already, once."""

import hashlib
import os

import numpy as np
import pytest

from upkeep.adapters.parquet_datasets import ParquetDatasets
from upkeep.errors import InputError
from upkeep.stages.prepare import prepare

CLEAN = {
    "row_id": np.array([11, 12, 13, 14]),
    "t": np.array(["2019-01-01", "2019-01-01", "2019-01-02", "2019-01-02"], dtype="M8[us]"),
    "end": np.array(["2019-01-01", "2019-01-03", "2019-01-02", "NaT"], dtype="M8[us]"),
    "fare": np.array([10.0, 10.0, 10.0, 10.0]),
    "tip": np.array([3.0, np.nan, 1.0, 3.0]),
}


def _features(table):
    return {"row_id": table["row_id"], "fare": table["fare"], "kind": np.full(len(table["fare"]), "a", dtype=object)}


def _label(table):
    tip = table["tip"]
    return np.where(np.isnan(tip), np.nan, (tip > 2).astype(float))


def _prepare(root, **changes):
    datasets = ParquetDatasets(root)
    if not datasets.find("taxi/clean", "b"):
        datasets.write("taxi/clean", "b", [CLEAN], time="t")
    about = {"time": "t", "features": _features, "label": _label, "label_time": "end"}
    return prepare(datasets, dataset="taxi", batch="b", model="tip", **about | changes), datasets


def _tree(root):
    files = (p for p in sorted(root.rglob("*")) if p.is_file() and p.name != ".lock")
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_writes_ids_time_and_features_of_every_row_and_no_label(tmp_path):
    batch, datasets = _prepare(tmp_path)
    assert (batch.dataset, batch.batch, batch.rows) == ("taxi/prepared", "b", 4)
    table = datasets.read("taxi/prepared")
    assert list(table) == ["row_id", "t", "fare", "kind"]
    assert table["row_id"].tolist() == [11, 12, 13, 14]


def test_logs_the_labels_that_are_known_with_the_time_at_which_they_were(tmp_path):
    _, datasets = _prepare(tmp_path)
    feedback = datasets.read("tip/feedback")
    assert feedback["prediction_id"].tolist() == [11, 13]
    assert feedback["label"].tolist() == [1, 0]
    assert feedback["label"].dtype == np.int64
    assert feedback["observed_at"].astype("M8[D]").astype(str).tolist() == ["2019-01-01", "2019-01-02"]


def test_no_label_known_yet_writes_no_feedback(tmp_path):
    _, datasets = _prepare(tmp_path, label=lambda table: np.full(len(table["tip"]), np.nan))
    assert datasets.batches("tip/feedback") == []


def test_run_again_it_changes_nothing(tmp_path):
    first, _ = _prepare(tmp_path)
    before = _tree(tmp_path)
    assert _prepare(tmp_path)[0] == first
    assert _tree(tmp_path) == before


def test_killed_at_any_rename_and_run_again_it_gives_the_same_tree(tmp_path, monkeypatch):
    _prepare(tmp_path / "whole")
    rename = os.replace
    for at in range(6):  # two days and a manifest, twice
        root = tmp_path / f"killed{at}"
        ParquetDatasets(root).write("taxi/clean", "b", [CLEAN], time="t")
        left = iter(range(at))

        def dies(source, target, left=left):
            if next(left, None) is None:
                raise KeyboardInterrupt
            rename(source, target)

        monkeypatch.setattr(os, "replace", dies)
        with pytest.raises(KeyboardInterrupt):
            _prepare(root)
        monkeypatch.setattr(os, "replace", rename)
        _prepare(root)
        assert _tree(root) == _tree(tmp_path / "whole")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"features": lambda t: {"fare": t["fare"][:2]}},
            "columns of 4 rows, one per clean row; 'fare' has 2 of float64",
        ),
        ({"features": lambda t: {"z": t["fare"].astype(complex)}}, "'z' has 4 of complex128"),
        ({"label": lambda t: t["fare"]}, r"must be 0, 1 or NaN .* with values \[10.0\]"),
        ({"label": lambda t: np.zeros(2)}, r"got shape \(2,\)"),
        ({"label_time": "gone"}, "label_time must name a datetime column of the clean table, got 'gone'"),
        ({"label_time": "fare"}, "got 'fare'"),
        ({"time": "gone"}, "must have row_id and the time column, but has no gone"),
    ],
)
def test_a_wrong_function_or_column_is_named_and_nothing_is_written(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        _prepare(tmp_path, **changes)
    assert ParquetDatasets(tmp_path).batches("taxi/prepared") == []
    assert ParquetDatasets(tmp_path).batches("tip/feedback") == []


def test_a_batch_that_is_not_clean_yet_is_refused(tmp_path):
    about = {"time": "t", "features": _features, "label": _label, "label_time": "end"}
    with pytest.raises(InputError, match=r"dataset taxi/clean must hold the batches asked for, but has no \['b'\]"):
        prepare(ParquetDatasets(tmp_path), dataset="taxi", batch="b", model="tip", **about)
