"""Large files: counted part by part with the bits of a table in memory, from samples that parts and threads do not move."""

import json
import threading
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upkeep.adapters import profile_parquet
from upkeep.adapters.parquet_datasets import ParquetDatasets, from_arrow
from upkeep.adapters.profile_columns import countable
from upkeep.adapters.profile_source import large_table
from upkeep.adapters.workspace import Workspace
from upkeep.core.columns import Coded
from upkeep.core.profile.cells import CategoryCells, HourCells, NumericCells
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError

NAMES = ["fare", "count", "city", "code", "paid", "at"]


@pytest.fixture
def workspace(tmp_path):
    made = Workspace(tmp_path)
    made.inbox.mkdir()
    return made


def _table(rows, seed=0):
    """A column of each sort, all with gaps but one."""
    rng = np.random.default_rng(seed)

    def gappy(values, kind=None):
        return pa.array(values, type=kind, mask=rng.random(rows) < 0.1)

    when = np.datetime64("2026-01-05T00:00:00", "us") + rng.integers(0, 10**12, rows).astype("m8[us]")
    return pa.table(
        {
            "fare": gappy(np.where(rng.random(rows) < 0.02, np.inf, rng.lognormal(size=rows).round(2))),
            "count": gappy(rng.poisson(2, rows)),
            "city": gappy(rng.choice(np.array(["Bronx", "Queens", "a,b", 'say "x"']), rows)),
            "code": pa.array([f"c{i}" for i in rng.integers(0, 500, rows)]),
            "paid": gappy(rng.random(rows) < 0.3),
            "at": gappy(when),
        }
    )


def _text(profile):
    return json.dumps(profile.to_json())


def _in_memory(grid, table):
    return Profile.build(grid, from_arrow(table))


def _write(workspace, name, table, **options):
    path = workspace.inbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".csv"):
        pv.write_csv(table, path)
    else:
        pq.write_table(table, path, **options)


