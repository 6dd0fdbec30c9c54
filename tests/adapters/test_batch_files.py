"""BatchFiles: CSV and Parquet say the same, in folders and behind URLs, and a broken file says what is broken."""

import hashlib
import tracemalloc

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.adapters import batch_files
from upkeep.adapters.batch_files import BatchFiles
from upkeep.adapters.workspace import Workspace
from upkeep.core.columns import concatenate
from upkeep.errors import BackendError, InputError

KINDS = {
    "count": "integer",
    "gaps": "integer",
    "fare": "number",
    "when": "datetime",
    "flag": "text",
    "paid": "boolean",
    "nothing": "null",
}
TABLE = pa.table(
    {
        "count": [1, 2, 3],
        "gaps": pa.array([1.0, None, 3.0]),
        "fare": [0.5, float("nan"), 2.0],
        "when": pa.array([0, None, 2_000_000], type=pa.timestamp("us")),
        "flag": pa.array(["N", None, "Ünï, \n code"]).dictionary_encode(),
        "paid": [True, False, True],
        "nothing": pa.nulls(3),
    }
)
CSV = (
    "count,gaps,fare,when,flag,paid,nothing\n"
    "1,1,0.5,1970-01-01 00:00:00,N,true,\n"
    "2,,NaN,,,false,\n"
    '3,3,2,1970-01-01T00:00:02,"Ünï, \n code",true,\n'
)


@pytest.fixture
def workspace(tmp_path):
    made = Workspace(tmp_path)
    made.inbox.mkdir()
    return made


def _put(workspace, name, content):
    path = workspace.inbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, pa.Table):
        pq.write_table(content, path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _read(file, kinds):
    return concatenate(file.chunks(kinds))


@pytest.mark.parametrize(("name", "content"), [("a.csv", CSV), ("a.parquet", TABLE)])
def test_both_formats_give_the_same_kinds_and_values(workspace, name, content):
    path = _put(workspace, name, content)
    file = BatchFiles(workspace).open(name)
    assert file.kinds == KINDS
    assert file.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    rows = _read(file, KINDS | {"nothing": "number"})
    assert rows["count"].dtype == np.int64
    np.testing.assert_array_equal(rows["gaps"], [1.0, np.nan, 3.0])
    np.testing.assert_array_equal(rows["fare"], [0.5, np.nan, 2.0])
    np.testing.assert_array_equal(
        rows["when"], np.array(["1970-01-01T00:00:00", "NaT", "1970-01-01T00:00:02"], "M8[us]")
    )
    assert rows["flag"].tolist() == ["N", None, "Ünï, \n code"]
    assert rows["paid"].tolist() == [True, False, True]
    assert np.isnan(rows["nothing"]).all()


@pytest.mark.parametrize("kind", ["integer", "number", "datetime", "boolean", "text"])
def test_a_column_without_any_value_can_be_read_as_every_kind(workspace, kind):
    for name, content in (("a.csv", CSV), ("a.parquet", TABLE)):
        _put(workspace, name, content)
        values = _read(BatchFiles(workspace).open(name), {"nothing": kind})["nothing"]
        assert len(values) == 3
        assert values.dtype == {"datetime": np.dtype("M8[us]"), "text": np.dtype("O")}.get(kind, np.dtype("f8"))


def test_times_with_a_zone_are_moved_to_utc_and_fine_ones_are_cut(workspace):
    _put(workspace, "a.csv", "t\n2019-01-05T06:36:51+02:00\n2019-01-05T06:36:51.5Z\n")
    zoned = pa.array([1_000_000_001], type=pa.timestamp("ns", "America/New_York"))
    _put(workspace, "b.parquet", pa.table({"t": zoned, "day": pa.array([1], type=pa.date32())}))
    files = BatchFiles(workspace)
    assert _read(files.open("a.csv"), {"t": "datetime"})["t"].astype(str).tolist() == [
        "2019-01-05T04:36:51.000000",
        "2019-01-05T06:36:51.500000",
    ]
    rows = _read(files.open("b.parquet"), {"t": "datetime", "day": "datetime"})
    assert rows["t"][0] == np.datetime64("1970-01-01T00:00:01", "us")
    assert rows["day"][0] == np.datetime64("1970-01-02", "us")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["007", " 8 "], "integer"),
        (["1.0", "2"], "integer"),
        (["1.0", "2.5"], "number"),
        (["1e3", "-inf"], "number"),
        (["1", "x"], "text"),
        (["true", "False"], "boolean"),
        (["2019-01-05", "2019-01-05 06:36"], "datetime"),
        (["2019-01-05", "5"], "text"),
        (["NA", "null"], "null"),
    ],
)
def test_a_kind_is_what_every_word_of_a_column_can_be_read_as(workspace, monkeypatch, words, kind):
    monkeypatch.setattr(batch_files, "CHUNK_ROWS", 1)
    monkeypatch.setattr(batch_files, "BLOCK_BYTES", 20)  # a word or two per block: kinds must join across blocks
    _put(workspace, "a.csv", "i,x\n" + "".join(f"{i},{word}\n" for i, word in enumerate(words)))
    assert BatchFiles(workspace).open("a.csv").kinds["x"] == kind


