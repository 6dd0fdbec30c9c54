import numpy as np
import pytest
from tests.monitor_house import ROWS, House, rides

from upkeep.adapters.parquet_datasets import ParquetDatasets
from upkeep.core.columns import select
from upkeep.core.feedback.reference import ModelReference
from upkeep.core.profile.profile import Profile
from upkeep.core.profile.samples import RowSample
from upkeep.errors import InputError
from upkeep.stages.monitor import MonitorPolicy


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


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
    assert house.documents.names("looks") == [
        f"tip/v{look}" for look in ("2/000001", "3/000001", "3/000002", "3/000003")
    ]


def test_two_looks_at_once_are_two_and_those_of_before_are_counted(house):
    class Late(type(house.documents)):
        """Others look at another window just before this one takes its number."""

        def create(self, kind, name, record):
            if not self.names("looks", "tip/v3/"):
                super().create(kind, "tip/v3/000003", {"facts": "of another window"})
            return super().create(kind, name, record)

    house.documents.put("looks", "tip/v3", {"looks": {"a": 1, "b": 2}})
    house.documents.__class__ = Late
    assert house.monitor(0)["look"] == 4
    assert house.monitor(0)["look"] == 4
    assert house.monitor(1)["look"] == 5


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


@pytest.mark.parametrize("text", ["now", "today", "2024-01-08T00:00:00+02:00", "08.01.2024"])
def test_a_time_is_iso_and_utc(house, text):
    with pytest.raises(InputError, match="until must be a UTC time like"):
        house.look(since="2024-01-01", until=text, as_of="2024-02-01")


def test_windows_that_end_on_one_day_have_reports_of_their_own(house):
    ends = ["2024-01-08T06:00", "2024-01-08T12:30:05", "2024-01-08"]
    reports = [house.look(since="2024-01-01", until=end, as_of="2024-01-09") for end in ends]
    assert [report["window"] for report in reports] == ["2024-01-08T060000", "2024-01-08T123005", "2024-01-08"]
    assert house.documents.names("health", "tip/") == sorted(f"tip/{report['window']}" for report in reports)
