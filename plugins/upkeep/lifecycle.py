"""The stages of one life, bound to its configuration and to real backends.

Operators, sensors, triggers and the command line call these methods, so that a stage does the same thing
wherever it is started from. Every method returns JSON builtins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from upkeep.adapters.backends import Backends
from upkeep.adapters.life_file import read_suite
from upkeep.core.life import Life
from upkeep.core.plain import plain
from upkeep.errors import InputError
from upkeep.ports import Json

#: Point of validation -> (table it looks at, table that takes the rows it accepts).
POINTS: Mapping[str, tuple[str, str | None]] = {
    "raw": ("raw", "clean"),
    "clean": ("clean", None),
    "features": ("prepared", "features"),
}


class Lifecycle:
    """One model's stages. Modules are imported when a stage runs: a task pays only for its own."""

    def __init__(self, life: Life, backends: Backends | None = None) -> None:
        self.life = life
        self.backends = backends or Backends()

    def ingest(self, source: str | None = None) -> Json:
        """Take in every new file of the source; `batches` are those that still have to go through the stages."""
        from upkeep.core.schema import TableSchema
        from upkeep.stages.ingest import ingest

        life, known = self.life, self.backends
        schema = TableSchema.from_json(life.schema)
        uri = source or life.source
        taken = ingest(known.source, known.datasets, uri=uri, dataset=life.dataset, schema=schema)
        return {
            "batches": self.open_batches(),
            "rows": sum(batch.rows for batch in taken),
            "files": len(taken),
        }

    def open_batches(self) -> list[str]:
        """Batches that are in, but in no dataset version yet."""
        from upkeep.stages.progress import open_batches

        known = self.backends
        return open_batches(known.datasets, known.documents, known.versions, dataset=self.life.dataset)

    def validate(self, point: str, batches: Sequence[str]) -> Json:
        """Run the suite of a point over batches; `passed` is False as soon as one of them fails."""
        from upkeep.stages.validate import validate

        if point not in POINTS:
            raise InputError(f"point must be one of {', '.join(POINTS)}, got {point!r}.")
        table, accepted = POINTS[point]
        known = self.backends
        results = [
            validate(
                known.validator,
                known.datasets,
                known.documents,
                dataset=self.life.dataset,
                batch=batch,
                table=table,
                accepted=accepted,
                suite=read_suite(self.life.suites[point]),
            )
            for batch in batches
        ]
        failed = [result for result in results if result.verdict == "fail"]
        return {
            "batches": list(batches),
            "passed": not failed,
            "verdicts": {result.batch: result.verdict for result in results},
            "quarantined": sum(result.quarantined for result in results),
            "validation": (failed or results)[-1].validation_id,
            "page": (failed or results)[-1].page,
            "sentence": " ".join(result.sentence for result in failed or results),
        }

    def prepare(self, batches: Sequence[str]) -> Json:
        """Compute features, and log the labels that are known already."""
        from upkeep.stages.functions import load_function
        from upkeep.stages.prepare import prepare

        life = self.life
        made = [
            prepare(
                self.backends.datasets,
                dataset=life.dataset,
                batch=batch,
                model=life.model,
                time=life.time,
                features=load_function(life.features),
                label=load_function(life.label),
                label_time=life.label_time,
            )
            for batch in batches
        ]
        return {"batches": list(batches), "rows": sum(batch.rows for batch in made)}

    def version(self, batches: Sequence[str], validation: str = "") -> Json:
        """Version the batches; the result is what the dataset's asset event carries."""
        from upkeep.stages.version import version_dataset

        known, dataset = self.backends, self.life.dataset
        meta = {"source": self.life.source, "validation": validation}
        for batch in batches:
            made = version_dataset(known.datasets, known.versions, dataset=dataset, batch=batch, meta=meta)
        since, as_of = self.span(batches)
        return {
            "dataset": dataset,
            "tag": made.tag,
            "revision": made.revision,
            "digest": made.digest,
            "batches": list(batches),
            "since": since,
            "as_of": as_of,
            "validation": validation,
        }

    def span(self, batches: Sequence[str]) -> tuple[str, str]:
        """First day of the batches, and the midnight after their last row: labels known by then are known to us."""
        found = [self.backends.datasets.find(f"{self.life.dataset}/features", batch) for batch in batches]
        whole = [batch for batch in found if batch is not None]
        first, last = min(batch.since for batch in whole)[:10], max(batch.until for batch in whole)[:10]
        return first, (date.fromisoformat(last) + timedelta(days=1)).isoformat()

    def champion(self) -> str | None:
        """Version of the model in use, None before the first promotion."""
        return self.backends.tracker.version(self.life.model, "champion")

    def challenger(self) -> str:
        """Version of the model that wants to be used."""
        found = self.backends.tracker.version(self.life.model, "challenger")
        if found is None:
            raise InputError(f"{self.life.model} must have a challenger, but has none. Train a model first.")
        return found

    def latest_batch(self, table: str) -> list[str]:
        """Id of the newest batch of a table, in a list."""
        found = self.backends.datasets.batches(f"{self.life.dataset}/{table}")
        if not found:
            raise InputError(f"{self.life.dataset}/{table} must hold a batch, but is empty. Run the stages before it.")
        return [found[-1].batch]

    def enough_for_first_model(self) -> bool:
        """Whether as many batches are in as the first training wants."""
        have = self.backends.datasets.batches(f"{self.life.dataset}/features")
        return len(have) >= int(self.life.training["first_batches"])

    def train(
        self,
        *,
        tag: str,
        as_of: str,
        training_id: str,
        tags: Mapping[str, str],
        recipe: Json,
        params: Json | None = None,
    ) -> Json:
        """Fit, check, log and register a challenger from a dataset version."""
        from upkeep.stages.train import TrainSpec, train

        life, known = self.life, self.backends
        settings = {key: value for key, value in life.training.items() if key != "first_batches"}
        if recipe.get("window_batches"):
            settings["window_batches"] = recipe["window_batches"]
        settings |= {
            "model": life.model,
            "dataset": life.dataset,
            "time": life.time,
            "features": tuple(settings["features"]),
            "params": settings.get("params", {}) | (params or {}),
            "recipe": recipe.get("name", "full"),
        }
        result = train(
            known.datasets,
            known.versions,
            known.trainer,
            known.tracker,
            spec=TrainSpec(**settings),
            tag=tag,
            training_id=training_id,
            as_of=as_of,
            tags=dict(tags),
        )
        return _json(result)

    def gate(self, *, challenger: str, evaluation_id: str, as_of: str) -> Json:
        """Hold the challenger against the champion; the verdict is stored, and the same id is evaluated once."""
        from upkeep.stages.gate import GatePolicy, gate

        known = self.backends
        result = gate(
            known.datasets,
            known.tracker,
            known.documents,
            policy=GatePolicy(**self.life.gate),
            model=self.life.model,
            challenger=challenger,
            evaluation_id=evaluation_id,
            as_of=as_of,
        )
        return _json(result)

    def promote(self, *, version: str, evaluation_id: str) -> Json:
        """Move `champion` to a version whose gate is open."""
        from upkeep.stages.promote import promote

        known = self.backends
        result = promote(
            known.tracker, known.documents, model=self.life.model, version=version, evaluation_id=evaluation_id
        )
        return _json(result)

    def rollback(self) -> Json:
        """Move `champion` back to the version before."""
        from upkeep.stages.promote import rollback

        return _json(rollback(self.backends.tracker, self.backends.documents, model=self.life.model))

    def score(self, batches: Sequence[str]) -> Json:
        """Score batches with the champion into the prediction log."""
        from upkeep.stages.score import score

        life, known = self.life, self.backends
        made = [
            score(known.datasets, known.tracker, model=life.model, dataset=life.dataset, batch=batch, time=life.time)
            for batch in batches
        ]
        since, as_of = self.span(batches)
        rows = sum(batch.rows for batch in made)
        return {"model": life.model, "batches": list(batches), "rows": rows, "since": since, "as_of": as_of}

    def labels(self, source: str | None = None) -> Json:
        """Take in every new file of the feedback source."""
        from upkeep.stages.labels import append_feedback

        uri = source or self.life.feedback
        taken = append_feedback(self.backends.source, self.backends.datasets, uri=uri, model=self.life.model)
        return {"files": len(taken), "rows": sum(batch.rows for batch in taken)}

    def feedback_state(self, *, since: str, as_of: str) -> Json:
        """How many predictions of a window have their label by `as_of`."""
        from upkeep.stages.labels import feedback_state

        state = feedback_state(self.backends.datasets, model=self.life.model, since=since, until=as_of, as_of=as_of)
        return _json(state)

    def monitor(self, *, since: str, as_of: str) -> Json:
        """Look at one window: drift, labels, accuracy; the health report is stored with its picture."""
        from upkeep.stages.monitor import MonitorPolicy, monitor

        known = self.backends
        report: Json = monitor(
            known.datasets,
            known.tracker,
            known.documents,
            known.painter,
            model=self.life.model,
            since=since,
            until=as_of,
            as_of=as_of,
            policy=MonitorPolicy(**self.life.monitor, dataset=self.life.dataset),
        )
        return report

    def suggest(self, *, window: str, state: Json) -> tuple[Json, Json]:
        """Decide about a window; returns the stored decision and the new decision state."""
        from upkeep.stages.suggest import DecisionPolicy, suggest

        policy = DecisionPolicy(**self.life.decision)
        decision, new_state = suggest(
            self.backends.documents, model=self.life.model, window=window, policy=policy, state=state
        )
        return _json(decision) | {"id": f"decisions/{self.life.model}/{window}"}, new_state


def _json(result: object) -> Json:
    record: Any = plain(result)
    return dict(record)
