"""The version stage: which files, which date, which rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from upkeep.adapters.parquet_datasets import ParquetDatasets
from upkeep.errors import InputError
from upkeep.ports import DatasetVersion, Json
from upkeep.stages.version import version_dataset


class Recorder:
    """A version store that runs the writers into a folder and remembers what it was told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(
        self, dataset: str, writers: Mapping[str, Callable[[str], None]], *, date: str, rows: int, meta: Json
    ) -> DatasetVersion:
        for name, write in writers.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            write(str(self.folder / name))
        return DatasetVersion(
            dataset=dataset, tag=date, revision="", digest="", files=tuple(writers), rows=rows, meta=meta
        )

    def find(self, tag: str) -> DatasetVersion:
        raise NotImplementedError

    def versions(self, dataset: str) -> list[DatasetVersion]:
        raise NotImplementedError

    def pull(self, tag: str) -> list[str]:
        raise NotImplementedError


def filled(folder: Path, rows: Mapping[str, int]) -> ParquetDatasets:
    datasets = ParquetDatasets(folder)
    for name, n in rows.items():
        when = np.datetime64("2024-01-30T12:00:00", "us") + np.arange(n) * np.timedelta64(1, "D")
        datasets.write(name, "4f2a", [{"at": when, "x": np.arange(n)}], time="at")
    return datasets


def test_a_version_holds_each_table_as_one_file_dated_by_the_last_table_s_first_day(tmp_path: Path) -> None:
    datasets = filled(tmp_path / "data", {"trips/clean": 5, "trips/features": 3})
    made = version_dataset(
        datasets, Recorder(tmp_path), dataset="trips", batch="4f2a", meta={"source": "a.csv", "validation": "v"}
    )
    assert made.files == ("clean/4f2a.parquet", "features/4f2a.parquet")
    assert [pq.read_metadata(tmp_path / name).num_rows for name in made.files] == [5, 3]
    assert (made.tag, made.rows) == ("2024-01-30", 3)
    assert made.meta == {"source": "a.csv", "validation": "v", "batch": "4f2a"}


def test_tables_can_be_chosen(tmp_path: Path) -> None:
    datasets = filled(tmp_path / "data", {"trips/raw": 2})
    made = version_dataset(datasets, Recorder(tmp_path), dataset="trips", batch="4f2a", tables=["raw"], meta={})
    assert made.files == ("raw/4f2a.parquet",)


@pytest.mark.parametrize(
    ("rows", "tables", "problem"),
    [
        ({"trips/clean": 2}, ("clean", "features"), "trips/features must hold batch '4f2a'"),
        ({"trips/clean": 2, "trips/features": 0}, ("clean", "features"), "must have rows"),
        ({"trips/clean": 2}, (), "must have tables"),
    ],
)
def test_what_cannot_be_versioned_is_refused(
    tmp_path: Path, rows: dict[str, int], tables: tuple[str, ...], problem: str
) -> None:
    datasets = filled(tmp_path / "data", rows)
    with pytest.raises(InputError, match=problem):
        version_dataset(datasets, Recorder(tmp_path), dataset="trips", batch="4f2a", tables=tables, meta={})
