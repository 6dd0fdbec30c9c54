"""The demo's life, and health reports as the monitor stores them."""

from pathlib import Path

import numpy as np
import pytest

from upkeep.adapters.life_file import read_life


@pytest.fixture
def life():
    return read_life(Path(__file__).parents[2] / "dags" / "config" / "taxi.yaml")


@pytest.fixture
def health_report():
    def of(window, drop):
        return {
            "window": window,
            "since": str(np.datetime64(window) - 7),
            "version": "1",
            "labelled": 10_000,
            "accuracy": {"change": {"value": -drop, "low": -drop - 0.01, "high": 0.01 - drop}},
            "kitagawa": {"change": -drop, "covariate": 0.0, "concept": -drop, "outside": 0.0},
            "drifted": [],
            "drift": [],
            "quarantine_share": 0.0,
        }

    return of