@settings(deadline=None, max_examples=25)
@given(
    rows=st.integers(1, 400),
    cuts=st.lists(st.integers(0, 400), max_size=3),
    group=st.sampled_from([1, 7, 100, 1000]),
    part=st.sampled_from([1, 10, 64, 1 << 17]),
    workers=st.integers(1, 3),
    suffix=st.sampled_from([".parquet", ".csv"]),
)
def test_files_row_groups_parts_and_workers_do_not_show(tmp_path_factory, rows, cuts, group, part, workers, suffix):
    workspace, table = Workspace(tmp_path_factory.mktemp("t")), _table(rows)
    workspace.inbox.mkdir()
    bounds = [0, *sorted(min(cut, rows) for cut in cuts), rows]
    for number, (since, until) in enumerate(pairwise(bounds)):
        options = {} if suffix == ".csv" else {"row_group_size": group, "use_dictionary": number % 2 == 0}
        _write(workspace, f"t/{number}{suffix}", table.slice(since, until - since), **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(profile_parquet, "PART_ROWS", part)
        found = large_table(workspace, "t")
        grid = ReferenceGrid.fit(from_arrow(table), bins=16, top=5)
        assert _text(found.profile(grid, workers=workers)) == _text(_in_memory(grid, table))
        if suffix == ".parquet":
            sampled = found.sample(rows)
            assert ReferenceGrid.fit(sampled, bins=16, top=5).digest == grid.digest


def test_parquet_and_csv_give_one_grid_and_one_profile(workspace):
    table = _table(5_000)
    for name in ("t.parquet", "t.csv"):
        _write(workspace, name, table)
    stored, spelled = (large_table(workspace, name) for name in ("t.parquet", "t.csv"))
    grids = [ReferenceGrid.fit(found.sample(1_000)) for found in (stored, spelled)]
    assert grids[0].to_json() == grids[1].to_json()
    assert _text(stored.profile(grids[0])) == _text(spelled.profile(grids[0]))
    assert (stored.rows, spelled.rows) == (5_000, None)


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_the_sample_depends_on_the_rows_places_alone(workspace, monkeypatch, name):
    table = pa.table({"row": np.arange(20_000), "word": [f"w{i}" for i in range(20_000)]})
    _write(workspace, name, table)
    drawn = []
    for part in (1 << 17, 999):
        monkeypatch.setattr(profile_parquet, "PART_ROWS", part)
        monkeypatch.setattr("upkeep.adapters.batch_files.BLOCK_BYTES", part)
        drawn.append(large_table(workspace, name).sample(2_000))
    for column in ("row", "word"):
        assert drawn[0][column].tolist() == drawn[1][column].tolist()
    rows = drawn[0]["row"]
    assert len(set(rows.tolist())) == 2_000
    assert abs(rows.mean() - 10_000) < 4 * 20_000 / np.sqrt(12 * 2_000)  # uniform: no part of the file is preferred
    assert drawn[0]["word"].tolist() == [f"w{int(row)}" for row in rows]


def test_only_a_few_parts_are_read_before_they_are_counted(workspace, monkeypatch):
    monkeypatch.setattr(profile_parquet, "PART_ROWS", 10)
    _write(workspace, "t.parquet", _table(1_000))
    found, ahead, most, lock = large_table(workspace, "t.parquet"), 0, 0, threading.Lock()
    parts, table = found.parts, found.table

    def read(names):
        nonlocal ahead, most
        for part in parts(names):
            with lock:
                ahead += 1
                most = max(most, ahead)
            yield part

    def counted(part, grid):
        nonlocal ahead
        made = table(part, grid)
        with lock:
            ahead -= 1
        return made

    monkeypatch.setattr(found, "parts", read)
    monkeypatch.setattr(found, "table", counted)
    told = []
    grid = ReferenceGrid.fit(from_arrow(_table(1_000)), bins=4)
    assert found.profile(grid, workers=2, advance=told.append).rows == sum(told) == 1_000
    assert most <= 2 + 2


def test_only_the_grids_columns_are_read(workspace, monkeypatch):
    _write(workspace, "t.parquet", _table(50))
    read = []

    def iter_batches(self, **options):
        read.append(options["columns"])
        return original(self, **options)

    original = pq.ParquetFile.iter_batches
    monkeypatch.setattr(pq.ParquetFile, "iter_batches", iter_batches)
    found = large_table(workspace, "t.parquet")
    assert list(found.profile(ReferenceGrid.fit(found.sample(50, columns=["fare"]))).columns) == ["fare"]
    assert read == [["fare"], ["fare"]]


def test_folders_stand_for_columns(workspace):
    for city, day in (("Bronx", "2026-01-05"), ("a%20b", "2026-01-06"), ("__HIVE_DEFAULT_PARTITION__", "2026-01-07")):
        _write(workspace, f"t/city={city}/day={day}/x.parquet", pa.table({"fare": [1.0, 2.0]}))
    found = large_table(workspace, "t")
    sampled = found.sample(100)
    assert sorted(map(str, sampled["city"])) == ["Bronx", "Bronx", "None", "None", "a b", "a b"]
    grid = ReferenceGrid.fit(sampled)
    assert isinstance(grid.cells["day"], HourCells)
    profile = found.profile(grid)
    assert (profile.columns["city"].nulls, profile.columns["city"].counts.tolist()) == (2, [2, 2, 0])
    assert _text(found.profile(grid.only(["city"]))) == _text(profile.only(["city"]))


def test_a_stored_dataset_is_a_large_table(workspace):
    datasets = ParquetDatasets(workspace.data)
    rows = from_arrow(_table(100).drop_columns(["at"])) | {"at": np.datetime64("2026-01-05", "us") + np.arange(100)}
    datasets.write("trips/raw", "b", [rows], time="at")
    found = large_table(Workspace(workspace.root, trusted=(str(workspace.data),)), str(workspace.data / "trips/raw"))
    grid = ReferenceGrid.fit(rows, bins=8)
    assert _text(found.profile(grid)) == _text(Profile.build(grid, rows))


STORED = {
    "int8": pa.array([1, None, 3], pa.int8()),
    "uint64": pa.array([1, 2**63 + 5, 3], pa.uint64()),
    "wide with gaps": pa.array([2**53 + 1, None, 3], pa.int64()),
    "half": pa.array(np.array([1, np.nan, 3], np.float16)),
    "decimal": pa.array([Decimal("1.10"), None, Decimal("3.00")]),
    "boolean": pa.array([True, None, False]),
    "dictionary of numbers": pa.array([1, None, 3]).dictionary_encode(),
}


@pytest.mark.parametrize("values", STORED.values(), ids=STORED.keys())
def test_numbers_of_any_type_are_counted_as_numbers(values):
    cells = NumericCells(cuts=np.array([0.5, 2.0]))
    part = pa.record_batch({"x": values})
    profile = Profile.build(ReferenceGrid(cells={"x": cells}), countable(part, ReferenceGrid(cells={"x": cells})))
    plain = np.array([np.nan if v is None else float(v) for v in values.to_pylist()])
    assert _text(profile) == _text(Profile.build(profile.grid, {"x": plain}))


def test_decimals_are_the_floats_that_their_digits_are_read_as(workspace):
    cents = np.random.default_rng(5).integers(0, 10**6, 20_000)
    digits = [f"{c // 100}.{c % 100:02}" for c in cents]
    decimals = pa.array([Decimal(word) for word in digits], pa.decimal128(10, 2))
    (workspace.inbox / "t.csv").write_text("\n".join(["fare", *digits]) + "\n")
    pq.write_table(pa.table({"fare": decimals}), workspace.inbox / "t.parquet")
    text, money = (large_table(workspace, name) for name in ("t.csv", "t.parquet"))
    grid = ReferenceGrid.fit(text.sample(20_000))

    assert _text(money.profile(grid)) == _text(text.profile(grid))
    assert np.array_equal(from_arrow(pa.table({"fare": decimals}))["fare"].astype(float), [float(w) for w in digits])
    assert (np.asarray(decimals.cast(pa.float64())) != [float(w) for w in digits]).any()  # Arrow's own cast


def test_a_column_named_twice_is_read_once_and_a_folder_alone_needs_no_other(workspace):
    for city, words in (("Bronx", "1\n" * 5), ("Queens", "abc\n" * 3)):
        (workspace.inbox / f"rides/city={city}").mkdir(parents=True)
        (workspace.inbox / f"rides/city={city}/a.csv").write_text(f"x\n{words}")
    table = large_table(workspace, "rides")

    assert list(table.sample(100, columns=["x", "x"])) == ["x"]
    sample = table.sample(100, columns=["city"])
    assert sorted(sample["city"].tolist()) == ["Bronx"] * 5 + ["Queens"] * 3
    assert table.profile(ReferenceGrid.fit(sample)).rows == 8


@pytest.mark.parametrize("values", [pa.array([[1], [2]]), pa.array([b"1", b"2"]), pa.array([1, 2], pa.duration("s"))])
def test_a_grid_does_not_make_countable_what_is_not(workspace, values):
    pq.write_table(pa.table({"x": values}), workspace.inbox / "t.parquet")
    for cells in ({"x": np.arange(3.0)}, {"x": np.array(["a"], dtype=object)}):
        with pytest.raises(InputError, match="columns must hold numbers, times, booleans or text"):
            large_table(workspace, "t.parquet").profile(ReferenceGrid.fit(cells))


def test_times_are_counted_in_utc_whatever_zone_and_unit_they_are_in():
    hours = [0, 5 * 3600, None]
    grid = ReferenceGrid(cells={"t": HourCells()})
    for kind in (
        pa.timestamp("s"),
        pa.timestamp("ms", "UTC"),
        pa.timestamp("us", "America/New_York"),
        pa.timestamp("ns"),
    ):
        per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
        values = pa.array([None if s is None else s * per_second for s in hours], kind)
        counted = Profile.build(grid, countable(pa.record_batch({"t": values}), grid)).columns["t"]
        assert (np.flatnonzero(counted.counts).tolist(), counted.nulls, counted.high) == ([0, 5], 1, 18e9)
    days = Profile.build(grid, countable(pa.record_batch({"t": pa.array([0, 1], pa.date32())}), grid))
    assert days.columns["t"].counts[0] == 2


@pytest.mark.parametrize(
    "values",
    [
        pa.array(["a", "other", None, "b", "", "a"]),
        pa.array(["a", "other", None, "b", "", "a"], pa.large_string()),
        pa.array(["a", "other", None, "b", "", "a"], pa.string_view()),
        pa.array(["a", "other", None, "b", "", "a"]).dictionary_encode(),
        pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 3, 4, 0]), pa.array(["a", "other", None, "b", ""])),
    ],
)
def test_words_get_codes_and_those_without_a_cell_are_never_spelled_out(values):
    grid = ReferenceGrid(cells={"c": CategoryCells(levels=("a", "b"))})
    table = countable(pa.record_batch({"c": values}), grid)
    assert isinstance(table["c"], Coded)
    assert table["c"].codes.tolist() == [0, 2, -1, 1, 2, 0]
    assert table["c"].levels[:2] == ("a", "b")
    assert Profile.build(grid, table).columns["c"].counts.tolist() == [2, 1, 2]


