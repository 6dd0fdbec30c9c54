"""The errors that sketches state are kept, and their sketches of one stream are not of one bit."""

import numpy as np
import pytest

from upkeep.core.columns import Coded
from upkeep.core.profile.sketches import LevelSketch, QuantileSketch, sketch_column

pytestmark = pytest.mark.slow

RUNS = 400


def test_the_number_of_levels_is_in_its_interval_in_95_of_100_sketches():
    inside = narrow = 0
    for run in range(RUNS):
        levels = tuple(f"{run}-{level}" for level in range(10_000))
        parts = [Coded(np.arange(start, start + 6_000), levels) for start in (0, 4_000)]
        found = LevelSketch.empty().update(parts[0]).merge(LevelSketch.empty().update(parts[1])).distinct()
        inside += found.low <= len(levels) <= found.high
        narrow += abs(found.estimate - len(levels)) <= (found.high - found.low) / 16
    assert inside / RUNS >= 0.95
    assert narrow / RUNS < 0.6  # the control: an interval of a quarter the width misses


def test_masses_of_a_histogram_are_within_the_stated_error_in_99_of_100_sketches():
    rng = np.random.default_rng(5)
    inside = narrow = 0
    for _ in range(RUNS):
        values = rng.lognormal(0, 2, 20_000)
        sketch = QuantileSketch.empty()
        for part in np.array_split(values, 4):
            sketch = sketch.update(part)
        made = sketch.histogram(30)
        off = np.abs(made.masses - np.histogram(values, made.edges)[0] / len(values)).max()
        inside += off <= made.rank_error
        narrow += off <= made.rank_error / 4
    assert inside / RUNS >= 0.98
    assert narrow / RUNS < 0.5  # the control


def test_quantile_sketches_flip_coins_of_their_own_and_level_sketches_do_not():
    values = np.random.default_rng(6).normal(size=100_000)
    assert len({sketch_column(values).state for _ in range(5)}) > 1
    text = Coded(np.arange(100_000) % 30_000, tuple(map(str, range(30_000))))
    assert sketch_column(text) == sketch_column(text)
