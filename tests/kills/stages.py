"""The stages that are killed: how to make a workspace for each, and how to run it there. Add a row for a new stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from upkeep.adapters.backends import Backends
from upkeep.adapters.workspace import Workspace
from upkeep.core.columns import Columns
from upkeep.ports import Json, Training

BATCHES = ("0a1b2c3d4e5f6071", "18293a4b5c6d7e8f")
FEATURES = ("distance", "hour")
ROWS = 240
HOLDOUT = {
    "dataset": "trips",
    "batches": list(BATCHES),
    "since": "2024-01-01T00:00:00",
    "until": "2024-02-01T00:00:00",
    "as_of": "2024-03-01T00:00:00",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`prepare` makes the workspace, `run` runs the stage, `kills` is how often it is killed."""

    prepare: Callable[[Backends], object]
    run: Callable[[Backends], object]
    kills: int


def backends(home: Path) -> Backends:
    workspace = Workspace(home)
    workspace.quieten()
    return Backends(workspace)


def trips(batch: int) -> Columns:
    """Three days of trips per batch; long ones are tipped more often."""
    rng = np.random.default_rng(batch)
    start = np.datetime64("2024-01-01T00:00:00", "us") + np.timedelta64(7 * batch, "D")
    return {
        "row_id": np.arange(ROWS, dtype=np.int64) + batch * ROWS,
        "pickup": start + np.arange(ROWS) * np.timedelta64(18, "m"),
        "distance": rng.gamma(2.0, 2.0, ROWS),
        "hour": rng.integers(0, 24, ROWS).astype(float),
    }


def labels(batch: int) -> Columns:
    table = trips(batch)
    rng = np.random.default_rng(100 + batch)
    return {
        "prediction_id": table["row_id"],
        "observed_at": table["pickup"] + np.timedelta64(1, "D"),
        "label": (table["distance"] + rng.normal(0.0, 1.0, ROWS) > 4.0).astype(np.int64),
    }


def fill(known: Backends, *names: str) -> None:
    """Both batches into datasets."""
    for number, batch in enumerate(BATCHES):
        for name in names:
            table = labels(number) if name.endswith("/feedback") else trips(number)
            time = "observed_at" if name.endswith("/feedback") else "pickup"
            known.datasets.write(name, batch, [table], time=time)


def deliver(known: Backends, tables: dict[str, Columns]) -> None:
    """CSV files into the inbox."""
    for name, table in tables.items():
        rows = zip(*(table[column].tolist() for column in table), strict=True)
        lines = [",".join(table), *(",".join(str(value) for value in row) for row in rows)]
        path = known.workspace.inbox / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")


def delivered_trips(known: Backends) -> None:
    tables = {f"trips/week{number}": trips(number) for number in range(2)}
    for table in tables.values():
        del table["row_id"]
    deliver(known, tables)


def ingest(known: Backends) -> object:
    from upkeep.core.schema import TableSchema
    from upkeep.stages.ingest import ingest as stage

    columns = {"pickup": "datetime", "distance": "number", "hour": "number"}
    schema = TableSchema(time="pickup", key=("pickup",), columns=columns)
    return stage(known.source, known.datasets, uri="trips", dataset="trips", schema=schema)


def validate(known: Backends) -> object:
    from upkeep.stages.validate import validate as stage

    between = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "distance", "max_value": 9.0}}
    return stage(
        known.validator,
        known.datasets,
        known.documents,
        dataset="trips",
        batch=BATCHES[0],
        table="raw",
        accepted="clean",
        suite={"name": "trips", "expectations": [between | {"severity": "critical"}]},
    )


def prepare(known: Backends) -> object:
    from upkeep.stages.prepare import prepare as stage

    return stage(
        known.datasets,
        dataset="trips",
        batch=BATCHES[0],
        model="tip",
        time="pickup",
        features=lambda clean: {"log_distance": np.log1p(clean["distance"])},
        label=lambda clean: (clean["hour"] > 12).astype(float),
        label_time="pickup",
    )


def append_feedback(known: Backends) -> object:
    from upkeep.stages.labels import append_feedback as stage

    return stage(known.source, known.datasets, uri="labels", model="tip")


def version(known: Backends, batch: str = BATCHES[1]) -> object:
    from upkeep.stages.version import version_dataset

    return version_dataset(known.datasets, known.versions, dataset="trips", batch=batch, meta={"source": "trips.csv"})


def with_one_version(known: Backends) -> None:
    fill(known, "trips/clean", "trips/features")
    version(known, BATCHES[0])


