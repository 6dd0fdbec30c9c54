import shutil

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score
from tests.monitor_house import START, House

from upkeep.core.feedback.intervals import clopper_pearson
from upkeep.core.feedback.join import join_labels
from upkeep.stages.realize import RealizedPainter, realize


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def after(weeks):
    return str(START + np.timedelta64(round(168 * weeks), "h"))


def realized(house, weeks, **kwargs):
    return realize(house.datasets, house.documents, model="tip", as_of=after(weeks), **kwargs)


def labelled_rows(house, week, as_of):
    since, until = after(week), after(week + 1)
    rows = house.datasets.read("tip/predictions", since=since, until=until)
    rows = join_labels(rows, house.datasets.read("tip/feedback"), np.datetime64(as_of))
    return {name: values[~np.isnan(rows["label"])] for name, values in rows.items()}


def test_a_window_turns_out_to_be_what_a_plain_count_says(house):
    house.monitor(1)
    (record,) = realized(house, 2)
    rows = labelled_rows(house, 1, after(2))
    correct = int((rows["label"] == rows["prediction"]).sum())
    assert (record["rows"], record["labelled"], record["correct"]) == (2_000, len(rows["label"]), correct)
    assert record["accuracy"]["value"] == pytest.approx(correct / len(rows["label"]))
    ends = record["accuracy"]["low"], record["accuracy"]["high"]
    assert ends == pytest.approx(clopper_pearson(correct, len(rows["label"]), 0.05))
    for name, plain in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score)):
        assert record["metrics"][name] == pytest.approx(plain(rows["label"], rows["prediction"]))
    assert record["metrics"]["roc_auc"] == pytest.approx(roc_auc_score(rows["label"], rows["score"]))


def test_what_is_stored_is_what_is_returned_and_a_repetition_writes_nothing(house, monkeypatch):
    house.monitor(0)
    house.monitor(1)
    first = realized(house, 3)
    assert [house.documents.get("realized", f"tip/{r['window']}") for r in first] == list(first)
    monkeypatch.setattr(house.documents, "put", None)  # calling it would fail
    assert realized(house, 3) == first
    assert realized(house, 3.5) == first  # later, but no label of these windows has come since


def test_late_labels_change_the_record_and_its_sentence_keeps_the_first_estimate(house):
    report = house.monitor(1)
    (early,), (late,) = realized(house, 2), realized(house, 8)
    assert early["labelled"] < late["labelled"] == late["rows"]
    assert late["first"] == early["first"]
    assert late["first"]["labelled"] == report["labelled"]
    accuracy = report["accuracy"]
    assert late["first"]["value"] == accuracy.get("estimate", accuracy["combined"])["value"]
    assert late["sentence"].startswith("First estimated ")
    assert late["sentence"].endswith("with 100% of 2000 labels.")
    assert late["held"] is True


@pytest.mark.parametrize("weeks", [1, 2, 3])
def test_the_final_value_lies_between_the_ends_that_pending_labels_allow(house, weeks):
    house.monitor(1)
    (some,), (all_in,) = realized(house, weeks), realized(house, 8)
    assert some["lowest"] <= all_in["accuracy"]["value"] <= some["highest"]
    assert all_in["lowest"] == all_in["highest"] == all_in["accuracy"]["value"]


def test_a_concept_shift_shows_as_an_estimate_that_did_not_hold(house):
    """Week 3 has turned 40 % of its labels round: what was said without labels cannot be right."""
    house.monitor(3, as_of_days=-7)
    (record,) = realized(house, 8)
    assert record["first"]["labelled"] == 0
    assert record["held"] is False


def test_without_any_label_nothing_is_said_but_the_estimate(house):
    house.monitor(1, as_of_days=-7)
    (record,) = realized(house, 1)
    assert (record["labelled"], record["accuracy"]["value"], record["held"]) == (0, None, None)
    assert (record["lowest"], record["highest"]) == (0.0, 1.0)
    assert record["sentence"].endswith("with 0 labels; no label has come since.")


def test_a_corrected_label_is_seen(house):
    house.monitor(1)
    (before,) = realized(house, 8)
    rows = labelled_rows(house, 1, after(8))
    wrong = {
        "prediction_id": rows["prediction_id"][:50],
        "observed_at": np.full(50, np.datetime64(after(9), "us")),
        "label": 1 - rows["label"][:50].astype(int),
    }
    house.datasets.write("tip/feedback", "corrected", [wrong], time="observed_at")
    (now,) = realized(house, 10)
    assert (now["labelled"], before["labelled"]) == (2_000, 2_000)
    assert now["correct"] != before["correct"]


def test_only_the_last_windows_are_looked_at(house):
    for week in range(3):
        house.monitor(week)
    assert len(realized(house, 8, windows=2)) == 2
    assert house.documents.names("realized", "tip/") == ["tip/2024-01-15", "tip/2024-01-22"]


def test_rows_of_another_version_do_not_count(house):
    house.monitor(1)
    (alone,) = realized(house, 8)
    rows = house.datasets.read("tip/predictions", batches=["week1"])
    other = rows | {"model_version": np.full(2_000, "4", dtype=object), "prediction": 1 - rows["prediction"]}
    house.datasets.write("tip/predictions", "other", [other], time="predicted_at")
    assert realized(house, 8) == (alone,)


@pytest.mark.parametrize("logs", [["predictions"], ["feedback"], ["predictions", "feedback"]])
def test_what_is_known_is_kept_when_the_logs_were_cut(house, tmp_path, logs):
    house.monitor(1)
    known = realized(house, 8)
    for log in logs:
        shutil.rmtree(tmp_path / "data" / "tip" / log)
    assert realized(house, 9) == known


def test_without_a_report_there_is_nothing_to_do(house):
    assert realized(house, 8) == ()


class Easel:
    """A painter that shows what it was given."""

    def draw(self, report, history):
        return report, history


def test_reports_are_handed_on_with_what_became_of_them(house):
    reports = [house.monitor(0), house.monitor(1)]
    (record,) = realized(house, 2, windows=1)
    painter = RealizedPainter(Easel(), house.documents)
    seen, (before,) = painter.draw(reports[1], reports[:1])
    assert (before["realized"], seen["realized"]) == (None, record)
    assert [{k: v for k, v in report.items() if k != "realized"} for report in (before, seen)] == reports
