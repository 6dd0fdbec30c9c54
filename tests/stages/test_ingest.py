"""ingest: each batch once, whole, under canonical names and with row ids, or not at all."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from upkeep.adapters import batch_files
from upkeep.adapters.batch_files import BatchFiles
from upkeep.adapters.parquet_datasets import ParquetDatasets
from upkeep.adapters.workspace import Workspace
from upkeep.core.identity import row_ids
from upkeep.core.schema import TableSchema
from upkeep.errors import InputError
from upkeep.stages.ingest import ingest

RECORD = {
    "time": "begin",
    "key": ["vendor", "begin"],
    "columns": {"vendor": "integer", "begin": "datetime", "count": "integer", "fare": "number", "fee": "number"},
    "optional": ["fee"],
    "aliases": {"VendorID": "vendor", "tpep_begin": "begin", "Fee": "fee"},
}
CSV = "vendor,begin,count,fare\n1,2019-01-01 10:00:00,1,9.5\n2,2019-01-02 10:00:00,,7\n"


@pytest.fixture
def workspace(tmp_path):
    made = Workspace(tmp_path)
    made.inbox.mkdir()
    return made


def _ingest(workspace, uri, **schema):
    return ingest(
        BatchFiles(workspace),
        ParquetDatasets(workspace.data),
        uri=uri,
        dataset="taxi",
        schema=TableSchema.from_json(RECORD | schema),
    )


def _rows(workspace):
    return ParquetDatasets(workspace.data).read("taxi/raw")


def _tree(root: Path):
    files = (path for path in sorted(root.rglob("*")) if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_batch_has_the_digest_of_its_file_as_id_and_row_ids_from_its_key(workspace):
    (workspace.inbox / "a.csv").write_text(CSV)
    (batch,) = _ingest(workspace, "a.csv")
    assert batch.batch == hashlib.sha256(CSV.encode()).hexdigest()[:16]
    assert (batch.dataset, batch.rows, batch.meta["uri"]) == ("taxi/raw", 2, "a.csv")
    rows = _rows(workspace)
    assert list(rows) == ["row_id", "vendor", "begin", "count", "fare", "fee"]
    np.testing.assert_array_equal(rows["row_id"], row_ids(rows, ["vendor", "begin"]))
    np.testing.assert_array_equal(rows["count"], [1.0, np.nan])
    assert np.isnan(rows["fee"]).all()


def test_both_spellings_and_both_formats_give_the_same_rows(workspace):
    (workspace.inbox / "a.csv").write_text(CSV)
    begin = pa.array(["2019-01-01T10:00:00", "2019-01-02T10:00:00"]).cast(pa.timestamp("us"))
    table = {"VendorID": [1, 2], "tpep_begin": begin, "count": [1.0, None], "fare": [9.5, 7.0], "Fee": pa.nulls(2)}
    pq.write_table(pa.table(table), workspace.inbox / "b.parquet")
    one, other = _ingest(workspace, ".")
    datasets = ParquetDatasets(workspace.data)
    first, second = (datasets.read("taxi/raw", batches=[b.batch]) for b in (one, other))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_a_batch_that_was_taken_in_is_left_as_it_is_under_whatever_name(workspace):
    (workspace.inbox / "a.csv").write_text(CSV)
    first = _ingest(workspace, ".")
    before = _tree(workspace.data)
    (workspace.inbox / "again.csv").write_text(CSV)
    assert _ingest(workspace, ".") == first * 2
    assert _tree(workspace.data) == before


def test_an_empty_folder_brings_nothing(workspace):
    assert _ingest(workspace, ".") == []


def test_a_batch_is_stored_in_parts(workspace, monkeypatch):
    monkeypatch.setattr(batch_files, "BLOCK_BYTES", 100)
    monkeypatch.setattr(batch_files, "CHUNK_ROWS", 1)
    lines = [f"{n},2019-01-0{1 + n % 3} 10:00:{n:02},{n if n < 40 else ''},1\n" for n in range(50)]
    (workspace.inbox / "a.csv").write_text("vendor,begin,count,fare\n" + "".join(lines))
    (batch,) = _ingest(workspace, "a.csv")
    assert batch.rows == 50
    assert sorted(_rows(workspace)["vendor"].tolist()) == list(range(50))


@pytest.mark.parametrize(
    ("header", "row", "sentence"),
    [
        ("vendor,begin,count,fare,tip", "1,2019-01-01,1,9,2", "column 'tip' was added"),
        ("vendor,begin,count", "1,2019-01-01,1", "column 'fare' was removed"),
        ("vendor,begin,count,fare", "1,2019-01-01,1,card", "column 'fare' is text where number is declared"),
        ("vendor,begin,count,fare", "1,2019-01-01,1.5,9", "column 'count' is number where integer is declared"),
    ],
)
def test_a_changed_schema_is_refused_by_name_and_accepted_once_declared(workspace, header, row, sentence):
    (workspace.inbox / "a.csv").write_text(f"{header}\n{row}\n")
    with pytest.raises(InputError, match=sentence):
        _ingest(workspace, "a.csv")
    change = "retyped" if " is " in sentence else sentence.rsplit(" ", 1)[1]
    declared = [{"change": change, "column": sentence.split("'")[1]}]
    assert _ingest(workspace, "a.csv", declared=declared)[0].rows == 1
    rows = _rows(workspace)
    if change == "removed":
        assert np.isnan(rows["fare"][0])
    else:
        assert (
            str(rows[declared[0]["column"]][0]) == {"tip": "2", "fare": "card", "count": "1.5"}[declared[0]["column"]]
        )


def test_killed_at_any_rename_and_run_again_it_gives_the_same_tree(workspace, monkeypatch):
    (workspace.inbox / "a.csv").write_text(CSV)
    whole = Workspace(workspace.root / "whole")
    (whole.root / "inbox").mkdir(parents=True)
    (whole.inbox / "a.csv").write_text(CSV)
    _ingest(whole, "a.csv")
    rename = os.replace
    for at in range(3):  # two days and the manifest
        left = iter(range(at))

        def dies(source, target, left=left):
            if next(left, None) is None:
                raise KeyboardInterrupt
            rename(source, target)

        monkeypatch.setattr(os, "replace", dies)
        with pytest.raises(KeyboardInterrupt):
            _ingest(workspace, "a.csv")
        assert _rows(workspace) == {}
    monkeypatch.setattr(os, "replace", rename)
    _ingest(workspace, "a.csv")
    assert _tree(workspace.data) == _tree(whole.data)
