from dataclasses import dataclass, field

import numpy as np
import pytest

from upkeep.adapters.parquet_datasets import ParquetDatasets
from upkeep.core.feedback.intervals import clopper_pearson
from upkeep.errors import InputError
from upkeep.stages.labels import append_feedback, feedback_state

DAY = np.datetime64("2024-01-01", "us")


@dataclass
class File:
    uri: str
    digest: str
    parts: list
    kinds: dict = field(default_factory=lambda: {"label": "integer", "prediction_id": "integer", "observed_at": "text"})

    def chunks(self, kinds):
        assert kinds == {"prediction_id": "integer", "observed_at": "datetime", "label": "integer"}
        yield from self.parts


class Folder:
    def __init__(self, *files):
        self.files = {file.uri: file for file in files}

    def list(self, uri):
        assert uri == "feedback"
        return sorted(self.files)

    def open(self, uri):
        return self.files[uri]


def part(ids, labels, day=0):
    seen = np.full(len(ids), DAY + np.timedelta64(day, "D"))
    return {"label": np.array(labels), "observed_at": seen, "prediction_id": np.array(ids), "note": np.array(ids)}


def predictions(datasets, correct, wrong):
    rows = correct + wrong
    table = {
        "prediction_id": np.arange(rows),
        "predicted_at": np.full(rows, DAY),
        "prediction": np.repeat([1, 0], [correct, wrong]),
    }
    datasets.write("tip/predictions", "b1", [table], time="predicted_at")


@pytest.fixture
def datasets(tmp_path):
    return ParquetDatasets(tmp_path)


def test_every_file_is_taken_in_once_whatever_its_name(datasets):
    one, again = File("a.csv", "1" * 64, [part([1], [0]), part([2], [1])]), File("b.csv", "1" * 64, [part([1], [0])])
    first = append_feedback(Folder(one), datasets, uri="feedback", model="tip")
    second = append_feedback(Folder(one, again), datasets, uri="feedback", model="tip")

    assert [(b.batch, b.rows) for b in first] == [("1" * 16, 2)]
    assert second == first * 2
    log = datasets.read("tip/feedback")
    assert log["prediction_id"].tolist() == [1, 2]
    assert log["label"].tolist() == [0, 1]
    assert list(log) == ["prediction_id", "observed_at", "label"]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (part([3, 4], [1, 2]), r"column 'label' must have 0 or 1 .* 2 in row 2"),
        (part([3, 4], [np.nan, 1.0]), r"column 'label' must have a value .* nan in row 1"),
        (part([3, 4], [1, 0], "NaT"), "column 'observed_at' must have a value in every row"),
    ],
)
def test_a_bad_row_refuses_the_whole_file(datasets, bad, message):
    with pytest.raises(InputError, match=message):
        append_feedback(Folder(File("a.csv", "2" * 64, [part([9], [1]), bad])), datasets, uri="feedback", model="tip")
    assert datasets.batches("tip/feedback") == []

    append_feedback(Folder(File("a.csv", "3" * 64, [part([9], [1])])), datasets, uri="feedback", model="tip")
    assert datasets.read("tip/feedback")["prediction_id"].tolist() == [9]


def test_an_absent_column_is_named(datasets):
    file = File("a.csv", "2" * 64, [], kinds={"id": "integer", "label": "integer"})
    with pytest.raises(InputError, match=r"a\.csv lacks observed_at, prediction_id"):
        append_feedback(Folder(file), datasets, uri="feedback", model="tip")


def test_the_state_counts_labels_known_by_then(datasets):
    predictions(datasets, correct=30, wrong=10)
    files = File("a", "1" * 64, [part(range(20), [1] * 20, 1)]), File("b", "2" * 64, [part([38, 39, 77], [1] * 3, 5)])
    append_feedback(Folder(*files), datasets, uri="feedback", model="tip")

    def state(as_of):
        return feedback_state(datasets, model="tip", since="2024-01-01", until="2024-01-08", as_of=as_of)

    early, late = state("2024-01-03"), state("2024-01-06T00:00:00")
    assert (early.predicted, early.labelled, early.pending) == (40, 20, 20)
    assert (late.labelled, late.pending) == (22, 18)
    low, high = clopper_pearson(20, 22, 0.05)
    assert late.half_width == (high - low) / 2
    assert early.since == "2024-01-01"


def test_nothing_predicted_or_labelled_is_the_widest_interval(datasets):
    nothing = feedback_state(datasets, model="tip", since="2024-01-01", until="2024-01-08", as_of="2024-01-08")
    predictions(datasets, 5, 5)
    unlabelled = feedback_state(datasets, model="tip", since="2024-01-01", until="2024-01-08", as_of="2024-01-08")
    assert (nothing.predicted, nothing.half_width) == (0, 0.5)
    assert (unlabelled.predicted, unlabelled.pending, unlabelled.half_width) == (10, 10, 0.5)
