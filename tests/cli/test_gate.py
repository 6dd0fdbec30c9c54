"""`upkeep gate plan` and `upkeep gate status`: for people as lines, for machines as JSON."""

import json
from dataclasses import replace

import pytest
from tests.ledger_gates import judge
from tests.taxi_world import REPO

from upkeep.adapters.json_documents import JsonDocuments
from upkeep.cli.main import main
from upkeep.core.gate.contract import Contract
from upkeep.stages.gate_ledger import GateLedger
from upkeep.stages.gate_status import gate_status

LIFE = ("--life", str(REPO / "dags" / "config" / "taxi.yaml"))
PAPER = ("--condition", "n - o > 0.02 +/- 0.01", "--reliability", "0.9999", "--steps", "32")


@pytest.fixture
def run(capsys):
    def with_(*arguments, code=0):
        capsys.readouterr()
        assert main(["gate", *arguments]) == code
        said = capsys.readouterr()
        return said.err if code else said.out

    return with_


def _labels(text):
    """Labels by method, as printed, and the method that is marked."""
    rows = [line.split() for line in text.split("\n\n")[1].splitlines()[1:]]
    marked = next(row[1] for row in rows if row[0] == "*")
    plain = [row[1:] if row[0] == "*" else row for row in rows]
    return {row[0]: row[1].replace(",", "") for row in plain}, marked


def test_the_table_has_the_papers_numbers_and_marks_the_fewest_labels(run):
    text = run("plan", *PAPER)
    labels, marked = _labels(text)
    assert labels["hoeffding"] == "267385"
    assert labels["bennett"] == "-"
    assert int(labels[marked]) == min(int(n) for n in labels.values() if n != "-")
    assert "bennett: not to be had: no bound on the share that differs" in text
    assert "hoeffding: Rows are drawn independently" in text
    assert "cost" not in text.splitlines()[3]


def test_a_price_a_bound_and_delta_are_taken(run):
    text = run(
        "plan", "--condition", "n - o > 0.02 +/- 0.02", "--delta", "0.002", "--steps", "7", "--difference", "0.1",
        "--price", "0.05",
    )  # fmt: skip
    labels, marked = _labels(text)
    assert (labels["bennett"], marked) == ("4713", "active")
    assert "235.65" in text
    assert text.splitlines()[1] == "reliability 0.998 over 7 models, adaptivity none, fp-free"


def test_json_on_standard_output_is_all_there_is_and_a_file_is_written_besides(run, tmp_path):
    found = json.loads(run("plan", *PAPER, "--price", "2", "--json"))
    by_name = {method["name"]: method for method in found["methods"]}
    assert by_name["hoeffding"]["labels"] == 267385
    assert by_name["hoeffding"]["cost"] == 2 * 267385
    assert by_name["bennett"]["cost"] is None
    assert found["promise"]["steps"] == 32
    assert found["cheapest"] in by_name
    text = run("plan", *PAPER, "--price", "2", "--json", str(tmp_path / "plan.json"))
    assert json.loads((tmp_path / "plan.json").read_text()) == found
    assert text.startswith("n - o > 0.02 +/- 0.01\n")
    assert json.loads(run("plan", *PAPER, "--price", "2", "--json", "-")) == found


def test_a_measured_difference_slices_losses_and_releases_are_taken(run):
    measured = json.loads(run("plan", *PAPER, "--measured-difference", "0.05", "--unlabelled", "20000", "--json"))
    assert next(m for m in measured["methods"] if m["name"] == "implicit_variance")["available"]
    worst = ("--condition", "n.cost[worst borough] < 0.5 +/- 0.1", "--delta", "0.05", "--steps", "4", "--loss", "cost")
    text = run("plan", *worst, "--levels", "borough=Bronx,Queens", "--adaptivity", "releases", "--releases", "1")
    assert "adaptivity releases of 1, fp-free" in text
    assert "labels on rows with borough = Queens" in text
    assert "needs its levels" in run("plan", *worst, code=2)


def test_a_file_of_easeml_is_taken_and_options_go_before_it(run, tmp_path):
    path = tmp_path / ".easeml.yml"
    path.write_text(
        "ml:\n- condition: n - o > 0.02 +/- 0.01\n- reliability: 0.9999\n- mode: fp-free\n"
        "- adaptivity: none -> xx@abc.com\n- steps: 32\n"
    )
    assert run("plan", "--easeml", str(path)) == run("plan", *PAPER)
    found = json.loads(run("plan", "--easeml", str(path), "--steps", "1", "--adaptivity", "full", "--json"))
    assert (found["promise"]["steps"], found["promise"]["adaptivity"]) == (1, "full")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "lacks condition, reliability, steps"),
        (PAPER[:4], "lacks steps"),
        ((*PAPER, "--price", "-1"), "price of a label must be 0 or more"),
        ((*PAPER, "--price", "nan"), "price of a label must be 0 or more"),
        ((*PAPER, "--unlabelled", "9"), "must come together"),
        ((*PAPER, "--levels", "borough"), "--levels must be like"),
        (("--condition", "n > o", *PAPER[2:]), "the condition needs a tolerance"),
        ((*PAPER, "--difference", "2"), "must lie in"),
        ((*PAPER, "--releases", "2"), "releases must be 0 or more and go with"),
    ],
)
def test_unusable_input_ends_with_2_and_says_why(run, arguments, said):
    assert said in run("plan", *arguments, code=2)


