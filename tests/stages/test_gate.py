import json
import math

import numpy as np
import pytest
from scipy.stats import binom
from tests.mlflow_stores import new_tracker
from tests.small_world import Registry, Versions, fill, spec

from upkeep.adapters.json_documents import JsonDocuments
from upkeep.adapters.parquet_datasets import ParquetDatasets
from upkeep.adapters.sklearn_trainer import SklearnTrainer
from upkeep.core.plain import plain
from upkeep.errors import InputError
from upkeep.stages.gate import Evaluation, GatePolicy, gate
from upkeep.stages.train import train

AS_OF = "2024-03-01"
POLICY = GatePolicy(condition="n - o > 0.02 +/- 0.1", first_condition="n > 0.6 +/- 0.1")


@pytest.fixture
def datasets(tmp_path):
    datasets = ParquetDatasets(tmp_path / "data")
    fill(datasets, noise=0.0)
    return datasets


@pytest.fixture
def documents(tmp_path):
    return JsonDocuments(tmp_path / "records", tmp_path / "reports")


def holdout(since="2024-01-15", until="2024-01-29", dataset="trips"):
    batches = ["b0", "b1", "b2", "b3"]
    return {"dataset": dataset, "batches": batches, "since": since, "until": until, "as_of": AS_OF}


@pytest.fixture
def registry():
    """Version 1 errs on 30 of 100 rows, 2 never, 3 on 15; 1000 rows are held out from each."""
    flips = {"1": 30, "2": 0, "3": 15}
    return Registry(flips=flips, holdouts=dict.fromkeys(flips, holdout()))


@pytest.fixture
def run(datasets, documents, registry):
    def with_(challenger="2", evaluation_id="e", policy=POLICY, as_of=AS_OF):
        about = {"model": "tips", "challenger": challenger, "evaluation_id": evaluation_id}
        ports = {"datasets": datasets, "tracker": registry, "documents": documents}
        return gate(Evaluation(**ports, **about, policy=policy), as_of=as_of)

    return with_


def test_the_first_model_is_held_against_the_bar(run):
    result = run()
    assert (result.passed, result.n, result.o, result.d, result.champion) == (True, 1.0, None, None, None)
    assert (result.condition, result.labels, result.method) == ("n > 0.6 +/- 0.1", 1000, "exact")
    # as many as let Bin(needed, .6) exceed 70 %, and Bin(needed, .8) miss it, with probability .05 at most
    assert binom.sf(math.floor(0.7 * result.needed), result.needed, 0.6) <= 0.05
    assert binom.cdf(math.floor(0.7 * result.needed), result.needed, 0.8) <= 0.05
    assert result.needed < 150  # (1 / 0.1)^2 ln(1 / 0.05) / 2, Hoeffding's


def test_a_challenger_is_held_against_the_champion_on_the_same_rows(run, registry, documents):
    registry.set_alias("tips", "champion", "1")
    result = run()
    assert (result.passed, result.verdict, result.step, result.steps) == (True, "pass", 1, 1)
    assert result.needed < 738  # (2 / 0.1)^2 ln(2 / 0.05) / 2, Hoeffding's
    assert (result.n, result.o, result.d, result.gain) == pytest.approx((1.0, 0.7, 0.3, 0.3))
    (clause,) = result.clauses
    assert (clause.low, clause.high) == pytest.approx((0.2, 0.4))
    tags = {name.removeprefix("upkeep.gate."): value for name, value in registry.tags["2"].items()}
    assert tags == {
        "verdict": "pass",
        "condition": "n - o > 0.02 +/- 0.1",
        "estimate": "0.3",
        "interval": "0.2 to 0.4",
        "delta": "0.05",
        "method": "exact",
        "labels": "1000",
        "needed": str(result.needed),
        "step": "1 of 1",
        "test_set": result.test_set,
        "evaluation": "e",
    }
    assert registry.attached["2", "gate-e"]["sentence"] == result.sentence
    assert documents.get("gates", "tips/e")["verdict"] == "pass"
    json.dumps(plain(result), allow_nan=False)


def test_a_gain_that_the_data_cannot_tell_passes_in_the_lenient_mode_alone(run, registry):
    registry.flips["3"] = 25
    registry.set_alias("tips", "champion", "1")
    strict = run("3", "strict")
    assert (strict.truth, strict.verdict, strict.passed) == ("unknown", "unknown", False)
    lenient = GatePolicy(condition=POLICY.condition, first_condition=POLICY.first_condition, mode="fn-free", steps=2)
    assert run("3", "lenient", lenient).passed


