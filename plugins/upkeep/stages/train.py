"""Train a challenger from a dataset version, check it, and record everything about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upkeep.core.checks.finding import Finding
from upkeep.core.checks.fit_metrics import fit_metrics
from upkeep.core.checks.leakage import find_leakage
from upkeep.core.checks.overfitting import find_overfitting
from upkeep.core.checks.time_split import TimeSplit, split_at, split_by_time
from upkeep.core.columns import Columns, select
from upkeep.errors import GateClosed, InputError
from upkeep.ports import Batch, Datasets, DatasetVersion, Json, Tracker, Trainer, Training, VersionStore
from upkeep.stages.labelled import all_rows, only_labelled
from upkeep.stages.train_spec import WHOLE, TrainSpec
from upkeep.stages.training_records import holdout_record, provenance, reference, run_params, summary

__all__ = ["TrainResult", "TrainSpec", "train"]

EXAMPLE_ROWS = 5
#: How often each of the training rows counts in the fit, shape (n,); the table has the time column and the features.
Weigh = Callable[[Columns], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """A registered challenger; all but the version is read back from its run, so a repetition gives the same."""

    model: str
    version: str
    run_id: str
    training_id: str
    tag: str
    recipe: str
    batches: tuple[str, ...]
    train_rows: int
    holdout_rows: int
    metrics: Mapping[str, float]
    warnings: tuple[str, ...]
    sentence: str


def train(
    datasets: Datasets,
    versions: VersionStore,
    trainer: Trainer,
    tracker: Tracker,
    *,
    spec: TrainSpec,
    tag: str,
    training_id: str,
    as_of: str,
    tags: Mapping[str, str],
    weigh: Weigh | None = None,
) -> TrainResult:
    """Fit on the older rows, check on the newer ones, log the run, register the version as `challenger`.

    The same `training_id` gives the same run and version. Rows without a label observed by `as_of` are left out of the
    fit and of the accuracy (see `stages.labelled` for what that assumes), not of the reference's profile. Without `weigh`,
    every training row counts once.

    Raises
    ------
    InputError
        Too few labelled rows, or labels of one class only.
    GateClosed
        Leakage or overfitting, with the finding named; nothing is logged then.
    """
    version = versions.find(tag)
    batches = _batches(datasets, spec, version)
    rows = all_rows(
        datasets,
        model=spec.model,
        dataset=spec.dataset,
        batches=batches,
        columns=list(dict.fromkeys(["row_id", spec.time, *spec.features])),
        as_of=as_of,
        since=None if spec.recipe in WHOLE else spec.since or None,
    )
    split = _split(only_labelled(rows), spec, as_of)
    findings = _leaks(split, spec)
    _stop_on_errors(findings, spec.model)
    settings = {**spec.params, "seed": spec.seed}
    weights = weigh(split.train) if weigh else None
    model = trainer.fit(spec.factory, _features(split.train, spec), split.train["label"], settings, weights)
    newer = select(rows, rows[spec.time] >= split.cut)
    scores = {
        name: trainer.score(model, _features(part, spec)) for name, part in (("train", split.train), ("newer", newer))
    }
    scores["holdout"] = scores["newer"][~np.isnan(newer["label"])]
    metrics = _metrics(split, scores, spec)
    overfits = _overfits(metrics, len(split.holdout["label"]), spec)
    _stop_on_errors([*findings, *overfits], spec.model)
    if spec.seal_holdout:
        metrics = {name: value for name, value in metrics.items() if not name.startswith("holdout_")}
    else:
        findings = [*findings, *overfits]
    training = Training(
        model=spec.model,
        params=run_params(spec),
        metrics=metrics,
        tags={**tags, **provenance(version, spec), "upkeep.training_id": training_id, "upkeep.as_of": as_of},
        dataset_name=spec.dataset,
        dataset_digest=version.digest,
        records={
            "reference": reference(rows, split, scores, spec, as_of),
            "holdout": holdout_record(split.holdout[spec.time], batches, spec, as_of),
            "training": summary(split, metrics, findings, batches, spec, tag),
        },
    )
    run_id, number = tracker.log(training, model, _features(_first(split.train), spec))
    return _result(tracker.record(spec.model, number, "training"), number, run_id, training_id)


def _batches(datasets: Datasets, spec: TrainSpec, version: DatasetVersion) -> tuple[str, ...]:
    """The version's batches, oldest first, limited as the recipe says."""
    known = set(version.meta.get("batches", ()))
    ordered = [b for b in datasets.batches(f"{spec.dataset}/features") if b.batch in known]
    missing = sorted(known - {b.batch for b in ordered})
    if missing or not ordered:
        raise InputError(
            f"{spec.dataset}/features must hold the batches of version {version.tag}, but lacks {missing or 'all of them'}. "
            "Ingest and prepare them first."
        )
    return tuple(b.batch for b in _chosen(ordered, spec, version.tag))


