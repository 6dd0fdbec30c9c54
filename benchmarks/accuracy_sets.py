"""Predictions with labels in the order of time, as a reference and the chunks after it: what estimates are judged by.

Five come with nannyml's wheel, predictions included. For the market, the trips and the bicycles a model is trained here on the
first rows, the next are the reference, and the rest come in chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import real_tables
from upkeep.core.columns import Coded, Table
from upkeep.core.simulation.tipping import generous

Kind = Literal["binary", "multiclass", "regression"]
#: Predictions, label and whatever else is no feature.
_ASIDE = {"id", "timestamp", "period", "year", "y_pred", "y_pred_proba", "prediction", "predicted_probability"}
#: Where the predictions in the file are cut, if not at .5.
_THRESHOLDS = {"car loan": 0.65, "California housing": 0.8}
_CARDS = ("prepaid_card", "highstreet_card", "upmarket_card")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Features, scores of shape (n,) or (n, k) or predictions of a regressor, and labels (numbers of classes), shape (n,)."""

    table: Table
    scores: NDArray[np.float64]
    labels: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: slice | NDArray[Any]) -> Rows:
        return Rows(table=rows_of(self.table, rows), scores=self.scores[rows], labels=self.labels[rows])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DataSet:
    """A reference, held out from the model's training, and what came after it in chunks.

    A row of a `binary` set is predicted 1 if its score is at least `threshold`.
    """

    name: str
    kind: Kind
    threshold: float
    reference: Rows
    chunks: list[Rows]