def test_a_worse_challenger_fails(run, registry):
    registry.set_alias("tips", "champion", "2")
    result = run("1")
    assert (result.verdict, result.passed, result.truth) == ("fail", False, "false")


@pytest.mark.parametrize("mode", ["fp-free", "fn-free"])
def test_too_few_labels_keep_the_gate_shut_and_say_how_many_are_missing(run, registry, documents, mode):
    registry.set_alias("tips", "champion", "1")
    registry.holdouts["2"] = holdout(since="2024-01-28T12")
    policy = GatePolicy(condition=POLICY.condition, first_condition=POLICY.first_condition, mode=mode)
    result = run(policy=policy)
    assert (result.verdict, result.passed, result.n, result.measured) == ("unknown", False, None, False)
    assert f"needs {result.needed} labels, has {result.labels}; hold out more rows" in result.sentence
    assert 0 < result.labels < result.needed
    assert documents.names("ledger") == []  # nothing is learned about a test set that does not suffice


def test_labels_observed_later_do_not_count(run, registry):
    assert run(as_of="2024-01-15T00:30:00").labels < 10


def test_rows_the_champion_may_have_learned_from_are_left_out(run, registry):
    registry.set_alias("tips", "champion", "1")
    registry.holdouts["2"] = holdout(since="2024-01-01")
    assert run().labels == 1000


def test_one_evaluation_is_carried_out_once(run, registry, datasets):
    first = run()
    loads = registry.loads
    registry.flips["2"] = 100
    assert run() == first
    assert registry.loads == loads
    with pytest.raises(InputError, match="judged version 2"):
        run("1")


def test_a_test_set_judges_as_many_challengers_as_was_agreed(run):
    assert run("1", "one").n is not None
    used = run("2", "two")
    assert (used.verdict, used.n) == ("unknown", None)
    assert "judged 1 of 1 challengers" in used.sentence


@pytest.mark.parametrize(
    ("second", "passed"),
    [
        (holdout(since="2024-01-15T00:01:00"), False),  # a minute shorter
        (holdout(since="2024-01-14"), False),
        (holdout(since="2024-01-22", until="2024-02-05"), False),
        (holdout(since="2024-01-08", until="2024-01-15T00:00:00.000001"), False),  # one moment in common
        (holdout(since="2024-01-08", until="2024-01-15"), True),
        (holdout(since="2024-01-08", until="2024-01-15T00:00:00.000000"), True),
    ],
)
def test_rows_that_have_judged_are_counted_wherever_the_holdouts_overlap(run, registry, second, passed):
    first = run("1", "one")
    assert (first.n, first.dataset, first.since, first.until) == (0.7, "trips", "2024-01-15", "2024-01-29")
    registry.holdouts["2"] = second
    assert run("2", "two").passed is passed


def test_another_dataset_and_another_model_are_counted_for_themselves(run, registry, datasets, documents):
    run("1", "one")
    documents.put("gates", "tips/other", documents.get("gates", "tips/one") | {"dataset": "other_trips"})
    documents.put("gates", "tips_too/one", documents.get("gates", "tips/one"))
    policy = GatePolicy(condition=POLICY.condition, first_condition=POLICY.first_condition, steps=2)
    assert run("2", "two", policy).passed
    assert "judged 2 of 2" in run("3", "three", policy).sentence


def test_rows_left_out_for_the_champion_are_not_counted(run, registry):
    """Version 1 is judged on the first week alone; 2 is held out from both, but compared on the second alone."""
    registry.holdouts["1"] = holdout(since="2024-01-15", until="2024-01-22")
    registry.holdouts["3"] = holdout(since="2024-01-22")
    assert run("1", "one").n is not None
    registry.set_alias("tips", "champion", "3")
    wide = GatePolicy(condition="n - o > 0.02 +/- 0.2", first_condition=POLICY.first_condition)
    result = run("2", "two", wide)
    assert (result.since, result.labels) == ("2024-01-22", 500)
    assert result.n is not None


def test_shorter_and_shorter_holdouts_give_no_more_than_the_agreed_number_of_tries(run, registry):
    """Each of the challengers is held out from a minute less than the one before."""
    policy = GatePolicy(condition=POLICY.condition, first_condition=POLICY.first_condition, steps=3)
    judged = []
    for number in range(20):
        name = f"try-{number}"
        registry.flips[name] = 30
        registry.holdouts[name] = holdout(since=f"2024-01-15T00:{number:02}:00")
        judged.append(run(name, name, policy).n is not None)
    assert judged == [True] * 3 + [False] * 17


