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


def test_batches_are_taken_in_once_and_late_ones_when_they_are_whole(house):
    first = updated(house, as_of=str(START + np.timedelta64(16, "D")))
    assert first.join.predicted() == 2 * ROWS
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