def data_sets(wheel: Path, names: Sequence[str] | None = None) -> Iterator[DataSet]:
    """The data sets of these names, all if left out; `wheel` is the folder of data files in nannyml's package."""
    for name in SETS if names is None else names:
        kind, size, load = SETS[name]
        reference, rest = load(wheel)
        count = max(1, round(len(rest) / size))
        ends = [*range(size, count * size, size), len(rest)]  # less than half a chunk is left to the one before
        chunks = [rest[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        threshold = _THRESHOLDS.get(name, 0.5)
        yield DataSet(name=name, kind=kind, threshold=threshold, reference=reference, chunks=chunks)


def wheel_data(python: Path) -> Path:
    """Where nannyml keeps its data files, in the environment of this interpreter."""
    found = sorted(python.parents[1].glob("lib/python3*/site-packages/nannyml/datasets/data"))
    if not found:
        raise FileNotFoundError(
            f"nannyml's data sets must be in the environment of {python}, but are not. Make it anew."
        )
    return found[-1]


def rows_of(table: Table, rows: slice | NDArray[Any]) -> Table:
    return {name: values[rows] for name, values in table.items()}


def joined(parts: Sequence[Table]) -> Table:
    """One table under the other."""
    return {name: _under([part[name] for part in parts]) for name in parts[0]}


def _under(columns: list[Any]) -> Any:
    if not isinstance(columns[0], Coded):
        return np.concatenate(columns)
    levels = tuple(dict.fromkeys(level for column in columns for level in column.levels))
    number = {level: i for i, level in enumerate(levels)}
    maps = [np.array([*(number[level] for level in column.levels), -1]) for column in columns]
    return Coded(np.concatenate([to[column.codes] for to, column in zip(maps, columns, strict=True)]), levels)


def _read(path: Path) -> dict[str, Any]:
    """A file's columns; text as codes."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv
    import pyarrow.parquet

    found = pyarrow.parquet.read_table(path) if path.suffix == ".pq" else pyarrow.csv.read_csv(path)
    columns: dict[str, Any] = {}
    for name, values in zip(found.schema.names, found.columns, strict=True):
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type) or pa.types.is_boolean(values.type):
            coded = pc.cast(values, pa.string()).combine_chunks().dictionary_encode()
            codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
            columns[name] = Coded(codes, tuple(coded.dictionary.to_pylist()))
        else:
            columns[name] = values.to_numpy()
    return columns


def _binary(reference: str, analysis: str, targets: str, label: str, score: str) -> Callable[[Path], tuple[Rows, Rows]]:
    def load(wheel: Path) -> tuple[Rows, Rows]:
        before, after = _read(wheel / reference), _with_targets(_read(wheel / analysis), _read(wheel / targets))
        return _rows(before, before[score], before[label], label), _rows(after, after[score], after[label], label)

    return load


def _with_targets(after: dict[str, Any], targets: dict[str, Any]) -> dict[str, Any]:
    """Both files beside each other, by `id` if the targets have one, in the order of the predictions."""
    if "id" in targets:
        order = np.argsort(targets["id"], kind="stable")
        at = order[np.searchsorted(targets["id"], after["id"], sorter=order)]
        assert (targets["id"][at] == after["id"]).all(), "every prediction must have its label"
        targets = {name: values[at] for name, values in targets.items()}
    return targets | after


def _rows(columns: dict[str, Any], scores: Any, labels: Any, *aside: str) -> Rows:
    table = {name: values for name, values in columns.items() if name not in _ASIDE and name not in aside}
    known = ~np.isnan(labels.astype(np.float64))
    rows = Rows(table=table, scores=scores.astype(np.float64), labels=labels.astype(np.float64))
    return rows if known.all() else rows[known]


def _cards(wheel: Path) -> tuple[Rows, Rows]:
    before = _read(wheel / "mc_reference.csv")
    after = _with_targets(_read(wheel / "mc_analysis.csv"), _read(wheel / "mc_analysis_gt.csv"))
    return _class_rows(before), _class_rows(after)


def _class_rows(columns: dict[str, Any]) -> Rows:
    names = [f"y_pred_proba_{card}" for card in _CARDS]
    scores = np.stack([columns[name] for name in names], axis=1)
    truth = columns["y_true"]
    number = np.array([_CARDS.index(level) for level in truth.levels])
    return _rows(columns, scores / scores.sum(axis=1, keepdims=True), number[truth.codes], "y_true", *names)


def _cars(wheel: Path) -> tuple[Rows, Rows]:
    before = _read(wheel / "regression_synthetic_reference.csv")
    targets = _read(wheel / "regression_synthetic_analysis_targets.csv")
    after = _with_targets(_read(wheel / "regression_synthetic_analysis.csv"), targets)
    first, then = (_rows(part, part["y_pred"], part["y_true"], "y_true") for part in (before, after))
    return first, then


def _market(_wheel: Path) -> tuple[Rows, Rows]:
    table, _ = real_tables.elec2()
    labels = table.pop("class")
    return _modelled(table, labels, 15_000, 28_000, binary=True)


def _generous(_wheel: Path) -> tuple[Rows, Rows]:
    table, tips = _card_trips()
    return _modelled(table, generous(tips, table["fare_amount"]), 4_000, 8_000, binary=True)


def _tips(_wheel: Path) -> tuple[Rows, Rows]:
    table, tips = _card_trips()
    return _modelled(table, tips, 4_000, 8_000, binary=False)


def _card_trips() -> tuple[dict[str, Any], NDArray[np.float64]]:
    """Trips paid by card, as tips in cash are not written down."""
    months = [real_tables.trips(month) for month in ("2019-01", "2019-02")]
    table = dict(joined([columns for columns, _ in months]))
    when = np.concatenate([times for _, times in months])
    kept = (table.pop("payment_type") == "1") & (table["fare_amount"] > 0)
    table["hour"] = (when.astype("datetime64[h]").astype(int) % 24).astype(float)
    table["weekday"] = (when.astype("datetime64[D]").astype(int) % 7).astype(float)
    tips = table.pop("tip_amount")[kept]
    del table["total_amount"], table["congestion_surcharge"]  # the first holds the tip, the second came in February
    return {name: values[kept] for name, values in table.items()}, tips


def _bikes(_wheel: Path) -> tuple[Rows, Rows]:
    table, _ = real_tables.bikes()
    counts = table.pop("cnt")
    return _modelled(table, counts, 5_000, 9_000, binary=False)


def _modelled(
    table: dict[str, Any], labels: NDArray[Any], train: int, reference: int, *, binary: bool
) -> tuple[Rows, Rows]:
    """Scores of a boosted model of the first `train` rows; the reference ends at row `reference`."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    matrix = np.stack([_as_numbers(values) for values in table.values()], axis=1)
    model = HistGradientBoostingClassifier if binary else HistGradientBoostingRegressor
    fitted = model(max_iter=100, max_leaf_nodes=15, random_state=0).fit(matrix[:train], labels[:train])
    scores = fitted.predict_proba(matrix)[:, 1] if binary else fitted.predict(matrix)
    rows = Rows(table=table, scores=scores.astype(np.float64), labels=labels.astype(np.float64))
    return rows[train:reference], rows[reference:]


def _as_numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    if values.dtype != object:
        return values.astype(np.float64)
    levels = {level: float(i) for i, level in enumerate(sorted({v for v in values if v is not None}))}
    return np.array([levels.get(value, np.nan) for value in values])


#: What each is of, rows of a chunk, and how it is read.
SETS: dict[str, tuple[Kind, int, Callable[[Path], tuple[Rows, Rows]]]] = {
    "car loan": ("binary", 5_000, _binary(
        "synthetic_car_loan_reference.csv", "synthetic_car_loan_analysis.csv", "synthetic_car_loan_analysis_target.csv",
        "repaid", "y_pred_proba")),
    "work-home": ("binary", 5_000, _binary(
        "synthetic_sample_reference.csv", "synthetic_sample_analysis.csv", "synthetic_sample_analysis_gt.csv",
        "work_home_actual", "y_pred_proba")),
    "US census": ("binary", 5_000, _binary(
        "employment_MA_reference.pq", "employment_MA_analysis.pq", "employment_MA_analysis_target.pq",
        "employed", "predicted_probability")),
    "California housing": ("binary", 1_000, _binary(
        "california_housing_reference.csv", "california_housing_analysis.csv", "california_housing_analysis_gt.csv",
        "clf_target", "y_pred_proba")),
    "Elec2": ("binary", 1_000, _market),
    "NYC trips": ("binary", 1_000, _generous),
    "cards": ("multiclass", 5_000, _cards),
    "car price": ("regression", 5_000, _cars),
    "NYC tips": ("regression", 1_000, _tips),
    "bicycles": ("regression", 1_000, _bikes),
}  # fmt: skip