def test_one_dtype_for_the_whole_file_although_only_the_last_part_has_a_gap(workspace, monkeypatch):
    monkeypatch.setattr(batch_files, "CHUNK_ROWS", 1)
    monkeypatch.setattr(batch_files, "BLOCK_BYTES", 16)
    _put(workspace, "a.csv", "a,b\n" + "1,true\n" * 20 + ",\n")
    chunks = list(BatchFiles(workspace).open("a.csv").chunks({"a": "integer", "b": "boolean"}))
    assert len(chunks) > 1
    assert {chunk[name].dtype for chunk in chunks for name in chunk} == {np.dtype("f8")}


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=50))
def test_large_whole_numbers_come_through_exactly(tmp_path_factory, numbers):
    workspace = Workspace(tmp_path_factory.mktemp("w"))
    _put(workspace, "a.csv", "n\n" + "".join(f"{n}\n" for n in numbers))
    _put(workspace, "a.parquet", pa.table({"n": numbers}))
    for name in ("a.csv", "a.parquet"):
        assert _read(BatchFiles(workspace).open(name), {"n": "integer"})["n"].tolist() == numbers


def test_a_large_file_is_read_in_parts(workspace, monkeypatch):
    monkeypatch.setattr(batch_files, "BLOCK_BYTES", 1 << 16)
    monkeypatch.setattr(batch_files, "CHUNK_ROWS", 5_000)
    _put(workspace, "a.csv", "a,b\n" + "1.5,some words to fill the line\n" * 700_000)
    file = BatchFiles(workspace).open("a.csv")
    tracemalloc.start()
    rows = [len(chunk["a"]) for chunk in file.chunks({"a": "number"})]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(rows) == 700_000
    assert 5_000 <= max(rows) < 10_000
    assert peak < 5 << 20  # of a file of 22 MB


def test_a_folder_is_its_csv_and_parquet_files_sorted_without_hidden_ones(workspace):
    names = (
        "trips/b.csv",
        "trips/a.parquet",
        "trips/year=2019/c.csv",
        "trips/.d.csv",
        "trips/_tmp/e.csv",
        "trips/f.txt",
    )
    for name in names:
        _put(workspace, name, TABLE if name.endswith("parquet") else CSV)
    files = BatchFiles(workspace)
    listed = files.list("trips")
    root = workspace.inbox.resolve()
    assert listed == [str(root / name) for name in ("trips/a.parquet", "trips/b.csv", "trips/year=2019/c.csv")]
    assert all(files.open(name).kinds == KINDS for name in listed)
    (workspace.inbox / "empty").mkdir()
    assert files.list("empty") == []


def test_a_file_stands_for_itself_by_path_and_by_file_url(workspace):
    path = _put(workspace, "a.csv", CSV)
    files = BatchFiles(workspace)
    assert files.list("a.csv") == ["a.csv"]
    url = path.resolve().as_uri()
    assert files.list(url) == [url]
    assert files.open(url).digest == files.open("a.csv").digest


def test_an_object_store_is_read_through_its_url(workspace):
    store = fsspec.filesystem("memory")
    store.pipe("/bucket/trips/a.csv", CSV.encode())
    store.pipe("/bucket/trips/_SUCCESS", b"")
    with store.open("/bucket/trips/b.parquet", "wb") as file:
        pq.write_table(TABLE, file)
    files = BatchFiles(workspace)
    listed = files.list("memory://bucket/trips")
    assert [name.rpartition("/")[2] for name in listed] == ["a.csv", "b.parquet"]
    for name in listed:
        assert files.open(name).kinds == KINDS
        assert _read(files.open(name), {"count": "integer"})["count"].tolist() == [1, 2, 3]
    store.rm("/bucket", recursive=True)