def test_an_evaluation_that_measured_nothing_is_asked_again_and_a_measured_one_is_final(run, registry, documents):
    early = run("2", "e", as_of="2024-01-15T06")
    assert (early.n, early.passed) == (None, False)
    assert documents.get("gates", "tips/e")["n"] is None
    later = run("2", "e")
    assert (later.passed, later.n, later.as_of) == (True, 1.0, AS_OF)
    assert documents.names("gates", "tips/") == ["tips/e"]
    assert documents.get("gates", "tips/e")["n"] == 1.0
    assert registry.tags["2"]["upkeep.gate.verdict"] == "pass"
    assert run("2", "e", as_of="2024-01-15T06") == later


class Killed(BaseException):
    pass


@pytest.mark.parametrize("step", ["put", "tag_version"])
def test_killed_after_measuring_and_run_again_there_is_one_record(run, registry, documents, monkeypatch, step):
    def die(*_):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(documents if step == "put" else registry, step, die)
        with pytest.raises(Killed):
            run("1", "one")
    assert registry.loads == 1  # it had been measured
    assert run("1", "one").n == 0.7  # its own unfinished attempt has not used the rows up
    assert documents.names("gates") == ["tips/one"]
    assert registry.tags["1"]["upkeep.gate.evaluation"] == "one"
    assert "judged 1 of 1" in run("2", "two").sentence


def test_a_refused_evaluation_is_asked_again_after_more_steps_were_agreed(run):
    run("1", "one")
    assert run("2", "two").n is None
    more = GatePolicy(condition=POLICY.condition, first_condition=POLICY.first_condition, steps=2)
    assert run("2", "two", more).passed


def test_an_evaluation_without_enough_labels_does_not_use_the_test_set_up(run):
    assert run("2", "early", as_of="2024-01-15T06").n is None
    assert run("2", "later").passed


def test_the_first_pass_retires_the_test_set_if_that_was_agreed(run):
    policy = GatePolicy(
        condition=POLICY.condition, first_condition=POLICY.first_condition, adaptivity="firstChange", steps=5
    )
    assert not run("1", "one", policy).passed
    assert run("2", "two", policy).passed
    assert "retires them" in run("3", "three", policy).sentence


def test_ids_of_airflow_runs_name_evaluations(run, documents):
    run(evaluation_id="taxi_train/manual__2024-01-01T00:00:00+00:00")
    (name,) = documents.names("gates", "tips/")
    assert name.startswith("tips/taxi_train-manual__2024-01-01T00-00-00-00-00-")


def test_the_first_condition_may_speak_of_n_alone():
    with pytest.raises(InputError, match="uses o"):
        GatePolicy(condition="n - o > 0 +/- 0.1", first_condition="n - o > 0 +/- 0.1")
    with pytest.raises(InputError, match="tolerance"):
        GatePolicy(condition="n - o > 0", first_condition="n > 0.5 +/- 0.1")


def test_a_trained_challenger_goes_through_a_real_registry(tmp_path, datasets, documents):
    tracker = new_tracker(tmp_path)
    versions = Versions({"weak": ("b0", "b1"), "strong": ("b0", "b1", "b2", "b3")})
    weak = {"features": ("fare", "city"), "params": {"columns": ("fare",)}}
    for number, (tag, changes) in enumerate([("weak", weak), ("strong", {})], start=1):
        made = train(
            datasets,
            versions,
            SklearnTrainer(),
            tracker,
            spec=spec(holdout_share=0.45, **changes),
            tag=tag,
            training_id=tag,
            as_of=AS_OF,
            tags={},
        )
        about = {"model": "tips", "challenger": made.version, "evaluation_id": tag}
        ports = {"datasets": datasets, "tracker": tracker, "documents": documents}
        result = gate(Evaluation(**ports, **about, policy=POLICY), as_of=AS_OF)
        assert (made.version, result.passed) == (str(number), True), result.sentence
        tracker.set_alias("tips", "champion", made.version)
    assert result.n > result.o + 0.12
    assert 0 < result.d < 1
    # the holdout's accuracy in the run and in the gate are of the same rows and the same model
    assert result.n == pytest.approx(made.metrics["holdout_accuracy"])
    assert np.isclose(result.labels, made.holdout_rows)
