"""A model's workspace with four weeks of predictions, for tests of monitoring."""

import json

import numpy as np

from upkeep.adapters.health_picture import HealthPicture
from upkeep.adapters.json_documents import JsonDocuments
from upkeep.adapters.parquet_datasets import ParquetDatasets
from upkeep.core.drift.adversary_baseline import AdversaryBaseline
from upkeep.core.feedback.expectation import LabelExpectation
from upkeep.core.feedback.reference import ModelReference
from upkeep.stages.monitor import MonitorPolicy, monitor

START = np.datetime64("2024-01-01", "us")
ROWS = 2_000


class Registry:
    """The two calls of a tracker that monitoring makes."""

    def __init__(self, reference):
        self.champion = "3"
        self.reference = reference.to_json()

    def version(self, model, alias):
        assert (model, alias) == ("tip", "champion")
        return self.champion

    def record(self, model, version, name):
        assert (model, name) == ("tip", "reference")
        return json.loads(json.dumps(self.reference))


def rides(rng, rows, week, *, moved=0.0, broken=0.0, flip=0.0):
    """Rows of one week: features, score and label."""
    fare = rng.gamma(2, 5, rows) + moved
    score = np.clip(rng.normal(0.5, 0.25, rows), 0, 1)
    label = (rng.random(rows) < score).astype(int)
    return {
        "prediction_id": np.arange(rows) + 1_000_000 * (week + 2),
        "predicted_at": START
        + np.timedelta64(7 * week, "D")
        + np.sort(rng.integers(0, 7 * 86_400, rows)).astype("m8[s]"),
        "model_version": np.full(rows, "3", dtype=object),
        "prediction": (score >= 0.5).astype(int),
        "score": score,
        "fare": np.where(rng.random(rows) < broken, np.nan, fare),
        "zone": rng.choice(np.array(["Queens", "Bronx", "Kings"], dtype=object), rows),
    }, np.where(rng.random(rows) < flip, 1 - label, label)


class House:
    """A workspace with four weeks of predictions, the last of which went wrong."""

    def __init__(self, folder, adversary=False, labels=False, feed=True):
        rng = np.random.default_rng(1)
        self.folder, self.feed = folder, feed
        self.datasets = ParquetDatasets(folder / "data")
        self.documents = JsonDocuments(folder / "records", folder / "reports")
        held_out, label = rides(rng, 6_000, -1)
        reference = ModelReference.fit(
            table={"fare": held_out["fare"], "zone": held_out["zone"]},
            scores=held_out["score"],
            labels=label,
            when=held_out["predicted_at"],
        )
        self.registry = Registry(reference)
        if labels:
            seen = held_out["predicted_at"] + np.timedelta64(12, "h")
            slow = (held_out["zone"] == "Bronx") & (rng.random(6_000) < 0.5)
            self.registry.reference["labels"] = LabelExpectation.fit(
                {"fare": held_out["fare"], "zone": held_out["zone"]},
                held_out["score"],
                label.astype(float),
                observed_at=seen + np.where(slow, np.timedelta64(30, "D"), np.timedelta64(0, "D")),
                predicted_at=held_out["predicted_at"],
                as_of=START + np.timedelta64(60, "D"),
            ).to_json()
        if adversary:
            self.registry.reference["adversary"] = AdversaryBaseline.fit(
                {"fare": held_out["fare"], "zone": held_out["zone"]},
                held_out["prediction_id"],
                np.full(6_000, np.nan),
                held_out["predicted_at"],
                seed=1,
            ).to_json()
        for week in range(4):
            self.add(rng, week, **({"moved": 4.0, "broken": 0.2, "flip": 0.4} if week == 3 else {}))

    policy = MonitorPolicy(dataset="trips")

    def add(self, rng, week, *, batch="", version="3", rows=ROWS, begin_h=0, **changes):
        table, label = rides(rng, rows, week, **changes)
        table["predicted_at"] = np.minimum(
            table["predicted_at"] + np.timedelta64(begin_h, "h"), START + np.timedelta64(7 * week + 7, "D") - 1
        )
        table["model_version"][:] = version
        self.datasets.write("tip/predictions", batch or f"week{week}", [table], time="predicted_at")
        seen = table["predicted_at"] + np.timedelta64(12, "h")
        late = (table["zone"] == "Bronx") & (rng.random(rows) < 0.5)
        seen[late] += np.timedelta64(30, "D")
        feedback = {"prediction_id": table["prediction_id"], "observed_at": seen, "label": label}
        if self.feed:
            self.datasets.write("tip/feedback", batch or f"week{week}", [feedback], time="observed_at")

    corrector = None

    def monitor(self, week, policy=None, as_of_days=0):
        since, until = (START + np.timedelta64(7 * w, "D") for w in (week, week + 1))
        as_of = until + np.timedelta64(as_of_days, "D")
        return self.look(since=str(since), until=str(until), as_of=str(as_of), policy=policy or MonitorPolicy())

    def look(self, *, since, until, as_of, policy=policy):
        return monitor(
            self.datasets,
            self.registry,
            self.documents,
            HealthPicture(),
            model="tip",
            since=since,
            until=until,
            as_of=as_of,
            policy=policy,
            corrector=self.corrector,
        )
