import json

import numpy as np
import pytest

from upkeep.adapters.health_picture import HealthPicture
from upkeep.adapters.json_documents import JsonDocuments
from upkeep.adapters.parquet_datasets import ParquetDatasets
from upkeep.core.columns import select
from upkeep.core.drift.adversary_baseline import AdversaryBaseline
from upkeep.core.drift.spending import spend
from upkeep.core.feedback.intervals import clopper_pearson
from upkeep.core.feedback.reference import ModelReference
from upkeep.core.profile.profile import Profile
from upkeep.core.profile.samples import RowSample
from upkeep.errors import InputError
from upkeep.stages.monitor import MonitorPolicy, monitor

START = np.datetime64("2024-01-01", "us")
ROWS = 2_000


class Registry:
    """The two calls of a tracker that monitoring makes."""

    def __init__(self, reference):
        self.champion = "3"
        self.reference = reference.to_json()

    def version(self, model, alias):
        assert (model, alias) == ("tip", "champion")
        return self.champion

    def record(self, model, version, name):
        assert (model, name) == ("tip", "reference")
        return json.loads(json.dumps(self.reference))


def rides(rng, rows, week, *, moved=0.0, broken=0.0, flip=0.0):
    """Rows of one week: features, score and label."""
    fare = rng.gamma(2, 5, rows) + moved
    score = np.clip(rng.normal(0.5, 0.25, rows), 0, 1)
    label = (rng.random(rows) < score).astype(int)
    return {
        "prediction_id": np.arange(rows) + 1_000_000 * (week + 2),
        "predicted_at": START
        + np.timedelta64(7 * week, "D")
        + np.sort(rng.integers(0, 7 * 86_400, rows)).astype("m8[s]"),
        "model_version": np.full(rows, "3", dtype=object),
        "prediction": (score >= 0.5).astype(int),
        "score": score,
        "fare": np.where(rng.random(rows) < broken, np.nan, fare),
        "zone": rng.choice(np.array(["Queens", "Bronx", "Kings"], dtype=object), rows),
    }, np.where(rng.random(rows) < flip, 1 - label, label)


class House:
    """A workspace with four weeks of predictions, the last of which went wrong."""

    def __init__(self, folder, adversary=False):
        rng = np.random.default_rng(1)
        self.datasets = ParquetDatasets(folder / "data")
        self.documents = JsonDocuments(folder / "records", folder / "reports")
        held_out, label = rides(rng, 6_000, -1)
        reference = ModelReference.fit(
            table={"fare": held_out["fare"], "zone": held_out["zone"]},
            scores=held_out["score"],
            labels=label,
            when=held_out["predicted_at"],
        )
        self.registry = Registry(reference)
        if adversary:
            self.registry.reference["adversary"] = AdversaryBaseline.fit(
                {"fare": held_out["fare"], "zone": held_out["zone"]},
                held_out["prediction_id"],
                np.full(6_000, np.nan),
                held_out["predicted_at"],
                seed=1,
            ).to_json()
        for week in range(4):
            self.add(rng, week, **({"moved": 4.0, "broken": 0.2, "flip": 0.4} if week == 3 else {}))

    policy = MonitorPolicy(dataset="trips")

    def add(self, rng, week, *, batch="", version="3", rows=ROWS, begin_h=0, **changes):
        table, label = rides(rng, rows, week, **changes)
        table["predicted_at"] = np.minimum(
            table["predicted_at"] + np.timedelta64(begin_h, "h"), START + np.timedelta64(7 * week + 7, "D") - 1
        )
        table["model_version"][:] = version
        self.datasets.write("tip/predictions", batch or f"week{week}", [table], time="predicted_at")
        seen = table["predicted_at"] + np.timedelta64(12, "h")
        late = (table["zone"] == "Bronx") & (rng.random(rows) < 0.5)
        seen[late] += np.timedelta64(30, "D")
        feedback = {"prediction_id": table["prediction_id"], "observed_at": seen, "label": label}
        self.datasets.write("tip/feedback", batch or f"week{week}", [feedback], time="observed_at")

    def monitor(self, week, policy=None, as_of_days=0):
        since, until = (START + np.timedelta64(7 * w, "D") for w in (week, week + 1))
        as_of = until + np.timedelta64(as_of_days, "D")
        return self.look(since=str(since), until=str(until), as_of=str(as_of), policy=policy or MonitorPolicy())

    def look(self, *, since, until, as_of, policy=policy):
        return monitor(
            self.datasets,
            self.registry,
            self.documents,
            HealthPicture(),
            model="tip",
            since=since,
            until=until,
            as_of=as_of,
            policy=policy,
        )


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
    assert [(slow["column"], slow["level"]) for slow in report["delays"]["slow"]] == [("zone", "Bronx")]
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
    pending = np.arange(300) < 20  # 20 of 100 in Queens, none elsewhere
    house.datasets.write("tip/predictions", "p", [table], time="predicted_at")
    feedback = {"prediction_id": table["prediction_id"], "observed_at": np.full(300, seen), "label": label}
    house.datasets.write("tip/feedback", "f", [{k: v[~pending] for k, v in feedback.items()}], time="observed_at")
    when = {"since": "2024-03-01", "until": "2024-03-04", "as_of": "2024-03-04"}

    first = house.look(**when)
    assert [slow["level"] for slow in first["delays"]["slow"]] == ["Queens"]
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
    with pytest.raises(InputError, match="until must be a UTC time"):
        monitor(
            house.datasets, house.registry, house.documents, HealthPicture(), model="tip",
            since="2024-01-01", until="next week", as_of="2024-01-08", policy=MonitorPolicy(),
        )  # fmt: skip


