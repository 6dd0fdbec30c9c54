"""What a stage needs from the outside world, and nothing about who provides it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One batch of a dataset as it lies in the store: written whole, or not there at all.

    `since` and `until` are the first and last value of the time column (ISO 8601, microseconds, UTC),
    empty strings for a batch without rows. `digest` is the SHA-256 over the files' hashes.
    """

    dataset: str
    batch: str
    rows: int
    since: str
    until: str
    digest: str
    files: tuple[str, ...] = field(repr=False)
    meta: Json = field(default_factory=dict, repr=False)


class Datasets(Protocol):
    """Append-only tables, date-partitioned; a batch is taken in once. `name` is like ``yellow_trips/raw``."""

    def write(
        self,
        name: str,
        batch: str,
        chunks: Iterator[Columns] | Sequence[Columns],
        *,
        time: str,
        meta: Json | None = None,
    ) -> Batch:
        """Store a batch partitioned by the date of column `time`; if it is there already, change nothing."""

    def find(self, name: str, batch: str) -> Batch | None: ...

    def batches(self, name: str) -> list[Batch]:
        """Every whole batch, oldest first (by `since`, then by id)."""

    def export(self, name: str, batch: str, path: str) -> None:
        """Write a batch as one Parquet file; the same batch gives the same bytes."""

    def read(
        self,
        name: str,
        *,
        batches: Sequence[str] | None = None,
        since: str | None = None,
        until: str | None = None,
        columns: Sequence[str] | None = None,
    ) -> Columns:
        """Rows in a fixed order (batch, then date, then as written); time is limited to [since, until)."""

    def scan(
        self,
        name: str,
        *,
        batches: Sequence[str] | None = None,
        since: str | None = None,
        until: str | None = None,
        columns: Sequence[str] | None = None,
    ) -> Iterator[Columns]:
        """The rows of `read` in its order, part by part, so that a dataset larger than memory can be gone through.

        A part has a bounded number of rows, or none. A column with gaps has its type of `read` only in parts with gaps:
        whole numbers are integers in one part and floats in another.
        """


Advance = Callable[[int], None]  # told how many rows are done since it was last told


class LargeTable(Protocol):
    """A table that is gone through in parts, as it may be larger than memory."""

    rows: int | None  # None if they are known at the end only

    @property
    def left_out(self) -> Mapping[str, str]:
        """Columns that cannot be counted, and the type that they are of."""

    def sample(self, most: int, *, columns: Sequence[str] | None = None, advance: Advance | None = None) -> Columns:
        """`most` rows drawn uniformly, or all; always the same of one table. Without `columns`, of all that can be counted."""

    def profile(self, grid: ReferenceGrid, *, workers: int = 2, advance: Advance | None = None) -> Profile:
        """Every row counted; the same bits with any number of workers."""


class Documents(Protocol):
    """Small JSON records by kind and id, written atomically: health reports, decisions, verdicts, references."""

    def put(self, kind: str, name: str, record: Json) -> None: ...
    def create(self, kind: str, name: str, record: Json) -> bool:
        """Store a record only if there is none of the name; of several at once, one is told True."""

    def get(self, kind: str, name: str) -> Json | None: ...
    def names(self, kind: str, prefix: str = "") -> list[str]:
        """Ids of a kind that start with `prefix`, sorted."""

    def put_text(self, kind: str, name: str, text: str) -> str:
        """Store a page or a picture under its full file name; returns its path relative to the reports' root."""


class SourceBatch(Protocol):
    """One file (or object) of a source, opened."""

    uri: str
    digest: str  # SHA-256 of the content, hex

    @property
    def kinds(self) -> dict[str, str]:
        """Column name as the source spells it -> integer|number|text|datetime|boolean|null; may cost a pass over it."""

    def chunks(self, kinds: Mapping[str, str]) -> Iterator[Columns]:
        """Rows as `Columns` under the source's spelling, each column converted to the kind asked for."""


class BatchSource(Protocol):
    def list(self, uri: str) -> list[str]:
        """The files a path, folder or URL stands for, sorted."""

    def open(self, uri: str) -> SourceBatch: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What one expectation of a suite said about a table.

    `rows` are positions of failing rows where the expectation is about rows, else empty.
    `crashed` means that the check could not be carried out, which is never a pass.
    """

    expectation: str
    column: str
    severity: str  # info | warn | error
    success: bool
    crashed: bool
    rows: NDArray[np.int64] = field(repr=False)
    observed: str
    message: str


class Validator(Protocol):
    def run(self, suite: Json, table: Columns) -> list[CheckResult]:
        """One result per expectation of the suite, in its order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetVersion:
    """An immutable snapshot of a dataset: the same content has the same version."""

    dataset: str
    tag: str  # dataset/<name>/<date>-<n>
    revision: str  # git commit of the data repository
    digest: str  # md5 over the paths and md5s of its files, 32 hex digits
    files: tuple[str, ...]
    rows: int
    meta: Json = field(default_factory=dict, repr=False)


class VersionStore(Protocol):
    def add(
        self, dataset: str, writers: Mapping[str, Callable[[str], None]], *, date: str, rows: int, meta: Json
    ) -> DatasetVersion:
        """Version files of a dataset beside those it has, push them, and verify the upload object by object.

        `writers` maps a file's name in the dataset (``features/4f2a.parquet``) to a function that writes it to a path.
        """

    def find(self, tag: str) -> DatasetVersion: ...
    def versions(self, dataset: str) -> list[DatasetVersion]:
        """Oldest first."""

    def pull(self, tag: str) -> list[str]:
        """Paths of the version's files, fetched from the remote where needed, each verified against its md5."""


class Scorer(Protocol):
    """A model that has been fitted or loaded."""

    version: str
    run_id: str

    def score(self, table: Columns) -> NDArray[np.float64]:
        """Probability of the positive class per row, shape (n,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Everything a run records about one fitted model."""

    model: str
    params: Mapping[str, str | int | float | bool]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    dataset_name: str
    dataset_digest: str
    records: Mapping[str, Json] = field(default_factory=dict, repr=False)  # artifact name -> JSON


class Trainer(Protocol):
    def fit(
        self, factory: str, table: Columns, label: NDArray[np.int64], params: Json, weights: NDArray[Any] | None = None
    ) -> Any:
        """Build the estimator with ``module:function`` and fit it, each row as often as `weights` say; opaque to the stage."""

    def score(self, model: Any, table: Columns) -> NDArray[np.float64]: ...


class Tracker(Protocol):
    """Runs and the model registry."""

    def log(self, training: Training, model: Any, example: Columns) -> tuple[str, str]:
        """Record the run, register the model, point alias `challenger` at it; returns (run id, model version).

        The same `tags["upkeep.training_id"]` gives the same run and version, however often it is called.
        """

    def version(self, model: str, alias: str) -> str | None: ...
    def load(self, model: str, version: str) -> Scorer: ...
    def record(self, model: str, version: str, name: str) -> Json:
        """A JSON artifact of the version's run."""

    def attach(self, model: str, version: str, name: str, record: Json) -> None:
        """Put a JSON artifact beside those of the version's run; one of the same name is replaced."""

    def set_alias(self, model: str, alias: str, version: str) -> None: ...
    def tag_version(self, model: str, version: str, tags: Mapping[str, str]) -> None: ...


class Painter(Protocol):
    def draw(self, report: Json, history: Sequence[Json]) -> str:
        """A health report as one self-contained SVG; `history` are the reports of earlier windows, oldest first."""
