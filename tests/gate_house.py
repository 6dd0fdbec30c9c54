"""Four weeks of rows, models that err where they are told to, and a gate over both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tests.small_world import Registry, fill

from upkeep.adapters.json_documents import JsonDocuments
from upkeep.adapters.parquet_datasets import ParquetDatasets
from upkeep.stages.gate import Evaluation, GatePolicy, GateResult, gate
from upkeep.stages.gate_labels import LabelRequest, missing_labels

AS_OF = "2024-03-01"
FIRST = "n > 0.6 +/- 0.1"


def holdout(since="2024-01-15", until="2024-01-29", dataset="trips"):
    batches = ["b0", "b1", "b2", "b3"]
    return {"dataset": dataset, "batches": batches, "since": since, "until": until, "as_of": AS_OF}


@dataclass
class GateHouse:
    """Version 1 errs on 30 of 100 rows, 2 never, 3 on 15; rows from the 15th to the 29th of January are held out from each."""

    datasets: ParquetDatasets
    documents: JsonDocuments
    registry: Registry

    @classmethod
    def build(cls, root, *, rows=500, labels=True):
        datasets = ParquetDatasets(root / "data")
        fill(datasets, rows=rows, noise=0.0, labels=labels)
        flips = {"1": 30, "2": 0, "3": 15}
        registry = Registry(flips=flips, holdouts=dict.fromkeys(flips, holdout()))
        return cls(datasets, JsonDocuments(root / "records", root / "reports"), registry)

    def about(self, challenger="2", evaluation_id="e", *, condition="n - o > 0.02 +/- 0.1", first=FIRST, **policy):
        return Evaluation(
            datasets=self.datasets,
            tracker=self.registry,
            documents=self.documents,
            policy=GatePolicy(**{"condition": condition, "first_condition": first} | policy),
            model="tips",
            challenger=challenger,
            evaluation_id=evaluation_id,
        )

    def ask(self, *args, as_of=AS_OF, **kwargs) -> GateResult:
        return gate(self.about(*args, **kwargs), as_of=as_of)

    def missing(self, *args, as_of=AS_OF, **kwargs) -> LabelRequest:
        return missing_labels(self.about(*args, **kwargs), as_of=as_of)

    def label(self, ids, name, observed="2024-02-20"):
        """Labels of rows by id, as `fill` would have given them."""
        rows = self.datasets.read("trips/features")
        keep = np.isin(rows["row_id"], ids)
        feedback = {
            "prediction_id": rows["row_id"][keep],
            "observed_at": np.full(keep.sum(), np.datetime64(observed, "us")),
            "label": (rows["distance"] - rows["fare"] > 0)[keep].astype(np.int64),
        }
        self.datasets.write("tips/feedback", name, [feedback], time="observed_at")