def test_a_file_that_changes_while_it_is_read_is_no_batch(workspace):
    path = _put(workspace, "a.csv", CSV)
    file = BatchFiles(workspace).open("a.csv")
    path.write_text(CSV + "4,4,4,,N,true,\n")
    with pytest.raises(BackendError, match="must not change while it is read"):
        list(file.chunks({"count": "integer"}))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", r"must have a header and rows; a\.csv is empty"),
        ("a.csv", b"\n", r"must be readable to its end; a\.csv is not: .*Empty CSV"),
        ("a.csv", b"a;b\n1;2\n", r"must be separated by commas; a\.csv has the one column 'a;b'"),
        ("a.csv", b"a\tb\n1\t2\n", r"has the one column 'a\\tb'"),
        ("a.csv", b"a,a\n1,2\n", r"must be there once; a\.csv has \['a'\]"),
        ("a.csv", b"a,b\n1,2\n3\n", "Row #3: Expected 2 columns, got 1"),
        ("a.csv", b"a,b\n1,2\nx,caf\xe9\n", "must be UTF-8; a.csv has byte 0xe9 at offset 13, line 3"),
        ("a.csv", b"a,b\n1,caf\xc3", "has byte 0xc3 at offset 9, line 2"),
        ("a.csv", "a,b\n1,2\n".encode("utf-16"), "has byte 0xff at offset 0, line 1"),
        ("a.parquet", b"", r"a\.parquet is empty"),
        ("a.parquet", b"PAR1 and no more", r"must be readable to its end; a\.parquet is not"),
        ("a.txt", b"a\n1\n", r"must be a \.csv or \.parquet file, got 'a\.txt'"),
    ],
)
def test_a_broken_file_says_what_is_broken(workspace, name, content, message):
    _put(workspace, name, content)
    with pytest.raises(InputError, match=message):
        assert BatchFiles(workspace).open(name).kinds


def test_a_byte_that_is_not_utf8_is_found_far_into_a_file(workspace):
    start = "a,b\n" + "1,é\n" * 500_000  # characters lie across the 1 MB blocks
    _put(workspace, "a.csv", start.encode() + b"\xe9\n")
    with pytest.raises(InputError, match=rf"byte 0xe9 at offset {len(start.encode())}, line 500002"):
        BatchFiles(workspace).open("a.csv")


@pytest.mark.parametrize("damage", ["truncated", "page"])
def test_damaged_parquet_is_bad_input_and_not_an_outage(workspace, damage):
    path = _put(workspace, "a.parquet", pa.table({"x": np.random.default_rng(0).random(10_000)}))
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        content = content[: len(content) // 2]
    else:
        content[4:200] = b"\xff" * 196
    path.write_bytes(content)
    with pytest.raises(InputError, match="must be readable to its end"):
        assert BatchFiles(workspace).open("a.parquet").kinds


@pytest.mark.parametrize(("value", "kind"), [("twelve", "number"), ("1.5", "integer"), ("2019-13-01", "datetime")])
def test_a_wrong_value_is_named_with_its_column_and_row(workspace, value, kind):
    good = {"number": "1.5", "integer": "1", "datetime": "2019-01-01"}[kind]
    _put(workspace, "a.csv", "i,x\n" + f"0,{good}\n" * 1000 + f"0,{value}\n" + f"0,{good}\n" * 1000)
    file = BatchFiles(workspace).open("a.csv")
    with pytest.raises(InputError, match=rf"column 'x' must be {kind} in every row; a\.csv has '{value}' in row 1000"):
        list(file.chunks({"x": kind}))


def test_nested_columns_are_refused(workspace):
    _put(workspace, "a.parquet", pa.table({"x": [[1, 2], [3]]}))
    with pytest.raises(InputError, match="must hold numbers, times, booleans or text, got list"):
        assert BatchFiles(workspace).open("a.parquet").kinds


@pytest.mark.parametrize("call", ["list", "open"])
def test_what_is_not_there_is_said_to_be_missing(workspace, call):
    with pytest.raises(InputError, match=r"a source must exist; there is no 'gone\.csv'"):
        getattr(BatchFiles(workspace), call)("gone.csv")


def test_a_link_in_the_inbox_cannot_lead_out_of_it(workspace, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.csv"
    outside.write_text(CSV)
    (workspace.inbox / "link.csv").symlink_to(outside)
    files = BatchFiles(workspace)
    listed = files.list(".")
    assert len(listed) == 1
    with pytest.raises(InputError, match="a source must lie under"):
        files.open(listed[0])
