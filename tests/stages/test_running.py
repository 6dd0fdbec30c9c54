import json
from dataclasses import replace

import numpy as np
import pytest
from tests.monitor_house import ROWS, START, House, rides

from upkeep.adapters.json_documents import JsonDocuments
from upkeep.adapters.parquet_datasets import ParquetDatasets
from upkeep.core.feedback.join import join_labels
from upkeep.core.feedback.metrics.binary import binary_metrics
from upkeep.core.feedback.stream.join import FeedbackJoin
from upkeep.core.feedback.stream.outcomes import Outcomes
from upkeep.errors import InputError
from upkeep.stages import running as stage
from upkeep.stages.running import RUNNING, RunningJoin, running_metrics, update_join

LATER = "2024-06-01"


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def updated(house, as_of=LATER, **policy):
    return update_join(house.datasets, house.documents, model="tip", as_of=as_of, policy=replace(RUNNING, **policy))


def labelled(house, *, since=None, versions=("3",)):
    """Scores and labels by the join in memory."""
    table = house.datasets.read("tip/predictions", since=since)
    rows = join_labels(table, house.datasets.read("tip/feedback"), np.datetime64(LATER))
    rows = {name: values[np.isin(table["model_version"], versions)] for name, values in rows.items()}
    known = ~np.isnan(rows["label"])
    return {name: values[known] for name, values in rows.items()}


def same_metrics(shown, rows):
    plain = binary_metrics(rows["label"], rows["score"])
    assert shown["labelled"] == len(rows["label"])
    for name, metric in shown["metrics"].items():
        wanted = 2e-3 if name == "roc_auc" else 1e-6
        assert metric["value"] == pytest.approx(plain[name], abs=wanted)
        assert metric["low"] == metric["value"] == metric["high"]


def test_running_metrics_are_those_of_the_join_in_memory(house):
    found = running_metrics(updated(house), version="3", slots=7, outcomes=500)
    rows = labelled(house)
    assert (found["exact"], found["predictions"]) == (True, 4 * ROWS)
    same_metrics(found["cumulative"], rows)
    week = labelled(house, since=str(rows["predicted_at"].max().astype("datetime64[D]") - 6))
    same_metrics(found["window"], week)
    latest = np.sort(rows["observed_at"])[-500]
    assert (rows["observed_at"] >= latest).sum() == found["latest"]["labelled"] == 500
    same_metrics(found["latest"], {name: values[rows["observed_at"] >= latest] for name, values in rows.items()})


def test_batches_are_taken_in_once_predictions_when_they_began_and_labels_when_they_ended(house):
    first = updated(house, as_of=str(START + np.timedelta64(16, "D")))
    assert first.join.predicted() == 3 * ROWS
    assert not first.join.totals().pairs.value  # the labels of a week come with its latest, a month later
    both = updated(house)
    assert both.to_json() == updated(house).to_json() == house.documents.get("joins", "tip")
    assert both.join.to_json()["memory"] == fresh(house).join.to_json()["memory"]


def fresh(house):
    """The same logs, joined for another model's documents."""
    house.documents.put("joins", "tip", RunningJoin(join=FeedbackJoin.empty(RUNNING)).to_json())
    return updated(house)


class Small:
    """Three batches of each log, one day each; labels come a day later."""

    def __init__(self, folder):
        self.datasets = ParquetDatasets(folder / "data")
        self.documents = JsonDocuments(folder / "records", folder / "reports")
        for day in range(3):
            table, label = rides(np.random.default_rng(day), 50, 0)
            table["predicted_at"] = np.full(50, START + np.timedelta64(day, "D"))
            table["prediction_id"] += 50 * day
            seen = table["predicted_at"] + np.timedelta64(1, "D")
            feedback = {"prediction_id": table["prediction_id"], "observed_at": seen, "label": label}
            self.datasets.write("tip/predictions", f"day{day}", [table], time="predicted_at")
            self.datasets.write("tip/feedback", f"day{day}", [feedback], time="observed_at")


