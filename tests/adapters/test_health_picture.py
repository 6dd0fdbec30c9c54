import re
from dataclasses import asdict
from xml.etree import ElementTree

import numpy as np
import pytest

from upkeep.adapters.health_picture import HealthPicture
from upkeep.core.plain import plain
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.histogram import histogram
from upkeep.core.profile.profile import Profile


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


@pytest.fixture(scope="module")
def histograms():
    """One of each sort: bins, wide bins, values, categories, hours, nothing then, nothing now, nothing at all."""
    rng = np.random.default_rng(41)
    day = np.arange("2024-01-01", "2024-01-29", dtype="datetime64[h]").astype("datetime64[us]")
    none = np.full(len(day), np.nan)
    before = {
        "fare": rng.normal(size=len(day)),
        "income": np.exp(2 * rng.normal(size=len(day))),
        "vendor": rng.choice([1.0, 2.0], len(day)),
        "zone of a very long and telling name": rng.choice(np.array(list("abcdefghijkl"), object), len(day)),
        "pickup": day,
        "only_now": none,
        "only_then": rng.normal(size=len(day)),
        "never": none,
        "constant": np.ones(len(day)),
    }
    after = before | {"fare": before["fare"] * 3 + 9, "only_now": before["fare"], "only_then": none}
    grid = ReferenceGrid.fit(before)
    then, now = Profile.build(grid, before), Profile.build(grid, after)
    return {name: plain(asdict(histogram(then, now, name))) for name in before}


def test_histograms_of_every_sort_can_be_drawn(life, histograms):
    shown = list(histograms.values())
    for part in (shown[:6], shown[3:]):
        report = life[-1] | {"histograms": part}
        drawn = HealthPicture().draw(report, life[:-1])
        assert ElementTree.fromstring(drawn)[0].text == report["sentence"]


def test_the_same_histograms_give_the_same_bytes(life, histograms):
    report = life[-1] | {"histograms": list(histograms.values())[:2]}
    assert HealthPicture().draw(report, life[:2]) == HealthPicture().draw(report, life[:2])


def test_a_report_of_before_histograms_were_stored_is_drawn_without_them(picture, life, histograms):
    with_one = HealthPicture().draw(life[-1] | {"histograms": [histograms["fare"]]}, life[:-1])
    height = [float(ElementTree.fromstring(drawn).attrib["height"].removesuffix("pt")) for drawn in (picture, with_one)]
    assert height[0] < height[1]


def test_a_column_that_an_earlier_report_lacks_leaves_a_gap(life):
    first, second = life[0] | {"drift": []}, life[1] | {"drift": life[1]["drift"][5:]}
    assert HealthPicture().draw(life[-1], [first, second]).startswith("<svg")


def test_a_distance_without_values_on_one_side_can_be_drawn(life):
    empty = life[0]["drift"][0] | {"statistic": 0.0, "low": 0.0, "high": 1.0, "drifted": False}
    assert HealthPicture().draw(life[0] | {"drift": [empty]}, []).startswith("<svg")