def _chosen(ordered: list[Batch], spec: TrainSpec, tag: str) -> list[Batch]:
    if spec.recipe in WHOLE:
        return ordered
    if not spec.since:
        return ordered[-spec.window_batches :] if spec.window_batches else ordered
    recent = [b for b in ordered if np.datetime64(b.until) >= np.datetime64(spec.since)]  # never true without rows
    if not recent:
        raise InputError(
            f"a batch of version {tag} must end at or after {spec.since}, but the last ends at {ordered[-1].until}. "
            "Version newer batches first, or train with the recipe full."
        )
    return recent


def _split(rows: Columns, spec: TrainSpec, as_of: str) -> TimeSplit:
    """Older rows to train, the newest share to hold out; rows of one moment stay on one side."""
    n = len(rows["label"])
    if n < spec.min_labelled:
        raise InputError(
            f"training needs at least {spec.min_labelled} labelled rows, got {n} with a label observed by {as_of}. "
            "Wait for more labels, or train on more batches."
        )
    if spec.holdout_since:
        split = split_at(rows, spec.time, np.datetime64(spec.holdout_since, "us"))
    else:
        split = split_by_time(rows, spec.time, spec.holdout_share)
    for name, part in (("training", split.train["label"]), ("holdout", split.holdout["label"])):
        ones = int(part.sum())
        if not 0 < ones < len(part):
            raise InputError(
                f"the {name} part must have rows of both labels, got {ones} of label 1 among {len(part)} rows, "
                f"split at {split.cut}. "
                "Wait for labels of the other kind, train on more batches, or change holdout_share."
            )
    return split


def _features(table: Columns, spec: TrainSpec) -> Columns:
    return {name: table[name] for name in spec.features}


def _first(table: Columns) -> Columns:
    return select(table, np.arange(min(EXAMPLE_ROWS, len(table["label"]))))


def _leaks(split: TimeSplit, spec: TrainSpec) -> list[Finding]:
    return find_leakage(
        split.train,
        split.holdout,
        train_label=split.train["label"],
        holdout_label=split.holdout["label"],
        time=spec.time,
        features=spec.features,
    )


def _overfits(metrics: Mapping[str, float], rows: int, spec: TrainSpec) -> list[Finding]:
    return find_overfitting(
        train_accuracy=metrics["train_accuracy"],
        holdout_accuracy=metrics["holdout_accuracy"],
        holdout_rows=rows,
        tolerance=spec.max_overfit,
        sealed=spec.seal_holdout,
    )


def _stop_on_errors(findings: Sequence[Finding], model: str) -> None:
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        said = " ".join(f"[{finding.check}] {finding.message}" for finding in errors)
        raise GateClosed(f"the training of {model} must pass its checks, but: {said}")


def _metrics(split: TimeSplit, scores: Mapping[str, NDArray[np.float64]], spec: TrainSpec) -> dict[str, float]:
    parts = {"train": split.train["label"], "holdout": split.holdout["label"]}
    return {
        f"{part}_{name}": value
        for part, label in parts.items()
        for name, value in fit_metrics(label, scores[part], spec.threshold).items()
    }


def _result(record: Json, version: str, run_id: str, training_id: str) -> TrainResult:
    metrics, model, count = record["metrics"], record["model"], len(record["batches"])
    held = f"{record['holdout_rows']} newer rows"
    told = metrics.get("holdout_accuracy")
    seen = f"{held} are held out and sealed" if told is None else f"accuracy {told:.3f} on {held}"
    return TrainResult(
        model=model,
        version=version,
        run_id=run_id,
        training_id=training_id,
        tag=record["tag"],
        recipe=record["recipe"],
        batches=tuple(record["batches"]),
        train_rows=record["train_rows"],
        holdout_rows=record["holdout_rows"],
        metrics=metrics,
        warnings=tuple(finding["message"] for finding in record["findings"]),
        sentence=(
            f"{model} version {version}: {seen}, "
            f"trained on {record['train_rows']} from {count} batch{'es'[: 2 * (count > 1)]} of {record['tag']}."
        ),
    )
