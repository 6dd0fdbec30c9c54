"""The profile of a table in parts: cells from a sample, counts of every row, and merges that leave no trace."""

import json
from itertools import pairwise
from random import Random
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upkeep.adapters.json_documents import JsonDocuments
from upkeep.adapters.parquet_datasets import ParquetDatasets
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError
from upkeep.stages import profile_partitions as partitions
from upkeep.stages.profile import drift_since, profile_from_record, profile_record, profile_table


def _table(rows, seed=0, shift=0.0):
    rng = np.random.default_rng(seed)
    return {
        "fare": np.where(rng.random(rows) < 0.05, np.nan, rng.normal(size=rows) + shift),
        "city": rng.choice(np.array(["Bronx", "Queens", None], dtype=object), rows),
        "at": np.datetime64("2026-01-05", "us") + rng.integers(0, 7 * 86_400, rows) * np.timedelta64(1, "s"),
    }


def _text(profile):
    return json.dumps(profile.to_json())


class Memory:
    """`ports.LargeTable` in memory."""

    left_out = MappingProxyType({})

    def __init__(self, table):
        self.table, self.rows, self.workers, self.sampled = table, len(table["fare"]), None, None

    def sample(self, most, *, columns=None, advance=None):
        self.sampled = most
        advance and advance(self.rows)
        return {name: self.table[name][:most] for name in columns or self.table}

    def profile(self, grid, *, workers=2, advance=None):
        self.workers = workers
        advance and advance(self.rows)
        return Profile.build(grid, self.table)


def test_cells_come_from_a_sample_and_counts_from_every_row():
    table, told = Memory(_table(500)), []
    made = profile_table(table, workers=3, advance=told.append)
    assert (table.sampled, table.workers, told) == (1 << 18, 3, [500, 500])
    assert _text(made) == _text(Profile.build(ReferenceGrid.fit(table.table), table.table))


def test_a_grid_at_hand_saves_the_first_pass():
    table, grid = Memory(_table(500)), ReferenceGrid.fit(_table(100, seed=1))
    made = profile_table(table, grid=grid)
    assert (table.sampled, made.grid.digest) == (None, grid.digest)
    assert list(profile_table(table, grid=grid, columns=["city"]).columns) == ["city"]
    assert list(profile_table(table, columns=["fare"]).columns) == ["fare"]


def test_what_cannot_be_profiled_is_said():
    with pytest.raises(InputError, match="workers must be at least 1, got 0"):
        profile_table(Memory(_table(5)), workers=0)
    with pytest.raises(InputError, match="must have rows for cells to be fitted"):
        profile_table(Memory(_table(0)))
    with pytest.raises(InputError, match=r"but \['miles'\] are not"):
        profile_table(Memory(_table(5)), grid=ReferenceGrid.fit(_table(5)), columns=["miles"])


def test_a_record_survives_json_and_says_what_else_it_is():
    made = profile_table(Memory(_table(500)))
    back = profile_from_record(json.loads(json.dumps(profile_record(made), allow_nan=False)), "a.json")
    assert _text(back) == _text(made)
    assert back.grid.to_json() == made.grid.to_json()
    for wrong in ({}, {"format": 9, "grid": {}, "profile": {}}, {"format": 1}):
        with pytest.raises(InputError, match=r"a\.json must be a profile of format 1"):
            profile_from_record(wrong, "a.json")


def test_drift_is_looked_for_in_the_columns_at_hand():
    reference = profile_table(Memory(_table(5_000)))
    same = profile_table(Memory(_table(5_000, seed=1)), grid=reference.grid)
    moved = profile_table(Memory(_table(5_000, seed=1, shift=0.5)), grid=reference.grid, columns=["fare"])
    assert drift_since(reference, same).drifted == ()
    assert drift_since(reference, moved).drifted == ("fare",)


@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 300), max_size=12), seed=st.integers(0, 2**32))
def test_any_split_order_and_association_of_merges_gives_the_same_bytes(cuts, seed):
    table, chance = _table(300), Random(seed)
    table["fare"][:3] = (1e300, -np.inf, -0.0)
    grid = ReferenceGrid.fit(table, bins=32)
    bounds = [0, *sorted(cuts), 300]
    profiles = [
        Profile.build(grid, {name: values[since:until] for name, values in table.items()})
        for since, until in pairwise(bounds)
    ]
    while len(profiles) > 1:  # any two of those left, either way round, by way of their stored form or not
        one, other = (profiles.pop(chance.randrange(len(profiles))) for _ in range(2))
        merged = one.merge(other)
        profiles.append(Profile.from_json(json.loads(_text(merged)), grid) if chance.random() < 0.5 else merged)
    assert _text(profiles[0]) == _text(Profile.build(grid, table))


def test_sums_of_floats_would_not_pass_that_test():
    """The control: the same splits give more than one sum of floats, and one sum of the profile's whole units."""
    fares = np.random.default_rng(0).lognormal(size=300)
    grid = ReferenceGrid.fit({"fare": fares})
    sums, units = set(), set()
    for cut in range(1, 300):
        parts = (fares[:cut], fares[cut:])
        sums.add(float(parts[0].sum() + parts[1].sum()))
        one, other = (Profile.build(grid, {"fare": part}) for part in parts)
        units.add(one.merge(other).columns["fare"].moments)
    assert len(sums) > 1
    assert len(units) == 1


@pytest.fixture
def store(tmp_path):
    datasets = ParquetDatasets(tmp_path / "data")
    for number in range(4):
        datasets.write("trips/features", f"b{number}", [_table(200, seed=number)], time="at")
    return datasets, JsonDocuments(tmp_path / "records", tmp_path / "reports")


NAMES = {"table": "trips/features", "columns": ("fare", "city")}


def test_partitions_add_up_to_one_pass_over_the_table(store):
    datasets, documents = store
    listed = partitions.list_partitions(datasets, documents, **NAMES)
    assert sorted(listed) == ["b0", "b1", "b2", "b3"]
    counted = [partitions.profile_partition(datasets, documents, **NAMES, batch=batch) for batch in listed]
    name, merged = partitions.merge_partitions(documents, **NAMES, partitions=counted)
    table = datasets.read("trips/features")
    assert _text(merged) == _text(Profile.build(ReferenceGrid.fit({n: table[n] for n in NAMES["columns"]}), table))
    assert _text(partitions.stored_profile(documents, name)) == _text(merged)


def test_cells_are_frozen_when_partitions_are_first_listed(store):
    datasets, documents = store
    partitions.list_partitions(datasets, documents, **NAMES)
    first = partitions.profile_partition(datasets, documents, **NAMES, batch="b0")
    datasets.write("trips/features", "b9", [_table(200, seed=9, shift=50)], time="at")
    assert "b9" in partitions.list_partitions(datasets, documents, **NAMES)
    assert partitions.profile_partition(datasets, documents, **NAMES, batch="b0") == first


def test_other_columns_have_cells_of_their_own(store):
    datasets, documents = store
    partitions.list_partitions(datasets, documents, **NAMES)
    others = NAMES | {"columns": ("fare",)}
    with pytest.raises(InputError, match="must be listed before"):
        partitions.profile_partition(datasets, documents, **others, batch="b0")


def test_a_profile_that_is_not_there_is_named(store):
    with pytest.raises(InputError, match="the profile of table gone must be a profile"):
        partitions.stored_profile(store[1], "gone")
