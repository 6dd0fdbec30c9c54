import re
from xml.etree import ElementTree

import pytest

from upkeep.adapters.health_picture import HealthPicture


def health(window, accuracy, *, width=0.03, change_high=0.01):
    findings = [
        {"column": f"feature_{i}", "distance": "null_rate" if i % 3 else "ks", "statistic": 0.3 / (i + 1),
         "low": max(0.0, 0.3 / (i + 1) - 0.05), "high": 0.3 / (i + 1) + 0.05, "tolerance": 0.02, "drifted": i < 3}
        for i in range(20)
    ]  # fmt: skip
    return {
        "model": "taxi_tip",
        "version": "3",
        "window": window,
        "sentence": "Accuracy 71.0% & falling: <worse>.",
        "drift": findings,
        "accuracy": {
            "combined": {"value": accuracy, "low": accuracy - width, "high": accuracy + width},
            "reference": {"value": 0.78},
            "change": {"high": change_high},
        },
    }


@pytest.fixture(scope="module")
def life():
    good = [
        health(f"2024-{month:02}-{day:02}", 0.78 + 0.01 * (-1) ** day) for month in (1, 2) for day in (1, 8, 15, 22)
    ]
    return [*good, health("2024-03-01", 0.73, change_high=-0.01), health("2024-03-08", 0.70, change_high=-0.02)]


@pytest.fixture(scope="module")
def picture(life):
    return HealthPicture().draw(life[-1], life[:-1])


def test_it_is_one_svg_element_that_names_what_it_shows(picture):
    root = ElementTree.fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.attrib["role"] == "img"
    assert root[0].text == "Accuracy 71.0% & falling: <worse>."


def test_it_needs_no_other_address_font_script_or_date(picture):
    namespaces = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert set(re.findall(r"https?://[^\"' <>]+", picture)) <= namespaces
    assert not re.search(r"<script|<!DOCTYPE|<image|font-family|<metadata", picture)


def test_the_same_reports_give_the_same_bytes(picture, life):
    assert HealthPicture().draw(life[-1], life[:-1]) == picture


def test_the_first_window_of_a_life_can_be_drawn(life):
    assert HealthPicture().draw(life[0], []).startswith("<svg")


def test_a_long_life_is_cut_to_its_last_windows(life):
    long = HealthPicture().draw(life[-1], life[:-1] * 40)
    assert len(long) < 400_000
