"""ParquetDatasets: a batch is there whole or not at all, once, and reads back in one order."""

import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upkeep.adapters import parquet_datasets
from upkeep.adapters.parquet_datasets import ParquetDatasets, from_arrow, to_arrow
from upkeep.core.columns import concatenate, row_count
from upkeep.errors import BackendError, InputError


def _table(days, first=0):
    when = np.array([f"2019-01-{day:02}T10:00:00" for day in days], dtype="datetime64[us]")
    return {
        "row_id": np.arange(first, first + len(days)),
        "t": when,
        "fare": np.array([np.nan if day == 1 else day / 2 for day in days]),
        "flag": np.array([None if day == 1 else f"d{day}" for day in days], dtype=object),
    }


def _tree(root: Path):
    files = (path for path in sorted(root.rglob("*")) if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_reads_back_what_was_written_by_batch_then_date_then_as_written(tmp_path):
    datasets = ParquetDatasets(tmp_path)
    written = datasets.write("taxi/raw", "b1", [_table([3, 1, 3]), _table([2], first=3)], time="t", meta={"uri": "u"})
    assert (written.rows, written.since, written.until) == (
        4,
        "2019-01-01T10:00:00.000000",
        "2019-01-03T10:00:00.000000",
    )
    assert written.meta == {"uri": "u", "time": "t"}
    rows = datasets.read("taxi/raw")
    assert rows["row_id"].tolist() == [1, 3, 0, 2]
    assert rows["flag"].tolist() == [None, "d2", "d3", "d3"]
    np.testing.assert_array_equal(rows["fare"], [np.nan, 1.0, 1.5, 1.5])
    assert datasets.find("taxi/raw", "b1") == written
    assert datasets.find("taxi/raw", "b2") is None


def test_a_batch_that_is_there_is_left_as_it_is(tmp_path):
    datasets = ParquetDatasets(tmp_path)
    first = datasets.write("raw", "b", [_table([1])], time="t")
    before = _tree(tmp_path)
    assert datasets.write("raw", "b", [_table([2, 3])], time="t") == first
    assert _tree(tmp_path) == before


def test_batches_are_listed_oldest_first_and_chosen_by_time(tmp_path):
    datasets = ParquetDatasets(tmp_path)
    datasets.write("raw", "a", [_table([5, 6])], time="t")
    datasets.write("raw", "z", [_table([1, 2])], time="t")
    assert [b.batch for b in datasets.batches("raw")] == ["z", "a"]
    assert datasets.read("raw", since="2019-01-02", until="2019-01-06", columns=["fare"])["fare"].tolist() == [1.0, 2.5]
    assert row_count(datasets.read("raw", batches=["a"])) == 2
    assert datasets.read("raw", since="2020-01-01") == {}
    assert datasets.read("nothing/here") == {}


def _same(one, other):
    assert list(one) == list(other)
    for name, values in one.items():
        assert values.dtype == other[name].dtype
        np.testing.assert_array_equal(values, other[name])


_DAYS = [None, "2018-12-31", "2019-01-01", "2019-01-02T10:00:00", "2019-01-02T10:00:01", "2019-01-04", "2019-02-01"]


@settings(deadline=None, max_examples=15)  # each makes a store on disk, synced
@given(
    batches=st.lists(st.lists(st.integers(1, 5), max_size=6), max_size=2),
    since=st.sampled_from(_DAYS),
    until=st.sampled_from(_DAYS),
    columns=st.sampled_from([None, ["fare"], ["flag", "row_id"]]),
    rows=st.sampled_from([1, 3, 100]),
)
def test_scanned_parts_under_each_other_are_what_is_read(batches, since, until, columns, rows):
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        datasets = ParquetDatasets(Path(root))
        for number, days in enumerate(batches):
            datasets.write("raw", f"b{number}", [_table(days)], time="t")
        window = {"since": since, "until": until, "columns": columns}
        at_once = datasets.read("raw", **window)
        patch.setattr(parquet_datasets, "SCAN_ROWS", rows)
        parts = list(datasets.scan("raw", **window))
        assert all(row_count(part) <= rows for part in parts)
        _same(concatenate(parts), at_once)
        everything = datasets.read("raw")
        if everything:
            when = everything["t"]
            keep = (when >= np.datetime64(since or "0001-01-01")) & (when < np.datetime64(until or "9999-01-01"))
            assert row_count(at_once) == keep.sum()


def test_a_window_opens_the_files_of_its_own_days_alone(tmp_path):
    datasets = ParquetDatasets(tmp_path)
    batch = datasets.write("raw", "b", [_table([1, 2, 3, 4])], time="t")
    for day in (0, 3):
        (tmp_path / "raw" / batch.files[day]).write_bytes(b"not to be opened")
    found = datasets.read("raw", since="2019-01-02", until="2019-01-04")
    assert found["row_id"].tolist() == [1, 2]
    assert datasets.read("raw", since="2019-01-02T11:00:00", until="2019-01-03T10:00:00")["row_id"].tolist() == []


def _spoil_rows(path):
    """All but the footer, which holds the schema."""
    content = path.read_bytes()
    footer = int.from_bytes(content[-8:-4], "little") + 8
    path.write_bytes(b"PAR1" + bytes(len(content) - footer - 4) + content[-footer:])


@pytest.mark.parametrize("columns", [None, ["flag", "fare"], ["whole", "t", "narrow"]])
def test_a_window_between_the_days_of_a_batch_reads_no_rows_and_has_its_columns(tmp_path, columns):
    datasets = ParquetDatasets(tmp_path)
    table = _table([1, 1, 5]) | {
        "whole": np.array([True, False, True]),
        "narrow": np.arange(3, dtype=np.int8),
        "single": np.arange(3, dtype=np.float32),
    }
    batch = datasets.write("raw", "b", [table], time="t")
    rows = datasets.read("raw", columns=columns)
    for file in batch.files:
        _spoil_rows(tmp_path / "raw" / file)
    with pytest.raises(BackendError):
        datasets.read("raw", columns=columns)
    (part,) = datasets.scan("raw", since="2019-01-03", until="2019-01-04", columns=columns)
    _same(part, {name: values[:0] for name, values in rows.items()})
    assert list(part) == (columns or list(table))


def test_an_unknown_batch_is_named(tmp_path):
    with pytest.raises(InputError, match=r"dataset raw must hold the batches asked for, but has no \['gone'\]"):
        ParquetDatasets(tmp_path).read("raw", batches=["gone"])
    with pytest.raises(InputError, match=r"has no \['gone'\]"):
        ParquetDatasets(tmp_path).scan("raw", batches=["gone"])
    with pytest.raises(InputError, match="dataset raw must hold batch 'gone'"):
        ParquetDatasets(tmp_path).export("raw", "gone", str(tmp_path / "x.parquet"))


def test_exports_the_same_bytes_every_time(tmp_path):
    datasets = ParquetDatasets(tmp_path)
    datasets.write("raw", "b", [_table([2, 1])], time="t")
    for name in ("x", "y"):
        datasets.export("raw", "b", str(tmp_path / name))
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()
    assert from_arrow(pq.read_table(tmp_path / "x"))["row_id"].tolist() == [1, 0]


def test_a_batch_without_rows_has_no_span_and_no_files(tmp_path):
    written = ParquetDatasets(tmp_path).write("raw", "b", [], time="t")
    assert (written.rows, written.since, written.files) == (0, "", ())
    assert ParquetDatasets(tmp_path).read("raw", batches=["b"]) == {}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"x": np.zeros(2)}, "must have the time column 't'"),
        ({"t": np.array(["2019-01-01", "NaT"], dtype="M8[us]")}, "first missing at row 1"),
        ({"t": np.zeros(2, dtype="M8[us]"), "x": np.zeros(3)}, "all columns must have one length"),
    ],
)
def test_a_table_that_cannot_be_partitioned_is_no_batch(tmp_path, table, message):
    datasets = ParquetDatasets(tmp_path)
    with pytest.raises(InputError, match=message):
        datasets.write("raw", "b", [table], time="t")
    assert datasets.find("raw", "b") is None
    assert datasets.write("raw", "b", [_table([1])], time="t").rows == 1


