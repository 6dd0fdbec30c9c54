"""`upkeep backtest`: the command on the real power market, and what it says to a table that it cannot replay."""

import csv
import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from upkeep.cli.backtest import described
from upkeep.cli.main import main
from upkeep.core.retrain.backtest.replay import Replay

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
FIRST = np.datetime64("1996-05-07T00:00", "s")


@pytest.fixture
def inbox(tmp_path, monkeypatch):
    monkeypatch.setenv("UPKEEP_HOME", str(tmp_path))
    monkeypatch.delenv("UPKEEP_SOURCES", raising=False)
    folder = tmp_path / "inbox"
    folder.mkdir()
    with (DATA / "drift" / "elec2.csv").open() as file:
        rows = list(islice(csv.DictReader(file), 4_800))
    with (folder / "power.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["at", "known", "period", "nswprice", "nswdemand", "side", "class"])
        for i, row in enumerate(rows):
            at = FIRST + i * np.timedelta64(30, "m")
            side = "high" if float(row["nswdemand"]) > 0.5 else "low"
            known = at + np.timedelta64(6, "h")
            out.writerow([at, known, row["period"], row["nswprice"], row["nswdemand"], side, row["class"]])
    return folder


def ran(capsys, code, *arguments):
    capsys.readouterr()
    assert main(["backtest", *map(str, arguments)]) == code
    said = capsys.readouterr()
    return said.out.splitlines(), said.err


USUAL = ("power.csv", "--time", "at", "--label", "class", "--window", "14d", "--train", "2")


def test_policies_are_compared_in_a_table_and_a_sentence(inbox, capsys):
    out, picture = inbox / "out.json", inbox / "out.svg"
    policies = ("--policies", "upkeep", "never", "every", "ks", "--every", "2")
    lines, errors = ran(capsys, 0, *USUAL, *policies, "--known-at", "known", "--out", out, "--picture", picture)

    assert errors == ""
    assert lines[0].startswith("5 live windows, 3,3")
    assert [line.split()[0] for line in lines[2:-1]] == ["never", "every", "ks", "upkeep"]
    assert lines[3].split()[-1] == "2"
    assert lines[-1].startswith("Upkeep would ")
    assert lines[-1].endswith("5 live windows are too few to tell whose error is lower, as that takes 8.")
    record = json.loads(out.read_text())
    assert [r["window"] for r in record["every"]["retrains"]] == [1, 3]
    for run in record.values():
        assert run["mean_error"] == pytest.approx(sum(run["wrong"]) / sum(run["rows"]))
    assert picture.read_text().startswith("<svg")


def test_a_drawn_delay_and_the_command_are_the_same_twice(inbox, capsys):
    arguments = (*USUAL, "--features", "nswprice", "side", "--policies", "never", "upkeep", "--delay-h", "12")

    assert ran(capsys, 0, *arguments) == ran(capsys, 0, *arguments)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (("--label", "side"), "column 'side' must be 0 and 1, or booleans"),
        (("--time", "period"), "column 'period' must be times in ISO 8601"),
        (("--features", "nowhere"), "lacks ['nowhere']"),
        (("--features", "known"), "at least one feature"),
        (("--window", "soon"), "--window must be days, hours or rows"),
        (("--window", "60d"), "needs more windows than the 2"),
        (("--window", "99999999999d"), "at most 100 years"),
        (("--window", "9" * 5_000), "--window must be days, hours or rows"),
        (("--features", "nswprice", "at"), "'at' is the time"),
        (("--features", "nswprice", "class"), "'class' is the label"),
        (("--known-at", "known", "--features", "nswprice", "known"), "'known' is when the label came in"),
        (("--known-at", "at"), "'at' is the time"),
        (("--label", "at"), "'at' is the time"),
        (("--every", "0"), "k must be 1 window or more"),
        (("--out", "nowhere/out.json"), "--out must name a file in a folder that exists"),
        (("--factory", "math:sqrt"), "math:sqrt"),
    ],
)
def test_what_cannot_be_replayed_is_said_in_a_line(inbox, capsys, changes, said):
    _, errors = ran(capsys, 2, *USUAL, "--policies", "never", *changes)

    assert said in errors
    assert errors.count("\n") == 1


def test_a_feature_called_score_is_refused_whatever_the_policy(inbox, capsys):
    path = inbox / "power.csv"
    path.write_text(path.read_text().replace("nswprice", "score", 1))

    _, errors = ran(capsys, 2, *USUAL, "--policies", "never")

    assert "'score' is the model's own" in errors


def fared(windows, wrong):
    names = tuple(f"2024-01-{day:02}" for day in range(1, windows + 1))
    return Replay(windows=names, rows=np.full(windows, 1_000), wrong=np.full(windows, wrong), retrains=())


@pytest.mark.parametrize(
    ("windows", "never", "said"),
    [
        (1, 100, "Upkeep would not have retrained; 1 live window is too few to tell whose error is lower, as that takes 8."),
        (7, 100, "Upkeep would not have retrained; 7 live windows are too few to tell whose error is lower, as that takes 8."),
        (8, 100, "Upkeep would not have retrained; its error is clearly worse than never (two standard errors)."),
        (8, 500, "Upkeep would not have retrained; its error is no worse than any other policy (two standard errors)."),
    ],
)  # fmt: skip
def test_a_verdict_needs_eight_windows(windows, never, said):
    assert described({"never": fared(windows, never), "upkeep": fared(windows, 500)})[-1] == said


def test_without_rivals_there_is_no_verdict():
    assert described({"upkeep": fared(9, 400)})[-1] == "Upkeep would not have retrained."