def test_predictions_of_another_threshold_are_refused(house):
    house.registry.reference["threshold"] = 0.7
    with pytest.raises(InputError, match=r"must be 1 where the score is at least 0.7"):
        house.monitor(0)


def test_columns_are_described_and_the_windows_profile_and_a_sample_are_kept(house):
    report = house.monitor(3)
    fare = report["columns"]["fare"]
    distances = {d["name"]: d for d in fare["distances"]}
    reference = ModelReference.from_json(house.registry.reference)
    profile = Profile.from_json(house.documents.get("profiles", "tip/2024-01-29"), reference.profile.grid)
    sample = RowSample.from_json(house.documents.get("samples", "tip/2024-01-29"))

    assert fare["mean"] - fare["mean_before"] == pytest.approx(4.0, abs=0.6)
    assert fare["null_share"] == pytest.approx(0.2, abs=0.03)
    assert distances["ks"]["statistic"] == next(
        f["statistic"] for f in report["drift"] if (f["column"], f["distance"]) == ("fare", "ks")
    )
    assert {"psi", "jensen_shannon", "wasserstein"} <= set(distances)
    assert report["histograms"][0]["column"] == "fare"
    assert report["histograms"][0]["missing"] == [0.0, fare["null_share"]]
    assert (profile.rows, sample.seen, len(sample.ids)) == (ROWS, ROWS, 1_000)
    assert set(sample.rows) == {"fare", "zone", "score"}


def test_the_batches_a_window_lies_in_do_not_matter(house, tmp_path):
    whole = house.monitor(2)
    other = House(tmp_path / "other")
    rows = other.datasets.read("tip/predictions", since="2024-01-15", until="2024-01-22")
    split = ParquetDatasets(tmp_path / "split")
    for part in range(5):
        split.write("tip/predictions", f"p{part}", [select(rows, np.arange(ROWS) % 5 == part)], time="predicted_at")
    split.write("tip/feedback", "all", [other.datasets.read("tip/feedback")], time="observed_at")
    other.datasets = split
    again = other.monitor(2)

    assert again["columns"] == whole["columns"]
    assert again["drift"] == whole["drift"]