def test_a_whole_number_is_spelled_alike_with_gaps_around_it_and_without():
    grid = ReferenceGrid(cells={"c": CategoryCells(levels=("5", "True"))})
    for values in ([5, 5], [5, None, 5], [5.0, 5.0], [Decimal("5.00"), Decimal("5.00")]):
        counted = Profile.build(grid, countable(pa.record_batch({"c": pa.array(values)}), grid))
        assert counted.columns["c"].counts[0] == 2
    flags = Profile.build(grid, countable(pa.record_batch({"c": pa.array([True, False, None])}), grid))
    assert flags.columns["c"].counts.tolist() == [0, 1, 1]


def test_columns_without_any_value_are_missing_in_cells_of_every_sort():
    grid = ReferenceGrid(
        cells={"n": NumericCells(cuts=np.array([0.0])), "c": CategoryCells(levels=("a",)), "t": HourCells()}
    )
    for values in (pa.nulls(3), pa.nulls(3, pa.string())):
        part = pa.record_batch(dict.fromkeys("nct", values))
        assert [c.nulls for c in Profile.build(grid, countable(part, grid)).columns.values()] == [3, 3, 3]


def test_booleans_in_words_are_booleans(workspace):
    (workspace.inbox / "t.csv").write_text("paid\ntrue\nFALSE\n\n True\n")
    (workspace.inbox / "later.csv").write_text("paid\nTrue\nperhaps\n")
    found = large_table(workspace, "t.csv")
    grid = ReferenceGrid.fit(found.sample(10))
    assert grid.cells["paid"].levels == ("True", "False")
    assert found.profile(grid).columns["paid"].counts.tolist() == [2, 1, 0]
    assert large_table(workspace, "later.csv").profile(grid).columns["paid"].counts.tolist() == [1, 0, 1]