def test_both_commands_show_an_example_of_themselves(capsys):
    for command in ("plan", "status"):
        with pytest.raises(SystemExit):
            main(["gate", command, "--help"])
        assert f"example: upkeep gate {command}" in " ".join(capsys.readouterr().out.split())


def test_before_any_verdict_the_status_says_how_many_there_may_be(run, tmp_path, monkeypatch):
    monkeypatch.setenv("UPKEEP_HOME", str(tmp_path))
    said = "No rows of yellow_trips have judged a challenger of taxi_tip yet; the first will judge 3.\n"
    assert run("status", *LIFE) == said
    assert run(*LIFE, "status") == said
    assert json.loads(run("status", *LIFE, "--json"))["test_sets"] == []


def test_the_status_of_a_life_whose_gate_is_an_easeml_file_knows_its_steps(run, tmp_path, monkeypatch):
    monkeypatch.setenv("UPKEEP_HOME", str(tmp_path))
    promise = tmp_path / ".easeml.yml"
    promise.write_text(
        "ml:\n- condition: n - o > 0.02 +/- 0.05\n- reliability: 0.99\n- mode: fp-free\n- adaptivity: full\n- steps: 8\n"
    )
    lines = (REPO / "dags" / "config" / "taxi.yaml").read_text().splitlines(keepends=True)
    begin = lines.index("gate:\n")
    end = next(n for n in range(begin + 1, len(lines)) if not lines[n].startswith("  "))
    gate = ["gate:\n", f"  easeml: {promise}\n", "  first_condition: n > 0.55 +/- 0.03\n"]
    life = tmp_path / "taxi.yaml"
    life.write_text("".join(lines[:begin] + gate + lines[end:]))
    assert run("status", "--life", str(life)).endswith("the first will judge 8.\n")


def test_the_status_says_of_each_test_set_what_is_left_and_what_to_do(run, world):
    """A first model has been judged, under a condition that was easier than that of the file."""
    text = run("status", *LIFE)
    found = json.loads(run("status", *LIFE, "--json"))
    (one,) = found["test_sets"]
    assert text.startswith(f"{one['since']} to {one['until']}: 3 of 3 steps left\n")
    assert "Chance of any wrong verdict on these rows: up to 0.1 for 2 contracts." in text
    assert one["evaluations"][0]["answer"] == "not told"


def _judged(tmp_path, count, contract):
    for number in range(count):
        judge(tmp_path, f"e{number}")
    documents = JsonDocuments(tmp_path / "records", tmp_path / "reports")
    return gate_status(documents, model="tips", dataset="trips", contract=contract)


AGREED = Contract(condition="n - o > 0 +/- 0.04", first_condition="n > 0.5 +/- 0.03", reliability=0.95, steps=3)


def test_the_status_rings_when_one_step_is_left_and_when_none_is(tmp_path):
    last = _judged(tmp_path, 2, AGREED)["test_sets"][0]
    assert (last["left"], last["alarm"]) == (1, "last step")
    assert "hold out newer rows for the challenger after the next, or raise steps before it" in last["sentence"]
    none = _judged(tmp_path, 3, AGREED)
    assert none["test_sets"][0]["alarm"] == "used up"
    assert none["sentence"] == none["test_sets"][0]["sentence"]
    assert "hold out newer rows, or raise steps before the next ones" in none["sentence"]
    json.dumps(none, allow_nan=False)


def test_after_a_change_the_status_adds_the_chances_up(tmp_path):
    found = _judged(tmp_path, 2, replace(AGREED, reliability=0.99, steps=5))["test_sets"][0]
    assert (found["left"], found["contracts"]) == (5, 2)
    assert found["error"] == pytest.approx(0.06)
    assert "2 contracts have used these rows" in found["sentence"]


def test_answers_that_builders_are_not_to_know_are_not_in_the_status(tmp_path):
    hidden = _judged(tmp_path, 3, AGREED)["test_sets"][0]["evaluations"]
    assert [one["answer"] for one in hidden] == ["not told"] * 3
    documents = JsonDocuments(tmp_path / "records", tmp_path / "reports")
    seen, ledger = replace(AGREED, adaptivity="full"), GateLedger(documents, "tips", "trips")
    for name in ("told", "killed"):
        ledger.open(
            evaluation_id=name, version="1", champion=None, contract=seen, since="2024-03-01", until="2024-03-02",
            test_set="", as_of="2024-04-01", prior=0.0, method="exact", needed=1,
        )  # fmt: skip
    ledger.close("told", "pass", {})
    newest = gate_status(documents, model="tips", dataset="trips", contract=seen)["test_sets"][0]
    assert [one["answer"] for one in newest["evaluations"]] == ["pass", "open"]
    assert newest["evaluations"][0]["condition"] == seen.first_condition
    assert "1 had no answer stored and count as answered, repeat them with their ids" in newest["sentence"]