def test_killed_at_any_read_or_write_and_run_again_it_is_as_if_it_had_not_been(tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "_ROWS_BETWEEN", 120)
    sizes = {"buckets": 2, "slots": 2, "outcomes": Outcomes(bins=4)}
    small = Small(tmp_path)
    whole = updated(small, **sizes).to_json()
    assert whole["join"]["memory"]["tallies"]["newest"] is not None
    for fatal in range(100):
        small.documents.put("joins", "tip", RunningJoin(join=FeedbackJoin.empty(replace(RUNNING, **sizes))).to_json())
        dying = Dying(small, fatal)
        try:
            update_join(dying, dying, model="tip", as_of=LATER, policy=replace(RUNNING, **sizes))
        except KeyboardInterrupt:
            assert updated(small, **sizes).to_json() == whole
        else:
            break
    assert fatal == 14  # six batches are opened and read, two states stored


class Dying:
    """Datasets and documents of which one call is the last."""

    def __init__(self, house, fatal):
        self.house, self.left = house, fatal

    def _call(self):
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1

    def batches(self, name):
        return self.house.datasets.batches(name)

    def scan(self, name, **asked):
        self._call()
        for rows in self.house.datasets.scan(name, **asked):
            yield rows
            self._call()

    def get(self, kind, name):
        return self.house.documents.get(kind, name)

    def put(self, kind, name, record):
        self._call()
        self.house.documents.put(kind, name, record)


def test_versions_are_told_apart_and_the_oldest_gives_way(house):
    rng = np.random.default_rng(5)
    for number, version in enumerate(("4", "5"), start=4):
        house.add(rng, number, version=version, flip=0.3)
    found = updated(house)
    for version in ("3", "4", "5"):
        same_metrics(running_metrics(found, version=version)["cumulative"], labelled(house, versions=(version,)))
    same_metrics(running_metrics(found)["cumulative"], labelled(house, versions=("3", "4", "5")))

    house.documents.put("joins", "tip", RunningJoin(join=FeedbackJoin.empty(replace(RUNNING, buckets=3))).to_json())
    few = updated(house, buckets=3)
    assert few.versions == ("4", "5")
    same_metrics(running_metrics(few, version="5")["cumulative"], labelled(house, versions=("5",)))
    assert few.join.predicted(bucket=0) == 4 * ROWS
    with pytest.raises(InputError, match="last 2 that predicted, 4, 5, got '3'"):
        running_metrics(few, version="3")


class Logs:
    """Two empty logs, and labels that are right."""

    def __init__(self, folder):
        self.datasets = ParquetDatasets(folder / "data")
        self.documents = JsonDocuments(folder / "records", folder / "reports")

    def predict(self, name, ids, days, version="1"):
        score = np.full(len(ids), 0.9)
        when = START + np.asarray(days, dtype="m8[D]")
        table = {"prediction_id": np.asarray(ids), "predicted_at": when.astype("M8[us]"), "score": score}
        table |= {"prediction": np.ones(len(ids), dtype=int), "model_version": np.full(len(ids), version, dtype=object)}
        if not np.isscalar(version):
            table["model_version"] = np.array(version, dtype=object)
        self.datasets.write("tip/predictions", name, [table], time="predicted_at")

    def label(self, name, ids, days):
        when = (START + np.asarray(days, dtype="m8[D]")).astype("M8[us]")
        table = {"prediction_id": np.asarray(ids), "observed_at": when, "label": np.ones(len(ids), dtype=int)}
        self.datasets.write("tip/feedback", name, [table], time="observed_at")


def test_no_label_goes_before_its_prediction_not_even_in_a_file_of_all_labels_so_far(tmp_path):
    """Room for 20 early labels; each week 100 predictions, and a file of all labels since the first week."""
    logs, days = Logs(tmp_path), np.arange(400) // 100 * 7
    for week in range(4):
        logs.predict(f"week{week}", np.arange(100) + 100 * week, np.full(100, 7 * week))
        so_far = np.arange(100 * week + 100)
        logs.label(f"week{week}", so_far, days[so_far] + 1)
    found = running_metrics(updated(logs, early=20, recent=10, buckets=2), outcomes=10)
    assert (found["exact"], found["cumulative"]["labelled"], found["predictions"]) == (True, 400, 400)


def test_labels_of_a_batch_of_predictions_that_goes_on_find_theirs(tmp_path):
    """Predictions of a week in one batch, labels day by day, and room for 20 labels without prediction."""
    logs, days = Logs(tmp_path), np.arange(700) // 100
    logs.predict("week", np.arange(700), days)
    for day in range(7):
        logs.label(f"day{day}", np.flatnonzero(days == day), np.full(100, day))
    sizes = {"early": 20, "recent": 10, "buckets": 2}
    midway = updated(logs, as_of=str(START + np.timedelta64(3, "D")), **sizes)
    assert (midway.join.exact, midway.join.totals().pairs.value, len(midway.join.memory.early)) == (True, 400, 0)
    assert updated(logs, **sizes).join.totals().pairs.value == 700


