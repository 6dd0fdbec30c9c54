"""What a run keeps about its training: parameters, provenance and JSON records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from upkeep.core.checks.finding import Finding
from upkeep.core.checks.time_split import TimeSplit
from upkeep.core.columns import Columns, select
from upkeep.core.drift.adversary_baseline import FEWEST, AdversaryBaseline
from upkeep.core.feedback.expectation import LabelExpectation
from upkeep.core.feedback.reference import ModelReference
from upkeep.core.retrain.loss_buckets import FEWEST_HELD_OUT, LossBuckets
from upkeep.ports import DatasetVersion, Json
from upkeep.stages.train_spec import TrainSpec


def run_params(spec: TrainSpec) -> dict[str, str | int | float | bool]:
    """Parameters of the factory under ``model.<name>``, and the stage's own."""
    own: dict[str, str | int | float | bool] = {
        "factory": spec.factory,
        "features": ",".join(spec.features),
        "holdout_share": spec.holdout_share,
        "seed": spec.seed,
        "threshold": spec.threshold,
        "window_batches": spec.window_batches or "all",
        "since": spec.since or "all",
    }
    if spec.holdout_since:
        own["holdout_since"] = spec.holdout_since
    return {f"model.{name}": value for name, value in spec.params.items()} | own


def provenance(version: DatasetVersion, spec: TrainSpec) -> dict[str, str]:
    """Tags that lead from the run to the rows it saw."""
    return {
        "dvc.tag": version.tag,
        "dvc.revision": version.revision,
        "dvc.digest": version.digest,
        "upkeep.dataset": version.dataset,
        "upkeep.recipe": spec.recipe,
    }


def reference(
    rows: Columns, split: TimeSplit, scores: Mapping[str, NDArray[np.float64]], spec: TrainSpec, as_of: str
) -> Json:
    """What later windows are held against: features of all rows, accuracy on labelled ones that it was not fitted on.

    `scores` are of the labelled rows held out (`holdout`) and of all rows since the split (`newer`).
    """
    return ModelReference.fit(
        table={name: rows[name] for name in spec.features},
        when=rows[spec.time],
        scores=scores["holdout"],
        labels=split.holdout["label"],
        profile_scores=scores["newer"],
        threshold=spec.threshold,
    ).to_json() | {
        "adversary": adversary(rows, split, scores, spec),
        "loss_buckets": loss_buckets(split, scores["holdout"], spec),
        "labels": expected_labels(select(rows, rows[spec.time] >= split.cut), scores["newer"], spec, as_of),
    }


def loss_buckets(split: TimeSplit, scores: NDArray[np.float64], spec: TrainSpec) -> Json | None:
    """Buckets by which other rows are told from other answers; None for few held-out rows."""
    labels = split.holdout["label"]
    if len(labels) < FEWEST_HELD_OUT:
        return None
    table = {name: split.holdout[name] for name in spec.features}
    return LossBuckets.fit(table, scores, labels, threshold=spec.threshold, seed=spec.seed).to_json()


def expected_labels(newer: Columns, scores: NDArray[np.float64], spec: TrainSpec, as_of: str) -> Json:
    """How likely labels of rows are, and how late, from rows that the model was not fitted on."""
    return LabelExpectation.fit(
        {name: newer[name] for name in spec.features},
        scores,
        newer["label"],
        observed_at=newer["observed_at"],
        predicted_at=newer[spec.time],
        as_of=np.datetime64(as_of, "us"),
        threshold=spec.threshold,
        seed=spec.seed,
    ).to_json()


def adversary(
    rows: Columns, split: TimeSplit, scores: Mapping[str, NDArray[np.float64]], spec: TrainSpec
) -> Json | None:
    """What tells live rows from the reference's, from a sample that is weighted by the model's loss; None for few rows."""
    if len(rows["label"]) < FEWEST:
        return None
    score = np.full(len(rows["label"]), np.nan)
    newer, labelled = rows[spec.time] >= split.cut, ~np.isnan(rows["label"])
    score[newer] = scores["newer"]
    score[~newer & labelled] = scores["train"]
    right = np.where(rows["label"] == 1, score, 1 - score)
    loss = np.where(labelled, -np.log(np.clip(right, 1e-6, 1.0)), np.nan)
    return AdversaryBaseline.fit(
        {name: rows[name] for name in spec.features},
        rows["row_id"],
        loss,
        rows[spec.time],
        seed=spec.seed,
    ).to_json()


def holdout_record(when: NDArray[np.datetime64], batches: Sequence[str], spec: TrainSpec, as_of: str) -> Json:
    """Where the held-out rows are: [since, until) of the batches."""
    until = when.max().astype("datetime64[us]") + np.timedelta64(1, "us")
    return {
        "dataset": spec.dataset,
        "batches": list(batches),
        "time": spec.time,
        "since": str(when.min()),
        "until": str(until),
        "as_of": as_of,
        "features": list(spec.features),
    }


def summary(
    split: TimeSplit,
    metrics: Mapping[str, float],
    findings: Sequence[Finding],
    batches: Sequence[str],
    spec: TrainSpec,
    tag: str,
) -> Json:
    """What the stage returns, kept with the run so that a repetition returns the same."""
    return {
        "model": spec.model,
        "tag": tag,
        "recipe": spec.recipe,
        "batches": list(batches),
        "train_rows": len(split.train["label"]),
        "holdout_rows": len(split.holdout["label"]),
        "metrics": dict(metrics),
        "findings": [asdict(finding) for finding in findings],
    }
