"""`upkeep profile`: a readable table, a file that a later run is held against, and exit codes that a script can branch on."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from upkeep.cli.main import main


@pytest.fixture
def inbox(tmp_path, monkeypatch):
    monkeypatch.setenv("UPKEEP_HOME", str(tmp_path))
    monkeypatch.delenv("UPKEEP_SOURCES", raising=False)
    folder = tmp_path / "inbox"
    folder.mkdir()
    for name, seed, shift in (("january", 1, 0.0), ("february", 2, 0.0), ("march", 3, 0.5)):
        pq.write_table(_month(seed, shift), folder / f"{name}.parquet")
    return folder


def _month(seed, shift):
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "fare": pa.array(rng.normal(size=5_000) + shift, mask=rng.random(5_000) < 0.04),
            "city": rng.choice(
                np.array(["Bronx", "Queens", "Staten Island", "Brooklyn"]), 5_000, p=[0.5, 0.3, 0.15, 0.05]
            ),
            "at": np.datetime64("2026-01-05", "us") + np.arange(5_000) * np.timedelta64(1, "m"),
            "empty": pa.nulls(5_000, pa.float64()),
            "tags": pa.array([["a"]] * 5_000),
        }
    )


def _ran(capsys, code, *arguments):
    capsys.readouterr()
    assert main(["profile", *map(str, arguments)]) == code
    said = capsys.readouterr()
    return said.out.splitlines(), said.err.splitlines()


def test_a_table_is_described_in_a_line_per_column(inbox, capsys):
    lines, errors = _ran(capsys, 0, "january.parquet")
    assert errors == []
    assert lines[0] == "5,000 rows, 4 columns"
    assert lines[1].split() == ["column", "missing", "infinite", "least", "mean", "greatest"]
    fare, city, at, empty = (line.split() for line in lines[2:6])
    assert (fare[0], 3 < float(fare[1].strip("%")) < 5) == ("fare", True)
    assert (city[2], city[-1][-1]) == ("Bronx", "%")
    assert "2026-01-05T00:00:00" in lines[4]
    assert "2026-01-08T11:19:00" in lines[4]
    assert lines[5].split() == ["empty", "100.00%", "0", "-", "-", "-"]
    assert at[0] == "at"
    assert empty[0] == "empty"
    assert lines[6].startswith("left out: tags, as list<")
    assert all(len(line) <= 120 for line in lines)


def test_words_from_the_data_cannot_steer_the_terminal_or_fill_it(inbox, capsys):
    pq.write_table(pa.table({"word": ["\x1b[2J\n" + "x" * 500, "fine"]}), inbox / "odd.parquet")
    lines, _ = _ran(capsys, 0, "odd.parquet")
    assert len(lines) == 3
    assert lines[2].isprintable()
    assert len(lines[2]) < 120


def test_names_from_a_header_cannot_steer_the_terminal(inbox, capsys):
    (inbox / "evil.csv").write_text("\x1b[31mEVIL\x07,x\n1,2\n")
    lines, _ = _ran(capsys, 0, "evil.csv")
    assert all(line.isprintable() for line in lines)


def test_a_file_that_cannot_be_written_is_named_before_anything_is_read(inbox, tmp_path, capsys):
    for out in (tmp_path, tmp_path / "no" / "p.json"):
        lines, errors = _ran(capsys, 2, "january.parquet", "--out", out)
        assert lines == []
        assert "--out must name a file in a folder that exists" in errors[-1]


def test_nothing_is_said_about_a_table_without_rows(inbox, tmp_path, capsys):
    _ran(capsys, 0, "january.parquet", "--columns", "fare", "--out", tmp_path / "p.json")
    pq.write_table(_month(1, 0.0).slice(0, 0), inbox / "none.parquet")
    _, errors = _ran(capsys, 2, "none.parquet", "--against", tmp_path / "p.json")
    assert "both sides of a comparison must have rows" in errors[-1]


def test_a_profile_is_written_and_later_files_are_held_against_it(inbox, tmp_path, capsys):
    kept = tmp_path / "january.json"
    _ran(capsys, 0, "january.parquet", "--out", kept)
    assert json.loads(kept.read_bytes())["format"] == 1
    lines, _ = _ran(capsys, 0, "february.parquet", "--against", kept)
    assert lines[-1] == "none of 4 columns has drifted by more than is tolerated."
    lines, errors = _ran(capsys, 3, "march.parquet", "--against", kept)
    assert lines[-1].startswith("fare: values moved by 0.2")
    assert errors == ["GateClosed: 1 of 4 columns have drifted: fare."]


def test_neither_workers_nor_a_second_run_change_the_file(inbox, tmp_path, capsys):
    written = []
    for workers in (1, 2, 2):
        _ran(capsys, 0, "march.parquet", "--out", tmp_path / "out.json", "--workers", workers)
        written.append((tmp_path / "out.json").read_bytes())
    assert len(set(written)) == 1


def test_a_grid_of_an_earlier_profile_is_used(inbox, tmp_path, capsys):
    _ran(capsys, 0, "january.parquet", "--columns", "fare", "city", "--out", tmp_path / "a.json")
    _ran(capsys, 0, "march.parquet", "--grid", tmp_path / "a.json", "--out", tmp_path / "b.json")
    grids = [json.loads((tmp_path / name).read_bytes())["grid"] for name in ("a.json", "b.json")]
    assert grids[0] == grids[1]
    assert list(grids[0]["columns"]) == ["fare", "city"]
    lines, _ = _ran(capsys, 0, "march.parquet", "--grid", tmp_path / "a.json", "--columns", "city")
    assert lines[0] == "5,000 rows, 1 columns"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gone.parquet"], "there is no 'gone.parquet'"),
        (["../../secret.parquet"], "a source must lie under"),
        (["january.parquet", "--workers", "0"], "workers must be at least 1"),
        (["january.parquet", "--columns", "miles"], "columns must be in the table, but 'miles' is not"),
        (["january.parquet", "--columns", "tags"], "'tags' is list<"),
        (["january.parquet", "--against", "gone.json"], "gone.json must be a profile, but does not exist"),
        (["january.parquet", "--grid", "bad.json"], "bad.json must be a readable JSON file"),
        (["january.parquet", "--grid", "list.json"], "list.json must be a profile of format 1"),
    ],
)
def test_unusable_input_is_one_line_and_ends_with_2(inbox, tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "list.json").write_text("[]")
    lines, errors = _ran(capsys, 2, *arguments)
    assert lines == []
    assert len(errors) == 1
    assert said in errors[0]


def test_profiles_with_other_cells_are_not_compared(inbox, tmp_path, capsys):
    for name in ("january", "march"):
        _ran(capsys, 0, f"{name}.parquet", "--out", tmp_path / f"{name}.json")
    both = ["--grid", tmp_path / "january.json", "--against", tmp_path / "march.json"]
    _, errors = _ran(capsys, 2, "february.parquet", *both)
    assert "must share one reference grid" in errors[0]


def test_the_command_explains_itself(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["profile", "--help"])
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "example: upkeep profile trips --out january.json" in text
    assert "drift ends with exit code 3" in text
