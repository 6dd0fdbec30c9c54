"""What a newer model would win, from the logs of a life: each label judges once, and a look again takes the first's place."""

from itertools import pairwise

import numpy as np
import pytest
from tests.monitor_house import START, House

from upkeep.adapters.sklearn_trainer import SklearnTrainer
from upkeep.core.retrain.decision import DecisionPolicy
from upkeep.stages.recent_gain import Corrector
from upkeep.stages.suggest import health_facts, suggest

WEEK = np.timedelta64(7, "D")


def trees(seed=0):
    from upkeep.adapters.backtest_model import boosted

    return boosted().set_params(histgradientboostingclassifier__max_iter=20)


def stubborn():
    """An estimator that knows of two columns, and takes no third."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(monotonic_cst=[1])


def corrector(**changes):
    settings = {
        "trainer": SklearnTrainer(),
        "factory": f"{__name__}:trees",
        "features": ("fare", "zone"),
        "params": {"seed": 0},
        "policy": DecisionPolicy(),
    }
    return Corrector(**settings | changes)


@pytest.fixture
def house(tmp_path):
    """A quiet week, the last one of the old answers, and two in which nearly every answer is the other."""
    made = House(tmp_path)
    made.corrector = corrector()
    for week in (4, 5):
        made.add(np.random.default_rng(week), week, flip=0.9)
    return made


def gains(house):
    names = house.documents.names("gains", "tip/v3/")
    return {name.rpartition("/")[2]: house.documents.get("gains", name) for name in names}


def test_a_newer_model_that_would_be_better_is_told_and_suggested(house):
    reports = [house.monitor(week) for week in (1, 2, 4, 5)]

    assert reports[0]["recoverable"] is None
    quiet, turned = reports[1]["recoverable"], reports[3]["recoverable"]
    assert not quiet["certain"]
    assert quiet["sentence"] == "That a model fitted anew on recent labels would be right more often is not certain."
    assert turned["certain"]
    assert turned["tolerated"] < turned["low"] < turned["gain"] < turned["high"]
    assert turned["first"] == reports[3]["window"]
    assert turned["sentence"] in reports[3]["sentences"]
    policy = DecisionPolicy(accepted=("fare",))
    decision, _ = suggest(house.documents, model="tip", window=reports[3]["window"], policy=policy, state={})
    assert (decision.action, decision.due) == ("retrain", True)
    assert "a model fitted anew on recent labels is right more often by" in decision.sentence
    assert decision.gain_low == pytest.approx(10_000 * turned["low"])
    assert decision.recipes[0]["name"] == "recent_window"
    assert decision.evidence[-1].endswith(reports[3]["window"])


def test_every_label_judges_once_however_late_it_is(house):
    for week in range(4):
        house.monitor(week)
    last = house.monitor(5, as_of_days=60)["recoverable"]

    records = list(gains(house).values())
    assert [record["after"] for record in records[1:]] == [record["until"] for record in records[:-1]]
    feedback = house.datasets.read("tip/feedback")
    moments = [np.datetime64(record["until"], "us") for record in records]
    came = [int(((feedback["observed_at"] > a) & (feedback["observed_at"] <= b)).sum()) for a, b in pairwise(moments)]
    assert [look["rows"] for look in last["looks"]] == came


def test_a_second_look_takes_the_place_of_the_first(house):
    house.monitor(1)
    early = house.monitor(2)["recoverable"]["looks"]
    late = house.monitor(2, as_of_days=3)["recoverable"]["looks"]
    assert len(early) == len(late) == 1
    assert late[0]["rows"] > early[0]["rows"]

    other = House(house.folder / "other")
    other.corrector = house.corrector
    other.monitor(1)
    assert other.monitor(2, as_of_days=3)["recoverable"]["looks"] == late


def test_a_look_at_a_window_before_the_last_takes_no_label_from_those_that_follow(house):
    house.monitor(1)
    house.monitor(2)
    house.monitor(3)
    before = gains(house)
    again = house.monitor(2, as_of_days=40)["recoverable"]

    assert gains(house) == before
    assert len(again["looks"]) == 1
    assert house.monitor(0)["recoverable"] is None
    assert gains(house) == before


def test_an_early_look_without_new_labels_judges_nothing_and_the_next_takes_its_place(house):
    house.monitor(1)
    until = START + 3 * WEEK
    early = house.look(since=str(until - WEEK), until=str(until), as_of=str(until - WEEK))
    assert early["recoverable"] is None
    assert house.monitor(2)["recoverable"]["looks"][0]["rows"] > 1_000


def test_a_version_has_an_account_of_its_own(house):
    house.monitor(1)
    house.monitor(2)
    house.add(np.random.default_rng(9), 6, version="4")
    assert house.monitor(6)["recoverable"] is None
    assert [record["look"]["rows"] > 0 for record in gains(house).values()] == [False, True]
    assert house.documents.names("gains", "tip/v4/") == ["tip/v4/2024-02-19"]


@pytest.mark.parametrize("changes", [{"features": ("fare", "gone")}, {"policy": DecisionPolicy(min_labels=1_500)}])
def test_where_no_correction_can_be_fitted_a_drop_decides_as_before(house, changes):
    house.corrector = corrector(**changes)
    house.monitor(1)
    if "policy" in changes:
        house.corrector = corrector(policy=DecisionPolicy(min_labels=10_000))
    report = house.monitor(2)

    assert report["recoverable"] is None
    assert health_facts("health/x", report, DecisionPolicy()).gain is None


def test_an_estimator_that_refuses_the_score_does_not_stop_the_look(house):
    house.corrector = corrector(factory=f"{__name__}:stubborn", features=("fare",))
    house.monitor(1)
    report = house.monitor(2)

    assert report["recoverable"]["looks"] == []
    assert "is not known: the estimator of" in report["sentences"][-1]
    assert health_facts("health/x", report, DecisionPolicy()).gain is None


def test_a_report_from_before_there_were_corrections_is_readable(house):
    house.corrector = None
    report = house.monitor(1)

    assert "recoverable" not in report
    assert health_facts("health/x", report, DecisionPolicy()).gain is None
