import pytest

from upkeep.core.profile.histogram import Histogram
from upkeep.core.retrain.recipes import augment, upsample

MILES = Histogram(
    column="miles",
    kind="numeric",
    edges=(0.0, 1.0, 2.0, 3.0, 9.0),
    before=(0.5, 0.4, 0.09, 0.01),
    after=(0.2, 0.3, 0.495, 0.005),
    missing=(0.0, 0.5),
)


def test_cells_of_a_number_column_are_open_at_both_ends_and_thin_ones_join():
    found = upsample([MILES], columns=1)["weights"]
    assert [(cell.get("low"), cell.get("high")) for cell in found] == [
        (None, 1.0),
        (1.0, 2.0),
        (2.0, 3.0),
        (3.0, None),
        (None, None),
    ]
    assert [cell["now"] for cell in found] == [pytest.approx(share) for share in (0.1, 0.15, 0.2475, 0.0025, 0.5)]
    assert found[-1]["missing"]
    assert found[-1]["weight"] == 10.0
    assert sum(cell["now"] for cell in found) == pytest.approx(1.0)


def test_levels_of_few_rows_are_weighed_together():
    shown = Histogram(
        column="place",
        kind="category",
        levels=("city", "hill", "other"),
        before=(0.98, 0.01, 0.01),
        after=(0.6, 0.01, 0.39),
        missing=(0.0, 0.0),
    )
    city, rest = upsample([shown], columns=1)["weights"]
    assert (city["levels"], rest["other"], rest["now"]) == (["city"], True, pytest.approx(0.4))


def test_no_more_columns_are_weighed_by_than_wanted_and_none_if_none_moved():
    two = upsample([MILES, MILES], columns=1)
    assert two == upsample([MILES], columns=1)
    assert upsample([], columns=3) is None
    assert upsample([MILES], columns=0) is None


def test_augment_names_the_adversary_and_how_much_of_what_it_tells_apart():
    assert augment("adversaries/tip/v1/2024-01-08", since="2024-01-01", share=0.5) == {
        "name": "augment",
        "adversary": "adversaries/tip/v1/2024-01-08",
        "since": "2024-01-01",
        "share": 0.5,
        "mass": 0.5,
    }
