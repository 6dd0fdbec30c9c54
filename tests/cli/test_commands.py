"""The command line: every command explains itself, and tells by its exit code and one line what went wrong."""

import json
import os
import subprocess
import sys

import pytest
from tests.mlflow_stores import new_tracker
from tests.taxi_world import REPO, drop

from upkeep.cli.main import main
from upkeep.cli.servers import free_port

STAGES = (
    "ingest", "validate", "prepare", "version", "train", "gate", "promote", "rollback", "score", "labels", "monitor",
    "realize", "suggest",
)  # fmt: skip
COMMANDS = (*STAGES, "generate-trips", "demo")
LIFE = ("--life", str(REPO / "dags" / "config" / "taxi.yaml"))


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("UPKEEP_HOME", str(tmp_path))
    monkeypatch.setenv("UPKEEP_EXPECTATIONS", str(REPO / "expectations"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    new_tracker(tmp_path)
    return tmp_path


def _help(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def _refused(capsys, code, *arguments):
    """The one line on stderr of a command that must end with this code."""
    capsys.readouterr()
    assert main(list(arguments)) == code
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_help_lists_every_command_and_the_exit_codes(capsys):
    text = _help(capsys)
    listed = {line.split()[0] for line in text.splitlines() if line.startswith("    ") and line.split()}
    assert set(COMMANDS) <= listed
    assert "exit codes: 0 done, 2 unusable input, 3" in " ".join(text.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example_of_itself(capsys, command):
    text = " ".join(_help(capsys, command).split())
    assert f"example: upkeep {command}" in text


def test_the_examples_of_the_stages_are_accepted_by_the_parser():
    from upkeep.cli.main import _parser
    from upkeep.cli.stages import COMMANDS as commands

    assert {command.name for command in commands} == set(STAGES)
    for command in commands:
        _parser().parse_args(command.example.split()[1:])


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["celebrate"])
    assert ended.value.code == 2


def test_unusable_input_ends_with_2(home, capsys):
    line = _refused(capsys, 2, "ingest", *LIFE)
    assert line.startswith("InputError: ")
    assert "must have a challenger" in _refused(capsys, 2, "gate", *LIFE)
    assert "none is. Run upkeep ingest" in _refused(capsys, 2, "validate", *LIFE)


@pytest.mark.parametrize(
    "arguments",
    [
        ("monitor", "--batch", "0" * 16),
        ("score", "--batch", "0" * 16),
        ("prepare", "--batch", "0" * 16),
        ("version", "--batch", "0" * 16),
        ("validate", "--batch", "0" * 16),
        ("gate", "--model-version", "1"),
        ("promote", "--model-version", "1"),
        ("rollback",),
        ("suggest",),
        ("monitor",),
        ("train",),
    ],
    ids=" ".join,
)
def test_a_stage_that_comes_too_early_or_is_given_an_unknown_id_says_so(home, capsys, arguments):
    assert _refused(capsys, 2, arguments[0], *LIFE, *arguments[1:]).startswith("InputError: ")


def test_a_life_that_cannot_be_read_ends_with_2(home, capsys):
    broken = home / "broken.yaml"
    broken.write_text("name: [taxi\n")
    for life in (broken, home / "absent.yaml", home):
        assert _refused(capsys, 2, "ingest", "--life", str(life)).startswith("InputError: ")


@pytest.mark.parametrize("arguments", [("--batches", "four"), ("--batches", "0"), ("--batches", "9")])
def test_a_training_set_that_does_not_exist_ends_with_2(world, capsys, arguments):
    assert f"a dataset version of {arguments[1]} batches must exist" in _refused(capsys, 2, "train", *LIFE, *arguments)


def test_a_refused_batch_ends_with_3_and_its_result_is_written_all_the_same(home, capsys):
    drop(home, 0, rows=60)  # the suite wants 100 rows
    assert main(["ingest", *LIFE, "--json", str(home / "ingest.json")]) == 0
    taken = json.loads((home / "ingest.json").read_text())
    assert taken["rows"] == 60
    line = _refused(capsys, 3, "validate", *LIFE, "--json", str(home / "validate.json"))
    assert line.startswith("GateClosed: ")
    result = json.loads((home / "validate.json").read_text())
    assert result["verdicts"] == {taken["batches"][0]: "fail"}
    assert not result["passed"]


def test_a_backend_that_does_not_answer_ends_with_4(home, capsys, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    line = _refused(capsys, 4, "rollback", *LIFE)
    assert line.startswith("BackendError: MLflow at http://127.0.0.1:")


def test_a_stage_prints_one_line_and_writes_its_result(world, capsys, tmp_path):
    file = tmp_path / "monitor.json"
    assert main(["monitor", *LIFE, "--json", str(file)]) == 0
    result = json.loads(file.read_text())
    assert capsys.readouterr().out.splitlines() == [result["sentence"]]


def test_what_became_of_an_estimate_is_said_in_one_line(world, capsys):
    assert main(["realize", *LIFE]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{world.returned['monitor']['window']}: First estimated ")
    assert main(["realize", *LIFE]) == 0
    assert capsys.readouterr().out == said


def test_a_window_is_decided_about_once_and_a_repeat_says_the_same(world, capsys):
    assert main(["suggest", *LIFE]) == 0
    first = capsys.readouterr().out
    assert main(["suggest", *LIFE]) == 0
    assert capsys.readouterr().out == first != ""


def test_labels_that_have_not_come_yet_are_no_error(home, capsys):
    assert main(["labels", *LIFE]) == 0
    assert capsys.readouterr().out == "files: 0, rows: 0\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ingest", "--life", "absent.yaml"), "InputError: a life is described by a YAML file, but absent.yaml "),
        (("rollback", *LIFE), "InputError: taxi_tip must have had a champion before"),  # in a new store
    ],
)
def test_the_command_itself_says_one_line_and_no_tool_speaks_between(tmp_path, arguments, said):
    environment = os.environ | {"UPKEEP_HOME": str(tmp_path), "PYTHONPATH": str(REPO / "plugins")}
    environment.pop("MLFLOW_TRACKING_URI", None)
    environment.pop("MLFLOW_LOGGING_LEVEL", None)
    command = [sys.executable, "-m", "upkeep.cli.main", *arguments]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1