def small_model(seed: int = 0) -> Any:
    """A factory as a user writes one."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(random_state=seed)


def register(known: Backends, training_id: str, **records: Json) -> str:
    """A fitted model in the registry; returns its version."""
    table = {name: trips(0)[name] for name in FEATURES}
    model = known.trainer.fit("tests.kills.stages:small_model", table, labels(0)["label"], {})
    training = Training(
        model="tip",
        params={},
        metrics={"accuracy": 0.5},
        tags={"upkeep.training_id": training_id},
        dataset_name="trips",
        dataset_digest="0" * 32,
        records={"holdout": HOLDOUT, **records},
    )
    return known.tracker.log(training, model, {name: values[:3] for name, values in table.items()})[1]


def train(known: Backends) -> object:
    from upkeep.stages.train import TrainSpec
    from upkeep.stages.train import train as stage

    spec = TrainSpec(
        model="tip",
        dataset="trips",
        time="pickup",
        factory="tests.kills.stages:small_model",
        features=FEATURES,
        max_overfit=0.5,
    )
    tag = known.versions.versions("trips")[-1].tag
    return stage(
        known.datasets,
        known.versions,
        known.trainer,
        known.tracker,
        spec=spec,
        tag=tag,
        training_id="weekly-1",
        as_of="2024-03-01T00:00:00",
        tags={},
    )


def ready_to_train(known: Backends) -> None:
    with_one_version(known)
    version(known)
    fill(known, "tip/feedback")
    register(known, "weekly-0")


def ready_to_judge(known: Backends) -> None:
    fill(known, "trips/features", "tip/feedback")
    known.tracker.set_alias("tip", "champion", register(known, "weekly-0"))
    register(known, "weekly-1")


def gate(known: Backends) -> object:
    from upkeep.stages.gate import Evaluation, GatePolicy
    from upkeep.stages.gate import gate as stage

    about = Evaluation(
        datasets=known.datasets,
        tracker=known.tracker,
        documents=known.documents,
        policy=GatePolicy(condition="n - o > 0 +/- 0.2", first_condition="n > 0.5 +/- 0.1"),
        model="tip",
        challenger="2",
        evaluation_id="weekly-1",
    )
    result = stage(about, as_of="2024-03-01T00:00:00")
    assert result.n is not None, result.sentence
    return result


def with_champion(known: Backends) -> None:
    fill(known, "trips/features")
    known.tracker.set_alias("tip", "champion", register(known, "weekly-0"))


def score(known: Backends) -> object:
    from upkeep.stages.score import score as stage

    return stage(known.datasets, known.tracker, model="tip", dataset="trips", batch=BATCHES[0], time="pickup")


def with_challenger(known: Backends) -> None:
    known.tracker.set_alias("tip", "champion", register(known, "weekly-0"))
    challenger = register(known, "weekly-1")
    verdict = {"model": "tip", "version": challenger, "champion": "1", "evaluation_id": "evaluation-1"}
    verdict |= {"passed": True, "sentence": "It is better."}
    known.documents.put("gates", "tip/evaluation-1", verdict)


def promote(known: Backends) -> object:
    from upkeep.stages.promote import promote as stage

    return stage(known.tracker, known.documents, model="tip", version="2", evaluation_id="evaluation-1")


def rollback(known: Backends) -> object:
    from upkeep.stages.promote import rollback as stage

    return stage(known.tracker, known.documents, model="tip")


def predicted(known: Backends) -> None:
    """A champion with a reference of four weeks, three days of its predictions, and an earlier window's report."""
    from upkeep.core.drift.adversary_baseline import AdversaryBaseline
    from upkeep.core.feedback.reference import ModelReference

    rng = np.random.default_rng(7)
    rows = 1_200
    past = {"distance": rng.gamma(2.0, 2.0, rows), "hour": rng.integers(0, 24, rows).astype(float)}
    scores, when = rng.random(rows), np.datetime64("2023-12-01", "us") + np.arange(rows) * np.timedelta64(33, "m")
    label = (rng.random(rows) < scores).astype(int)
    reference = ModelReference.fit(table=past, when=when, scores=scores, labels=label).to_json()
    adversary = AdversaryBaseline.fit(past, np.arange(rows), np.full(rows, np.nan), when, seed=1).to_json()
    register(known, "weekly-0", reference=reference | {"adversary": adversary})
    known.tracker.set_alias("tip", "champion", "1")
    fill(known, "tip/feedback")
    for number, batch in enumerate(BATCHES):
        table = trips(number)
        score = np.random.default_rng(number).random(ROWS)
        log = {"prediction_id": table["row_id"], "predicted_at": table["pickup"], "score": score}
        log |= {"prediction": (score >= 0.5).astype(int), "model_version": np.full(ROWS, "1", dtype=object)}
        log |= {name: table[name] for name in FEATURES}
        known.datasets.write("tip/predictions", batch, [log], time="predicted_at")
    look(known, "2024-01-01", "2024-01-04", as_of="2024-01-06")


