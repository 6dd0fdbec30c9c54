import pytest
from tests.monitor_house import House

from upkeep.stages.first_estimate import first_estimate


def report(value, *, window="2024-01-15", version="3", labelled=0, look=1, **changes):
    accuracy = {"combined": {"value": value, "low": value - 0.01, "high": value + 0.01, "rows": 500}}
    facts = {"window": window, "version": version, "as_of": window, "labelled": labelled, "rows": 500, "look": look}
    return facts | {"accuracy": accuracy} | changes


FACTS = {"window": "2024-01-15", "version": "3", "as_of": "2024-01-20", "labelled": 480}


def test_the_second_look_carries_what_the_first_has_said():
    assert first_estimate([report(0.81)], FACTS) == {
        "as_of": "2024-01-15",
        "labelled": 0,
        "rows": 500,
        "look": 1,
        "value": 0.81,
        "low": pytest.approx(0.80),
        "high": pytest.approx(0.82),
    }


def test_the_third_look_still_carries_the_first():
    first = first_estimate([report(0.81)], FACTS)
    second = report(0.79, labelled=480, look=2, first=first)
    assert first_estimate([second], FACTS) == first


@pytest.mark.parametrize("earlier", [[], [report(0.8, window="2024-01-08")], [report(0.8, version="2")]])
def test_a_first_look_has_nothing_to_carry(earlier):
    assert first_estimate(earlier, FACTS) is None


def test_a_second_report_that_carries_nothing_is_taken_for_the_first():
    """Reports of before there was such a thing."""
    assert first_estimate([report(0.8, first=None)], FACTS)["value"] == 0.8


def test_the_estimate_of_the_window_alone_is_told_where_there_is_one():
    estimate = {"value": 0.82, "low": 0.815, "high": 0.825}
    stored = report(0.8)
    stored["accuracy"]["estimate"] = estimate
    assert first_estimate([stored], FACTS).items() >= estimate.items()


def test_it_reads_reports_as_the_monitor_stores_them(tmp_path):
    house = House(tmp_path)
    early = house.monitor(1, as_of_days=-6)
    assert early["labelled"] < early["rows"] / 4
    first = first_estimate([early], {name: early[name] for name in ("window", "version", "since")})
    assert first["low"] <= first["value"] <= first["high"]
    assert (first["as_of"], first["labelled"], first["look"]) == (early["as_of"], early["labelled"], 1)
