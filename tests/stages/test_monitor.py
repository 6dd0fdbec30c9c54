import numpy as np
import pytest
from tests.monitor_house import ROWS, START, House, rides

from upkeep.core.drift.spending import spend
from upkeep.core.feedback.intervals import clopper_pearson
from upkeep.errors import InputError
from upkeep.stages.monitor import MonitorPolicy


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_a_healthy_week_raises_nothing(house):
    report = house.monitor(0)

    assert report["window"] == "2024-01-08"
    assert (report["version"], report["look"], report["rows"]) == ("3", 1, ROWS)
    assert report["drifted"] == []
    assert {f["column"] for f in report["drift"]} == {"fare", "zone", "score"}
    change = report["accuracy"]["change"]
    assert change["low"] < 0 < change["high"]
    assert report["accuracy"]["labelled"]["rows"] == report["labelled"] < ROWS
    assert sum(report["kitagawa"][part] for part in ("covariate", "concept", "outside")) == pytest.approx(
        change["value"]
    )
    assert "No column drifted." in report["sentence"]
    assert "at most 0.05" in report["promise"]


def test_what_went_wrong_is_named(house):
    report = house.monitor(3)

    assert report["drifted"] == ["fare"]
    assert {f["distance"] for f in report["drift"] if f["drifted"]} == {"ks", "null_rate"}
    assert report["accuracy"]["change"]["high"] < 0
    assert report["kitagawa"]["concept"] < -0.1
    assert "worse than the reference's" in report["sentence"]
    assert [slow["clauses"] for slow in report["delays"]["slow"]] == [["zone = Bronx"]]
    assert 12 <= report["delays"]["median_delay_h"] < 24


def test_the_report_is_stored_with_its_picture(house, tmp_path):
    report = house.monitor(0)

    assert house.documents.get("health", "tip/2024-01-08") == report
    assert report["picture"] == "health/tip/2024-01-08.svg"
    assert (tmp_path / "reports" / report["picture"]).read_text().startswith("<svg")


def test_looks_are_numbered_and_an_unchanged_window_keeps_its_number(house, tmp_path):
    assert [house.monitor(week)["look"] for week in (0, 2, 1)] == [1, 2, 3]
    page = tmp_path / "reports/health/tip/2024-01-22.svg"
    before = house.documents.get("health", "tip/2024-01-22")
    again = house.monitor(2)
    assert again == before
    picture = page.read_bytes()
    house.monitor(2)
    assert page.read_bytes() == picture


@pytest.mark.parametrize(
    "change",
    ["another moment", "labels", "a corrected label", "rows", "another begin", "another policy", "refused rows"],
)
def test_a_window_of_which_more_is_known_is_a_new_look(house, change):
    since, until = ("2024-01-01", "2024-01-08")
    when = {"since": since, "until": until, "as_of": until}
    first, _ = house.look(**when), house.monitor(1)
    row = {"prediction_id": np.array([2_000_000]), "label": np.array([1])}
    if change == "labels":
        pending = house.datasets.read("tip/predictions", since=since, until=until)["prediction_id"][-1:]
        seen = np.array(["2024-01-07T23:59:59"], dtype="M8[us]")
        house.datasets.write(
            "tip/feedback", "more", [row | {"prediction_id": pending, "observed_at": seen}], time="observed_at"
        )
    elif change == "a corrected label":
        known = house.datasets.read("tip/feedback", until=until)
        last = np.flatnonzero(known["observed_at"] < np.datetime64(until))[-1:]
        again = {"prediction_id": known["prediction_id"][last], "label": 1 - known["label"][last]}
        house.datasets.write(
            "tip/feedback", "z", [again | {"observed_at": known["observed_at"][last]}], time="observed_at"
        )
    elif change == "rows":
        house.add(np.random.default_rng(9), 0, batch="late")
    elif change == "refused rows":
        for table, rows in (("clean", 90), ("quarantine", 10)):
            at = np.full(rows, "2024-01-02", dtype="M8[us]")
            why = np.full(rows, "between(fare)", dtype=object)
            house.datasets.write(f"trips/{table}", "b", [{"at": at, "reasons": why}], time="at")
    when |= {"another moment": {"as_of": "2024-01-09"}, "another begin": {"since": "2024-01-02"}}.get(change, {})
    policy = {"another policy": MonitorPolicy(alpha=0.1)}.get(change, house.policy)

    again = house.look(**when, policy=policy)
    assert (first["look"], again["look"]) == (1, 3)
    assert house.look(**when, policy=policy) == again == house.documents.get("health", "tip/2024-01-08")


def test_a_promotion_between_scoring_and_monitoring_changes_nothing(house):
    before = house.monitor(0)
    for champion in ("4", None):
        house.registry.champion = champion
        assert house.monitor(0) == before
        assert house.monitor(1)["version"] == "3"


def test_the_version_of_most_predictions_is_looked_at_and_only_its_rows(house):
    rng = np.random.default_rng(5)
    house.add(rng, 0, batch="later", version="4", rows=500, begin_h=100)
    assert (house.monitor(0)["version"], house.monitor(0)["rows"]) == ("3", ROWS)  # a few late rows do not decide
    house.add(rng, 0, batch="rest", version="4", rows=ROWS, begin_h=100)
    report = house.monitor(0)
    assert (report["version"], report["look"], report["rows"]) == ("4", 1, ROWS + 500)