def look(known: Backends, since: str, until: str, as_of: str = "2024-03-01") -> object:
    from upkeep.core.retrain.decision import DecisionPolicy
    from upkeep.stages.monitor import MonitorPolicy
    from upkeep.stages.monitor import monitor as stage
    from upkeep.stages.recent_gain import Corrector

    corrector = Corrector(
        trainer=known.trainer,
        factory="tests.kills.stages:small_model",
        features=FEATURES,
        params={"seed": 0},
        policy=DecisionPolicy(min_labels=50),
    )
    return stage(
        known.datasets,
        known.tracker,
        known.documents,
        known.painter,
        model="tip",
        since=since,
        until=until,
        as_of=as_of,
        policy=MonitorPolicy(),
        corrector=corrector,
    )


def monitor(known: Backends) -> object:
    return look(known, "2024-01-08", "2024-01-11")


def looked_at_early(known: Backends) -> None:
    """Two windows with reports; of the first, all labels are in, and its record is of before some came."""
    from upkeep.stages.realize import realize as stage

    predicted(known)
    stage(known.datasets, known.documents, model="tip", as_of="2024-01-02T06:00:00")
    look(known, "2024-01-08", "2024-01-11")


def realize(known: Backends) -> object:
    from upkeep.stages.realize import realize as stage

    return stage(known.datasets, known.documents, model="tip", as_of="2024-03-01")


def count_partitions(known: Backends) -> object:
    from upkeep.stages.profile_partitions import list_partitions, merge_partitions, profile_partition

    table: dict[str, Any] = {"table": "trips/features", "columns": FEATURES}
    batches = list_partitions(known.datasets, known.documents, **table)
    parts = [profile_partition(known.datasets, known.documents, batch=batch, **table) for batch in batches]
    return merge_partitions(known.documents, partitions=parts, **table)[0]


PLANNED = [{"recipe": {"name": name}, "training_id": f"weekly-{n}"} for n, name in ((1, "full"), (2, "recent_window"))]


def judged_twice(known: Backends) -> None:
    """Two challengers of a decision, of which the one trained first has passed and is champion."""
    for training in range(3):
        register(known, f"weekly-{training}")
    known.tracker.set_alias("tip", "champion", "2")
    for planned, version, n in zip(PLANNED, ("2", "3"), (0.8, 0.7), strict=True):
        verdict: Json = {"version": version, "n": n, "o": 0.6, "verdict": "pass", "labels": 900, "clauses": []}
        known.documents.put("gates", f"tip/{planned['training_id']}", verdict | {"sentence": "It is better."})
    known.documents.put("promotions", "tip/weekly-1", {"version": "2"})
    recipes = [planned["recipe"] for planned in PLANNED]
    known.documents.put("decisions", "tip/2024-01-15", {"due": True, "recipes": recipes})


def outcome(known: Backends) -> object:
    from upkeep.stages.outcome import record_outcome

    decision = "decisions/tip/2024-01-15"
    return record_outcome(known.documents, known.tracker, model="tip", decision=decision, planned=PLANNED)


def promoted(known: Backends) -> None:
    with_challenger(known)
    promote(known)


ROWS_BY_NAME = {
    "ingest": Row(prepare=delivered_trips, run=ingest, kills=16),
    "validate and quarantine": Row(prepare=lambda known: fill(known, "trips/raw"), run=validate, kills=10),
    "prepare": Row(prepare=lambda known: fill(known, "trips/clean"), run=prepare, kills=6),
    "version, first": Row(prepare=lambda known: fill(known, "trips/clean", "trips/features"), run=version, kills=10),
    "version and push": Row(prepare=with_one_version, run=version, kills=20),
    "train": Row(prepare=ready_to_train, run=train, kills=8),
    "score": Row(prepare=with_champion, run=score, kills=8),
    "gate": Row(prepare=ready_to_judge, run=gate, kills=8),
    "promote": Row(prepare=with_challenger, run=promote, kills=6),
    "append feedback": Row(
        prepare=lambda known: deliver(known, {f"labels/day{n}": labels(n) for n in range(2)}),
        run=append_feedback,
        kills=6,
    ),
    "monitor": Row(prepare=predicted, run=monitor, kills=12),
    "realize": Row(prepare=looked_at_early, run=realize, kills=6),
    "count partitions": Row(prepare=lambda known: fill(known, "trips/features"), run=count_partitions, kills=6),
    "outcome": Row(prepare=judged_twice, run=outcome, kills=6),
    "rollback": Row(prepare=promoted, run=rollback, kills=4),
}
