"""A small life: three feature columns, a label that depends on two of them, and in-memory stand-ins for the ports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from upkeep.ports import DatasetVersion
from upkeep.stages.train_spec import TrainSpec

FEATURES = ("distance", "fare", "city")


def logistic(*, strength: float = 1.0, columns: tuple[str, ...] = ("distance", "fare")) -> Any:
    """A factory as a user writes one."""
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    columns_ = make_column_transformer(
        (StandardScaler(), list(columns)), (OneHotEncoder(handle_unknown="ignore"), ["city"])
    )
    return make_pipeline(columns_, LogisticRegression(C=strength))


def deep_tree(*, seed: int = 0) -> Any:
    """A factory that overfits noise."""
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.tree import DecisionTreeClassifier

    return make_pipeline(
        make_column_transformer(("passthrough", ["distance", "fare"])), DecisionTreeClassifier(random_state=seed)
    )


def spec(**changes: Any) -> TrainSpec:
    base: dict[str, Any] = {
        "model": "tips",
        "dataset": "trips",
        "time": "at",
        "factory": "tests.small_world:logistic",
        "features": FEATURES,
    }
    return TrainSpec(**base | changes)


def fill(datasets, batches=4, rows=500, seed=0, start="2024-01-01", noise=0.5, labels=True, extra=None):
    """Weekly batches b0, b1, ... of features, each with its labels an hour after each ride."""
    rng = np.random.default_rng(seed)
    for number in range(batches):
        begin = np.datetime64(start, "us") + np.timedelta64(7 * number, "D")
        at = begin + np.sort(rng.integers(0, 7 * 86_400, rows)) * np.timedelta64(1, "s")
        distance, fare = rng.normal(size=rows), rng.normal(size=rows)
        label = (distance - fare + noise * rng.normal(size=rows) > 0).astype(np.int64)
        table = {
            "row_id": np.arange(rows) + number * rows,
            "at": at,
            "distance": distance,
            "fare": fare,
            "city": rng.choice(np.array(["Bronx", "Queens"], dtype=object), rows),
        } | (extra(label) if extra else {})
        datasets.write("trips/features", f"b{number}", [table], time="at")
        if labels:
            feedback = {"prediction_id": table["row_id"], "observed_at": at + np.timedelta64(1, "h"), "label": label}
            datasets.write("tips/feedback", f"b{number}", [feedback], time="observed_at")


@dataclass
class Versions:
    """Tags of versions and the batches they hold; nothing else of `ports.VersionStore` is needed to train."""

    batches: Mapping[str, tuple[str, ...]]

    def find(self, tag: str) -> DatasetVersion:
        meta = {"batches": list(self.batches[tag])}
        return DatasetVersion(dataset="trips", tag=tag, revision="a" * 40, digest="d" * 32, files=(), rows=0, meta=meta)


@dataclass
class FixedScorer:
    """Scores rows by one column; `flip` of every hundred are turned round."""

    version: str
    run_id: str
    flip: int = 0

    def score(self, table):
        score = (table["distance"] - table["fare"] > 0).astype(float)
        wrong = np.arange(len(score)) % 100 < self.flip
        return np.where(wrong, 1 - score, score)


@dataclass
class Registry:
    """`ports.Tracker` in memory, without training."""

    flips: dict[str, int]
    holdouts: dict[str, dict[str, Any]]
    aliases: dict[str, str] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    attached: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    loads: int = 0

    def log(self, training, model, example):
        raise NotImplementedError

    def version(self, model, alias):
        return self.aliases.get(alias)

    def load(self, model, version):
        self.loads += 1
        return FixedScorer(version, f"run-{version}", self.flips[version])

    def record(self, model, version, name):
        assert name == "holdout"
        return self.holdouts[version]

    def attach(self, model, version, name, record):
        self.attached[version, name] = record

    def set_alias(self, model, alias, version):
        self.aliases[alias] = version

    def tag_version(self, model, version, tags):
        self.tags.setdefault(version, {}).update(tags)