def test_a_damaged_file_is_the_stores_failure(tmp_path):
    datasets = ParquetDatasets(tmp_path)
    batch = datasets.write("raw", "b", [_table([1])], time="t")
    (tmp_path / "raw" / batch.files[0]).write_bytes(b"PAR1")
    with pytest.raises(BackendError, match="batch b of raw must be readable"):
        datasets.read("raw")


def test_killed_at_any_rename_and_run_again_it_gives_the_same_tree(tmp_path, monkeypatch):
    def write(root):
        return ParquetDatasets(root).write("raw", "b", [_table([1, 2, 3])], time="t")

    whole = write(tmp_path / "whole")
    rename = os.replace
    for at in range(5):
        left = iter(range(at))

        def dies(source, target, left=left):
            if next(left, None) is None:
                raise KeyboardInterrupt
            rename(source, target)

        root = tmp_path / f"killed{at}"
        monkeypatch.setattr(os, "replace", dies)
        if at < 4:
            with pytest.raises(KeyboardInterrupt):
                write(root)
            assert ParquetDatasets(root).batches("raw") == []
        monkeypatch.setattr(os, "replace", rename)
        assert write(root) == whole
        assert _tree(root) == _tree(tmp_path / "whole")


@given(
    st.lists(
        st.tuples(
            st.integers(-(2**63), 2**63 - 1),
            st.floats(allow_infinity=False),
            st.none() | st.text(),
            st.integers(0, 10**15),
        ),
        min_size=1,
    )
)
def test_every_value_survives_the_way_through_arrow(rows):
    whole, number, word, when = zip(*rows, strict=True)
    table = {
        "i": np.array(whole, dtype=np.int64),
        "n": np.array(number, dtype=np.float64),
        "w": np.array([*word, None], dtype=object)[:-1],
        "t": np.array(when, dtype="datetime64[us]"),
    }
    back = from_arrow(to_arrow(table))
    assert back["w"].tolist() == table["w"].tolist()
    for name in ("i", "n", "t"):
        np.testing.assert_array_equal(back[name], table[name])
        assert back[name].dtype == table[name].dtype
