"""Lives from YAML: environment, what is refused and why, and suites that stay in their folder."""

import json
import shutil
from pathlib import Path

import pytest

from upkeep.adapters.life_file import lives, read_life, read_suite
from upkeep.errors import InputError

TAXI = Path(__file__).parents[2] / "dags" / "config" / "taxi.yaml"


@pytest.fixture
def write(tmp_path):
    def changed(old="", new=""):
        path = tmp_path / "life.yaml"
        text = TAXI.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        return path

    return changed


def test_a_variable_that_is_set_replaces_its_default(monkeypatch):
    monkeypatch.delenv("UPKEEP_TAXI_TRIPS", raising=False)
    assert read_life(TAXI).source == "trips"
    monkeypatch.setenv("UPKEEP_TAXI_TRIPS", "s3://lake/trips")
    assert read_life(TAXI).source == "s3://lake/trips"


def test_a_default_may_be_empty_and_a_number_stays_one(write, monkeypatch):
    monkeypatch.setenv("UPKEEP_POLL_S", "2.5")
    life = read_life(write("${UPKEEP_TAXI_FEEDBACK:-feedback}", "'${NOT_SET_ANYWHERE:-}'"))
    assert (life.feedback, life.poll_s) == ("", 2.5)


@pytest.mark.parametrize("name", ["LAKE", "S3_LAKE_2", "_LAKE"])
def test_a_variable_without_default_must_be_set(write, monkeypatch, name):
    path = write("${UPKEEP_TAXI_TRIPS:-trips}", f"${{{name}}}")
    monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match=f"life.yaml needs the environment variable {name}, which is not set"):
        read_life(path)
    monkeypatch.setenv(name, "trips/2026")
    assert read_life(path).source == "trips/2026"


def test_unknown_and_missing_keys_are_named(write):
    with pytest.raises(InputError, match=r"life.yaml must have .* missing: dataset; unknown: table"):
        read_life(write("dataset: yellow_trips", "table: yellow_trips"))


@pytest.mark.parametrize("text", ["name: [taxi", "name: taxi\n\tdataset: x", "a: b: c"])
def test_a_file_that_is_not_yaml_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "life.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match="must be YAML, but") as refused:
        read_life(path)
    assert len(str(refused.value).splitlines()) == 1
    assert "line 1" in str(refused.value) or "line 2" in str(refused.value)


@pytest.mark.parametrize(("text", "kind"), [("", "NoneType"), ("- taxi", "list"), ("taxi", "str")])
def test_a_file_that_is_not_a_mapping_is_refused(tmp_path, text, kind):
    path = tmp_path / "life.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=f"must hold keys and values, got {kind}"):
        read_life(path)


def test_a_tag_that_would_build_a_python_object_is_refused_and_runs_nothing(tmp_path, write):
    made = tmp_path / "made"
    tag = f"!!python/object/apply:os.system ['touch {made}']"
    with pytest.raises(InputError, match="must be YAML, but"):
        read_life(write("dataset: yellow_trips", f"dataset: {tag}"))
    assert not made.exists()


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"absent\.yaml does not exist"):
        read_life(tmp_path / "absent.yaml")
    with pytest.raises(InputError, match="must be a readable YAML file"):
        read_life(tmp_path)


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "life.yaml"
    path.write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(InputError, match="must be a readable YAML file"):
        read_life(path)


def test_every_yaml_file_of_the_chosen_folder_is_a_life(tmp_path, monkeypatch, write):
    other = write("name: taxi", "name: other")
    for old, new in (("dataset: yellow_trips", "dataset: others"), ("model: taxi_tip", "model: other_model")):
        other.write_text(other.read_text().replace(old, new, 1))
    shutil.copy(TAXI, tmp_path / "taxi.yaml")
    (tmp_path / "notes.txt").write_text("no life")
    monkeypatch.delenv("UPKEEP_LIVES", raising=False)
    assert [life.name for life in lives(tmp_path)] == ["other", "taxi"]
    monkeypatch.setenv("UPKEEP_LIVES", str(TAXI.parent))
    assert [life.name for life in lives(tmp_path)] == ["taxi"]


@pytest.mark.parametrize(
    ("old", "what"), [("name: taxi", "name"), ("dataset: yellow_trips", "dataset"), ("model: taxi_tip", "model")]
)
def test_two_lives_may_not_share_what_they_write_to(tmp_path, monkeypatch, write, old, what):
    monkeypatch.delenv("UPKEEP_LIVES", raising=False)
    path = write()
    for other in {"name: taxi", "dataset: yellow_trips", "model: taxi_tip"} - {old}:
        path.write_text(path.read_text().replace(other, f"{other}_2", 1))
    shutil.copy(TAXI, tmp_path / "taxi.yaml")
    with pytest.raises(InputError, match=f"must have a {what} of its own"):
        lives(tmp_path)


@pytest.fixture
def suites(tmp_path, monkeypatch):
    folder = tmp_path / "expectations"
    folder.mkdir()
    (tmp_path / "outside.json").write_text("{}")
    (folder / "trips.json").write_text(json.dumps({"name": "trips", "expectations": []}))
    monkeypatch.setenv("UPKEEP_EXPECTATIONS", str(folder))
    return folder


def test_a_suite_is_read_from_its_folder(suites):
    assert read_suite("trips.json") == {"name": "trips", "expectations": []}


@pytest.mark.parametrize("name", ["../outside.json", "absent.json", "", ".", "sub/trips.json"])
def test_a_suite_name_cannot_leave_its_folder(suites, name):
    with pytest.raises(InputError, match=r"a suite must be one of \['trips.json'\]"):
        read_suite(name)
    with pytest.raises(InputError, match="a suite must be one of"):
        read_suite(str(suites.parent / "outside.json"))


def test_a_link_does_not_lead_out_of_the_folder(suites):
    (suites / "link.json").symlink_to(suites.parent / "outside.json")
    with pytest.raises(InputError, match="a suite must be one of"):
        read_suite("link.json")


def test_a_suite_that_is_not_json_is_refused(suites):
    (suites / "trips.json").write_text("{'name'")
    with pytest.raises(InputError, match=r"suite trips\.json must be JSON, but"):
        read_suite("trips.json")