def test_an_adversary_goes_from_window_to_window_and_says_which_column_moved(tmp_path):
    house = House(tmp_path, adversary=True)
    reports = [house.monitor(week) for week in range(4)]
    weeks = [report["adversary"] for report in reports]
    again = house.monitor(3, as_of_days=1)["adversary"]

    assert [week["drifted"] for week in weeks] == [False, False, False, True]
    assert weeks[3]["columns"][0]["column"] == "fare"
    assert weeks[3]["sentence"] in reports[3]["sentences"]
    assert again["auc"] == weeks[3]["auc"]  # a second look does not learn the same rows twice
    assert "reference" not in house.documents.get("adversaries", "tip/v3/2024-01-29")


def test_a_version_without_an_adversary_is_monitored_as_before(house):
    assert house.monitor(0)["adversary"] is None


def other_version(house, columns, *, week=1, rows=300, first=True):
    """Predictions of a version 2 with other columns, before or after those of version 3 in the same week."""
    table, _ = rides(np.random.default_rng(9), rows, week)
    table["prediction_id"] += 500_000
    table["model_version"][:] = "2"
    name = "a-before" if first else "z-after"
    kept = {column: values for column, values in table.items() if column not in {"fare", "zone"} - set(columns)}
    house.datasets.write("tip/predictions", name, [kept], time="predicted_at")


@pytest.mark.parametrize("first", [True, False])
def test_what_another_version_logged_does_not_decide_what_is_watched(house, first):
    other_version(house, ["zone"], first=first)
    report = house.monitor(1)
    assert (report["version"], report["rows"], report["unwatched"]) == ("3", ROWS, [])
    assert set(report["columns"]) == {"fare", "zone", "score"}


def test_a_column_that_is_not_logged_any_more_is_named_and_stops_nothing(tmp_path):
    house = House(tmp_path, adversary=True)
    rows = house.datasets.read("tip/predictions", since="2024-01-01", until="2024-01-08")
    del rows["zone"]
    house.datasets = ParquetDatasets(tmp_path / "other")
    house.datasets.write("tip/predictions", "b", [rows], time="predicted_at")
    report = house.monitor(0)

    assert report["unwatched"] == ["zone"]
    assert report["adversary"] is None
    assert "Not logged any more, and so not watched: zone." in report["sentences"]


def test_rows_of_one_version_with_different_columns_are_refused(house):
    rows, _ = rides(np.random.default_rng(9), 300, 1)
    rows["prediction_id"] += 500_000
    del rows["zone"]
    house.datasets.write("tip/predictions", "z", [rows], time="predicted_at")
    with pytest.raises(InputError, match=r"same columns, but from 2024-01-08.*\['zone'\]"):
        house.monitor(1)


def test_a_look_is_spent_even_if_another_version_replaces_its_report(house):
    assert [house.monitor(0)["look"], house.monitor(1)["look"]] == [1, 2]
    other_version(house, ["fare", "zone"], rows=ROWS + 500)
    assert (house.monitor(1)["version"], house.monitor(1)["look"]) == ("2", 1)
    assert house.monitor(2)["look"] == 3
    assert (
        house.documents.get("looks", "tip/v3")["looks"].keys() != house.documents.get("looks", "tip/v2")["looks"].keys()
    )


def test_an_earlier_window_is_not_seen_by_an_adversary_that_knows_a_later_one(tmp_path):
    house, again = House(tmp_path / "a", adversary=True), House(tmp_path / "b", adversary=True)
    house.monitor(0)
    house.monitor(3)
    later = house.monitor(1)["adversary"]
    again.monitor(0)
    assert again.monitor(1)["adversary"]["auc"] == later["auc"]


@pytest.mark.parametrize("wrong", [{"alpha": 3.9}, {"floor": -1.0}, {"floor": float("nan")}])
def test_a_policy_that_cannot_be_kept_is_refused(wrong):
    with pytest.raises(InputError, match="section monitor"):
        MonitorPolicy(**wrong)
