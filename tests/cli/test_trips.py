"""`upkeep generate-trips`: the weeks asked for, whole, and the same for the same seed."""

import hashlib
import json

import pyarrow.parquet as pq
import pytest

from upkeep.cli.main import main


def _generate(folder, *more):
    return main(["generate-trips", "--to", str(folder), "--rows", "300", *more])


def _digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_writes_one_file_of_trips_a_week_with_its_rows(tmp_path, capsys):
    assert _generate(tmp_path, "--first", "2", "--weeks", "2") == 0
    files = sorted((tmp_path / "trips").iterdir())
    assert [file.name for file in files] == ["yellow_tripdata_week_002.parquet", "yellow_tripdata_week_003.parquet"]
    assert [pq.read_metadata(file).num_rows for file in files] == [300, 300]
    assert capsys.readouterr().out == f"2 weeks of 300 trips in {tmp_path}\n"


def test_the_same_seed_gives_the_same_files_and_another_seed_others(tmp_path):
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        assert _generate(tmp_path / name, "--seed", seed, "--weeks", "2") == 0
    made, again, other = (_digests(tmp_path / name) for name in "abc")
    assert made == again
    assert set(made) == set(other)
    assert all(made[name] != other[name] for name in made)


def test_a_week_is_the_same_whichever_week_came_first(tmp_path):
    _generate(tmp_path / "all", "--weeks", "3")
    _generate(tmp_path / "last", "--first", "2")
    last = _digests(tmp_path / "last")
    assert last
    assert last.items() <= _digests(tmp_path / "all").items()


@pytest.mark.parametrize("incident", ["--concept-week", "--new-year-week", "--broken-meter-week"])
def test_an_incident_changes_its_week_and_none_before(tmp_path, incident):
    _generate(tmp_path / "calm", "--weeks", "2")
    _generate(tmp_path / "with", "--weeks", "2", incident, "1")
    calm, with_ = _digests(tmp_path / "calm"), _digests(tmp_path / "with")
    changed = {name for name in calm if calm[name] != with_[name]}
    assert "trips/yellow_tripdata_week_001.parquet" in changed | _labels_of(changed)
    assert not any("000" in name for name in changed)


def _labels_of(names):
    """A concept shift moves labels alone where tips are reported late."""
    return {name.replace("feedback/feedback_", "trips/yellow_tripdata_week_") for name in names}


def test_without_a_folder_the_weeks_go_to_the_inbox_and_json_tells_what_was_made(tmp_path, monkeypatch):
    monkeypatch.setenv("UPKEEP_HOME", str(tmp_path))
    told = tmp_path / "made.json"
    assert main(["generate-trips", "--rows", "50", "--json", str(told)]) == 0
    assert json.loads(told.read_text()) == {"weeks": [0], "rows": 50, "seed": 7, "start": "2025-11-03"}
    assert len(list((tmp_path / "inbox" / "trips").glob("*.parquet"))) == 1


@pytest.mark.parametrize(
    "wrong",
    [("--start", "Monday"), ("--rows", "0"), ("--first", "-1"), ("--seed", "-1"), ("--late-borough", "Boston")],
    ids=" ".join,
)
def test_what_cannot_be_generated_ends_with_2_and_one_line(tmp_path, capsys, wrong):
    assert _generate(tmp_path, *wrong) == 2
    error = capsys.readouterr().err
    assert error.startswith("InputError: ")
    assert error.count("\n") == 1
    assert _digests(tmp_path) == {}


def test_a_number_of_weeks_below_one_ends_with_2(tmp_path, capsys):
    assert _generate(tmp_path, "--weeks", "0") == 2
    assert "weeks must be at least 1, got 0" in capsys.readouterr().err