@pytest.mark.parametrize("block", [1 << 20, 24])
def test_a_kind_is_what_all_words_can_be_read_as_wherever_blocks_end(workspace, monkeypatch, block):
    monkeypatch.setattr("upkeep.adapters.batch_files.BLOCK_BYTES", block)
    (workspace.inbox / "t.csv").write_text("a,b,c,d\ntrue,1,,2026-01-05\n0,2.5,,2026-01-06\n1,x,,2026-01-07 10:00\n")
    sampled = large_table(workspace, "t.csv").sample(10)
    assert {name: values.dtype.kind for name, values in sampled.items()} == {"a": "O", "b": "O", "c": "f", "d": "M"}
    assert sorted(sampled["a"]) == ["False", "True", "True"]


@pytest.mark.parametrize("block", [1 << 20, 60])
@pytest.mark.parametrize("apart", [False, True])
def test_times_with_a_zone_and_without_are_words_wherever_blocks_end(workspace, monkeypatch, block, apart):
    monkeypatch.setattr("upkeep.adapters.batch_files.BLOCK_BYTES", block)
    naive, zoned = ["2024-01-02T05:00:00"] * 5, ["2024-01-02T05:00:00Z"] * 5
    (workspace.inbox / "times").mkdir()
    for name, words in {"a": naive, "b": zoned}.items() if apart else {"a": naive + zoned}.items():
        (workspace.inbox / f"times/{name}.csv").write_text("\n".join(["at", *words]) + "\n")
    assert large_table(workspace, "times").sample(100)["at"].dtype == object


def test_times_that_all_have_a_zone_are_times(workspace):
    (workspace.inbox / "t.csv").write_text("at\n2024-01-02T05:00:00+02:00\n2024-01-02T05:00:00Z\n")
    hours = large_table(workspace, "t.csv").sample(10)["at"].astype("M8[h]").astype(int) % 24
    assert sorted(hours) == [3, 5]


def _bad(workspace, name, content):
    path = workspace.inbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        _write(workspace, name, content)


GOOD = pa.table({"fare": [1.0, 2.0]})
NESTED = pa.table({"fare": [1.0], "tags": [["a"]]})
DAMAGED = b"PAR1" + b"x" * 100 + b"PAR1"


