"""The zone table against its known size and against real trips that carry borough names."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from upkeep.core.simulation.boroughs import ZONES, boroughs

TAXI = Path(__file__).parents[3].parent / "shared" / "data" / "taxi"
NAMES_IN_THE_CITY = ("Bronx", "Brooklyn", "Manhattan", "Queens", "Staten Island")


def _column(file: str, name: str) -> list[str]:
    with (TAXI / file).open(newline="") as lines:
        return [row[name] for row in csv.DictReader(lines)]


def test_every_zone_from_1_to_265_belongs_to_exactly_one_borough() -> None:
    ids = [int(zone) for zones in ZONES.values() for zone in zones.split()]
    assert sorted(ids) == list(range(1, 266))


def test_boroughs_have_as_many_zones_as_the_commission_says() -> None:
    sizes = {name: len(zones.split()) for name, zones in ZONES.items()}
    assert sizes == {
        "Manhattan": 69, "Queens": 69, "Brooklyn": 61, "Bronx": 43, "Staten Island": 20, "EWR": 1, "Unknown": 2
    }  # fmt: skip


@pytest.mark.parametrize("end", ["pickup", "dropoff"])
def test_shares_of_real_trips_agree_with_a_sample_that_names_its_boroughs(end: str) -> None:
    yellow = np.array(_column("nyc_taxis_2019-03_seaborn.csv", "color")) == "yellow"
    names = np.array(_column("nyc_taxis_2019-03_seaborn.csv", f"{end}_borough"))[yellow]
    assert len(names) > 5000
    zones = [
        int(z)
        for month in ("01", "02")
        for z in _column(f"yellow_tripdata_sample_2019-{month}.csv", f"{end}_location_id")
    ]
    ours = boroughs(zones)
    # The sample of March drops most trips of unknown places, so shares are among the known ones; 20,000 against 5,000
    # trips leave at most 0.005 of chance.
    for borough in NAMES_IN_THE_CITY:
        expected = np.mean(names[names != ""] == borough)
        assert np.mean(ours[np.isin(ours, NAMES_IN_THE_CITY)] == borough) == pytest.approx(expected, abs=0.015)


def test_the_airports_lie_where_they_are() -> None:
    assert boroughs([132, 138, 1]).tolist() == ["Queens", "Queens", "EWR"]  # JFK, LaGuardia, Newark


def test_an_id_that_means_nothing_is_unknown() -> None:
    assert boroughs([0, -3, 266, np.nan, np.inf, 265]).tolist() == ["Unknown"] * 6
