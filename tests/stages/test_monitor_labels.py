import numpy as np
import pytest
from tests.monitor_house import START, House

from upkeep.core.feedback.expectation import LabelExpectation
from upkeep.core.feedback.join import join_labels
from upkeep.core.feedback.metrics.binary import binary_metrics
from upkeep.stages.monitor import MonitorPolicy

WEEK = np.timedelta64(7, "D")


@pytest.fixture
def house(tmp_path):
    return House(tmp_path, labels=True)


def _look(house, week, as_of, policy=House.policy):
    since = START + week * WEEK
    return house.look(since=str(since), until=str(since + WEEK), as_of=str(as_of), policy=policy)


def test_every_metric_has_a_band_before_any_label_and_is_the_plain_one_after_all(house):
    soon, late = START + np.timedelta64(1, "h"), START + np.timedelta64(90, "D")
    before, after = _look(house, 0, soon), _look(house, 0, late)

    assert before["labelled"] == 0
    assert before["performance"]["assumption"].startswith("No concept shift")
    for name, metric in before["performance"]["metrics"].items():
        real = after["performance"]["metrics"][name]
        assert metric["low"] <= real["value"] <= metric["high"], name
        assert real["low"] == real["high"] == real["value"]
    assert before["accuracy"]["estimate"]["value"] == before["performance"]["metrics"]["accuracy"]["value"]
    assert "with 0% of 2000 labels in" in before["sentence"]
    table = house.datasets.read("tip/predictions", since=str(START), until=str(START + WEEK))
    label = join_labels(table, house.datasets.read("tip/feedback"), late)["label"]
    plain = binary_metrics(label, table["score"])
    assert {name: m["value"] for name, m in after["performance"]["metrics"].items()} == pytest.approx(plain, abs=1e-12)
    assert after["first"] == {
        "as_of": str(soon),
        "labelled": 0,
        "rows": 2000,
        "look": 1,
        **{end: before["accuracy"]["estimate"][end] for end in ("value", "low", "high")},
    }


def test_a_report_says_when_there_will_be_enough_labels(house):
    now = START + WEEK
    wide, narrow = (_look(house, 0, now, MonitorPolicy(precision=p))["delays"]["ready_at"] for p in (0.05, 0.02))
    assert str(now - np.timedelta64(1, "h")) < wide <= str(now)  # enough are in since the newest label
    assert narrow is None  # all 2,000 labels leave a half-width of .0204


def test_a_harmed_week_is_seen_with_part_of_its_labels_and_informs_the_next_look(house):
    harmed = house.monitor(3)
    assert harmed["accuracy"]["change"]["high"] < 0
    assert harmed["accuracy"]["estimate"]["high"] < harmed["accuracy"]["unlabelled"]["value"]
    assert harmed["kitagawa"]["concept"] + harmed["kitagawa"]["covariate"] == pytest.approx(
        harmed["accuracy"]["change"]["value"]
    )
    assert house.documents.names("shifts", "tip/v3/") == ["tip/v3/2024-01-29"]


def test_a_window_is_not_told_of_itself(house, tmp_path):
    first = house.monitor(1)
    again = house.monitor(1, as_of_days=1)
    other = House(tmp_path / "other", labels=True)
    assert other.monitor(1, as_of_days=1)["performance"] == again["performance"] != first["performance"]


def test_who_is_late_and_whether_labels_have_become_slower_is_told(house):
    report = house.monitor(3)
    assert report["delays"]["due_h"] == pytest.approx(
        732, abs=1
    )  # half of the labels of one zone took a month before too
    assert report["delays"]["change"]["slower"] is False
    assert [slow["clauses"] for slow in house.monitor(3, as_of_days=40)["delays"]["slow"]] == []


def test_an_expectation_that_lacks_a_column_says_nothing(house):
    record = house.registry.reference["labels"]
    house.registry.reference["labels"] = record | {"columns": [*record["columns"], "gone"]}
    report = house.monitor(0)
    assert report["performance"] is None
    assert report["accuracy"]["estimate"] == report["accuracy"]["combined"]


def test_an_expectation_is_stored_and_read_back(house):
    record = house.registry.reference["labels"]
    assert LabelExpectation.from_json(record).to_json() == record


def test_metrics_of_a_sample_are_told_as_such_and_are_the_plain_ones_once_all_labels_are_in(house, monkeypatch):
    monkeypatch.setattr("upkeep.stages.health_window.ROWS", 500)
    part, whole = house.monitor(1), house.monitor(1, as_of_days=60)
    assert (part["performance"]["rows"], part["performance"]["of"]) == (500, 2_000)
    for name, metric in part["performance"]["metrics"].items():
        assert (metric["low"], metric["high"]) == (metric["rate_low"], metric["rate_high"])
        assert metric["low"] < whole["performance"]["metrics"][name]["value"] < metric["high"], name
    assert whole["accuracy"]["estimate"]["value"] == pytest.approx(whole["accuracy"]["labelled"]["value"], abs=1e-12)


def test_a_feed_that_is_behind_is_no_slower_label(house):
    lag = np.timedelta64(36, "h")
    late = _look(house, 0, START + WEEK + lag)["delays"]["change"]
    feed = house.datasets.read("tip/feedback", until=str(START + WEEK))
    behind = House(house.folder / "behind", labels=True, feed=False)
    behind.datasets.write("tip/feedback", "f", [feed], time="observed_at")
    assert _look(behind, 0, START + WEEK + lag)["delays"]["change"]["slower"] is False
    assert late["slower"] is False


def test_a_label_that_is_sent_again_is_no_later_for_that(house):
    before = house.monitor(0, as_of_days=60)["delays"]
    again = house.datasets.read("tip/feedback", until=str(START + WEEK))
    again["observed_at"] = again["observed_at"] + np.timedelta64(30, "D")
    house.datasets.write("tip/feedback", "again", [again], time="observed_at")
    after = house.monitor(0, as_of_days=61)["delays"]
    assert after["median_delay_h"] == before["median_delay_h"]
    assert after["change"] | {"look": 0} == before["change"] | {"look": 0, **_ends(after)}


def _ends(delays):
    """The second look spends less, so its limits are further apart."""
    return {end: delays["change"][end] for end in ("low", "high", "alpha")}


def test_a_window_within_another_is_told_of_neither_and_keeps_its_own_account(house):
    house.monitor(0)
    half = house.look(since="2024-01-05", until="2024-01-08", as_of="2024-01-09", policy=House.policy)
    alone = House(house.folder / "alone", labels=True).look(
        since="2024-01-05", until="2024-01-08", as_of="2024-01-09", policy=House.policy
    )
    assert half["performance"]["metrics"] == alone["performance"]["metrics"]
    assert half["first"] is None


def test_a_look_before_anything_of_the_window_could_be_known_is_an_estimate(house):
    before = _look(house, 1, START + WEEK - np.timedelta64(1, "h"))
    assert before["labelled"] == 0
    assert before["delays"]["change"] is None
    assert before["delays"]["slow"] == []
    low, value, high = (before["accuracy"]["estimate"][name] for name in ("low", "value", "high"))
    assert low < value < high
    assert _look(house, 1, START + 2 * WEEK)["first"]["value"] == value