@pytest.mark.parametrize(
    ("files", "columns", "message"),
    [
        ({}, None, "there is no 't'"),
        ({"t/a.parquet": DAMAGED}, None, "must be readable to its end; .*a.parquet is not"),
        ({"t/a.parquet": b""}, None, "must be readable to its end; .*a.parquet is not"),
        ({"t/a.csv": b""}, None, "must be readable to its end; .*a.csv is not"),
        ({"t/a.csv": b"x;y\n1;2\n"}, None, "must be separated by commas"),
        ({"t/a.csv": b"x\n1\n\xff\n"}, None, "must be readable to its end; .*a.csv is not"),
        ({"t/a.csv": b"x,y\n1,2\n3\n"}, None, "must be readable to its end; .*a.csv is not"),
        ({"t/a.csv": b"fare\n1\n", "t/b.parquet": GOOD}, None, "not both; 't' has .csv and .parquet"),
        ({"t/readme.txt": b"x"}, None, "'t' has neither"),
        ({"t/a.parquet": GOOD}, ["miles"], r"'miles' is not; it has \['fare'\]"),
        ({"t/a.csv": b"fare\n1\n"}, ["miles"], r"a.csv lacks \['miles'\]"),
        ({"t/a.parquet": GOOD, "t/b.parquet": pa.table({"x": [1]})}, None, r"a.parquet lacks \['x'\]"),
        ({"t/a.parquet": NESTED}, ["tags"], "'tags' is list<"),
        (
            {"t/a.parquet": GOOD, "t/b.parquet": pa.table({"fare": ["1"]})},
            None,
            "number in .*a.parquet and text in .*b.parquet",
        ),
    ],
)
def test_what_cannot_be_counted_is_named(workspace, files, columns, message):
    for name, content in files.items():
        _bad(workspace, name, content)
    with pytest.raises(InputError, match=message):
        large_table(workspace, "t").sample(10, columns=columns)


def test_columns_of_other_sorts_are_left_out_and_named(workspace):
    _write(workspace, "t.parquet", NESTED)
    found = large_table(workspace, "t.parquet")
    assert list(found.sample(10)) == ["fare"]
    assert list(found.left_out) == ["tags"]
    assert found.left_out["tags"].startswith("list<")


def test_a_column_that_is_nothing_in_one_file_is_what_it_is_in_the_other(workspace):
    _write(workspace, "t/a.parquet", pa.table({"fare": pa.nulls(2)}))
    _write(workspace, "t/b.parquet", GOOD)
    found = large_table(workspace, "t")
    assert found.profile(ReferenceGrid.fit(found.sample(10))).columns["fare"].nulls == 2


def test_a_word_that_is_no_number_is_named_with_its_row(workspace):
    (workspace.inbox / "t.csv").write_text("fare\n1\nabc\n")
    grid = ReferenceGrid.fit({"fare": np.arange(10.0)})
    with pytest.raises(InputError, match=r"column 'fare' must hold numbers .*t.csv has 'abc' in row 1 \(from 0\)"):
        large_table(workspace, "t.csv").profile(grid)
    _write(workspace, "t.parquet", pa.table({"fare": ["1", "abc"]}))
    with pytest.raises(InputError, match="column 'fare' must hold numbers as in the reference, got text"):
        large_table(workspace, "t.parquet").profile(grid)


def test_a_page_damaged_in_the_middle_is_found_while_it_is_read(workspace):
    _write(workspace, "t.parquet", _table(20_000), write_page_checksum=True)
    path = workspace.inbox / "t.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 3 : len(content) // 3 + 2000] = b"\0" * 2000
    path.write_bytes(bytes(content))
    found = large_table(workspace, "t.parquet")
    with pytest.raises(InputError, match="must be readable to its end"):
        found.profile(ReferenceGrid.fit(from_arrow(_table(100)), bins=4))


def test_a_file_outside_the_allowed_roots_is_refused(workspace):
    pq.write_table(GOOD, workspace.root / "secret.parquet")
    with pytest.raises(InputError, match="a source must lie under"):
        large_table(workspace, "../secret.parquet")


def test_files_behind_a_url_are_counted_too(workspace):
    import fsspec

    with fsspec.filesystem("memory").open("/profiled/t.parquet", "wb") as file:
        pq.write_table(GOOD, file)
    found = large_table(workspace, "memory://profiled")
    assert found.profile(ReferenceGrid.fit(found.sample(10))).rows == 2


def test_an_empty_table_has_a_profile_of_no_rows(workspace):
    _write(workspace, "t.parquet", _table(0))
    found = large_table(workspace, "t.parquet")
    profile = found.profile(ReferenceGrid.fit(from_arrow(_table(100)), bins=4))
    assert (profile.rows, list(profile.columns)) == (0, NAMES)
    assert found.sample(10) == {}