def test_late_labels_change_the_plain_estimate_into_the_combined_one(house):
    soon, later = house.monitor(0), house.monitor(0, as_of_days=60)
    assert soon["labelled"] < later["labelled"] == ROWS
    assert later["accuracy"]["combined"] == later["accuracy"]["labelled"]


def test_labels_seen_after_the_window_count_up_to_the_moment_of_looking(house):
    week = house.datasets.read("tip/predictions", since="2024-01-01", until="2024-01-08")["prediction_id"]
    feedback = house.datasets.read("tip/feedback")
    of_week = np.isin(feedback["prediction_id"], week)
    for as_of in ("2024-01-08", "2024-01-08T06:00:00", "2024-02-01"):
        report = house.look(since="2024-01-01", until="2024-01-08", as_of=as_of)
        assert report["labelled"] == (of_week & (feedback["observed_at"] <= np.datetime64(as_of))).sum()
        assert (report["window"], report["rows"]) == ("2024-01-08", ROWS)


def test_the_interval_of_the_accuracy_pays_for_every_look(house):
    house.monitor(1)
    report = house.monitor(0, as_of_days=60)
    rows, now = report["rows"], report["accuracy"]["labelled"]
    each = spend(0.05 / 4 / 2, 2)
    assert report["look"] == 2
    assert (now["low"], now["high"]) == clopper_pearson(round(now["value"] * rows), rows, each)


def test_the_naming_of_slow_groups_pays_for_every_look(house):
    seen = np.datetime64("2024-03-02", "us")
    table, label = rides(np.random.default_rng(3), 300, 8)
    table["zone"] = np.repeat(np.array(["Queens", "Bronx", "Kings"], dtype=object), 100)
    table["predicted_at"] = np.full(300, "2024-03-01", dtype="M8[us]")
    pending = np.arange(300) < 35  # 35 of 100 in Queens, none elsewhere
    house.datasets.write("tip/predictions", "p", [table], time="predicted_at")
    feedback = {"prediction_id": table["prediction_id"], "observed_at": np.full(300, seen), "label": label}
    house.datasets.write("tip/feedback", "f", [{k: v[~pending] for k, v in feedback.items()}], time="observed_at")
    when = {"since": "2024-03-01", "until": "2024-03-04", "as_of": "2024-03-04"}

    first = house.look(**when)
    assert [slow["clauses"] for slow in first["delays"]["slow"]] == [["zone = Queens"]]
    house.documents.put("health", "tip/2024-01-01", first | {"window": "2024-01-01", "look": 999})
    late = house.look(**when | {"as_of": "2024-03-05"})
    assert (late["look"], late["delays"]["slow"]) == (1_000, [])


def test_a_column_may_move_as_much_as_it_always_did(house):
    house.registry.reference["tolerances"] = {"168": {"fare:ks": 0.9, "fare:null_rate": 0.0}}
    found = {f["distance"]: f for f in house.monitor(3)["drift"] if f["column"] == "fare"}
    assert (found["ks"]["tolerance"], found["ks"]["drifted"]) == (0.9, False)
    assert (found["null_rate"]["tolerance"], found["null_rate"]["drifted"]) == (0.02, True)


def test_the_policy_chooses_columns_floor_and_dataset(house):
    refused = {"pickup": START + np.arange(500).astype("m8[s]"), "x": np.arange(500.0)}
    # Half of the quarantine was delivered twice, which says nothing about the source.
    refused["reasons"] = np.where(np.arange(500) < 50, "expect_rows_not_to_be_in_another_batch(row_id)", "x").astype(
        object
    )
    house.datasets.write("trips/quarantine", "week3", [{k: v[:100] for k, v in refused.items()}], time="pickup")
    house.datasets.write("trips/clean", "week3", [{k: v[100:] for k, v in refused.items()}], time="pickup")

    assert house.monitor(0, MonitorPolicy(dataset="trips"))["quarantine_share"] == 50 / 450
    assert house.monitor(0)["quarantine_share"] == 0.0
    assert {f["column"] for f in house.monitor(3, MonitorPolicy(features=["zone"]))["drift"]} == {"zone", "score"}
    assert house.monitor(3, MonitorPolicy(floor=0.9))["drifted"] == []
    with pytest.raises(InputError, match=r"\['colour'\] are not"):
        house.monitor(0, MonitorPolicy(features=["colour"]))


def test_a_champion_predictions_and_readable_times_are_needed(house):
    with pytest.raises(InputError, match="from 2024-03-04"):
        house.monitor(9)
    house.registry.champion = None
    with pytest.raises(InputError, match="Train and promote one first"):
        house.monitor(9)


def test_predictions_of_another_threshold_are_refused(house):
    house.registry.reference["threshold"] = 0.7
    with pytest.raises(InputError, match=r"must be 1 where the score is at least 0.7"):
        house.monitor(0)