def test_metrics_say_what_moment_they_are_as_of_which_is_the_latest_the_join_knows(tmp_path):
    logs = Logs(tmp_path)
    assert running_metrics(updated(logs))["as_of"] is None
    logs.predict("a", [1, 2], [0, 4])
    logs.label("a", [1], [9])
    early, late = (str(START + np.timedelta64(day, "D")) for day in (1, 9))
    assert np.datetime64(running_metrics(updated(logs, as_of=early))["as_of"]) == START + np.timedelta64(4, "D")
    for as_of in (late, early):  # asked for an earlier moment, it does not forget
        assert np.datetime64(running_metrics(updated(logs, as_of=as_of))["as_of"]) == START + np.timedelta64(9, "D")


def test_the_version_that_is_longest_unused_gives_way_not_the_one_seen_first(tmp_path):
    logs = Logs(tmp_path)
    for number, version in enumerate(("1", "2", "1", "3")):
        logs.predict(f"batch{number}", [number], [number], version)
    found = updated(logs, buckets=3)
    assert found.versions == ("1", "3")
    assert [found.join.predicted(bucket=found.bucket(version)) for version in found.versions] == [2, 1]
    assert found.join.predicted(bucket=0) == 1


def test_versions_of_one_batch_go_by_number_and_names_come_after(tmp_path):
    logs = Logs(tmp_path)
    logs.predict("all", range(5), np.zeros(5), ["10", "9", "trial", "100", "²"])
    assert updated(logs).versions == ("9", "10", "100", "trial", "²")
    logs.documents.put("joins", "tip", RunningJoin(join=FeedbackJoin.empty(replace(RUNNING, buckets=4))).to_json())
    assert updated(logs, buckets=4).versions == ("100", "trial", "²")


WRONG = {
    "versions": [None, 5, ["1", "1"], [1, 2], ["1"], [str(n) for n in range(40)]],
    "numbers": [None, [99, 1], [1], [1, 1], ["1", "2"], [1.0, 2.0], [True, 2], [10**30, 1]],
    "done": [5, None, [["a"]], ["ab"], [["a", 1]], [["a", "b", "c"]], [[[], []]]],
    "join": [None, [], {}, {"format": 2}],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_damaged_record_is_refused(name, value):
    running = RunningJoin(join=FeedbackJoin.empty(RUNNING), versions=("1", "2"), numbers=(2, 1))
    record = json.loads(json.dumps(running.to_json()))
    assert RunningJoin.from_json(record).to_json() == record
    with pytest.raises(InputError):
        RunningJoin.from_json(record | {name: value})


def test_with_little_room_metrics_are_estimates_with_intervals(house):
    found = running_metrics(updated(house, capacity=400), version="3")
    accuracy = found["cumulative"]["metrics"]["accuracy"]
    rows = labelled(house)
    assert not found["exact"]
    assert accuracy["low"] < accuracy["value"] < accuracy["high"]
    assert abs(accuracy["value"] - (rows["label"] == rows["prediction"]).mean()) < 4 * (
        accuracy["high"] - accuracy["value"]
    )


def test_before_anything_was_predicted_metrics_are_null(tmp_path):
    house = House(tmp_path)
    found = running_metrics(updated(house, as_of="2023-01-01"))
    assert (found["predictions"], found["cumulative"]["metrics"]["accuracy"]["value"]) == (0, None)
    json.dumps(found, allow_nan=False)


def test_another_policy_or_format_is_refused(house):
    updated(house)
    with pytest.raises(InputError, match="policy it was begun with"):
        updated(house, capacity=5)
    with pytest.raises(InputError, match="bucket for old versions"):
        updated(house, buckets=1)
    house.documents.put("joins", "tip", house.documents.get("joins", "tip") | {"format": 9})
    with pytest.raises(InputError, match="format 1"):
        updated(house)
    house.documents.put("joins", "tip", {"format": 1})
    with pytest.raises(InputError, match="lacks"):
        updated(house)
