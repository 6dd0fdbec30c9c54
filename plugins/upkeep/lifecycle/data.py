"""The stages that work on data: from a source to a dataset version, and labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from upkeep.adapters.backends import Backends
from upkeep.adapters.life_file import read_suite
from upkeep.adapters.source_watch import fingerprint
from upkeep.adapters.workspace import Workspace
from upkeep.core.life import Life
from upkeep.errors import InputError
from upkeep.lifecycle.records import json_record
from upkeep.ports import Json

#: Point of validation -> (table it looks at, table that takes the rows it accepts).
POINTS: Mapping[str, tuple[str, str | None]] = {
    "raw": ("raw", "clean"),
    "clean": ("clean", None),
    "features": ("prepared", "features"),
}


class DataStages:
    """A life's data. Modules are imported when a stage runs: a task pays only for its own."""

    def __init__(self, life: Life, backends: Backends | None = None) -> None:
        self.life = life
        self.backends = backends or Backends(Workspace.from_environment(trusted=(life.source, life.feedback)))

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
        told = (failed or results)[-1]
        quarantined = sum(result.quarantined for result in results)
        passed = f"{len(results)} batches passed suite {told.suite!r}: {quarantined} rows are in quarantine."
        return {
            "batches": list(batches),
            "passed": not failed,
            "verdicts": {result.batch: result.verdict for result in results},
            "quarantined": quarantined,
            "validation": told.validation_id,
            "page": told.page,
            "sentence": passed if len(results) > 1 and not failed else " ".join(r.sentence for r in failed or results),
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
        if not whole:
            raise InputError(
                f"{self.life.dataset}/features must hold one of the batches {list(batches)}, but does not. Prepare them first."
            )
        first, last = min(batch.since for batch in whole)[:10], max(batch.until for batch in whole)[:10]
        return first, (date.fromisoformat(last) + timedelta(days=1)).isoformat()

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

    def labels(self, source: str | None = None) -> Json:
        """Take in every new file of the feedback source."""
        from upkeep.stages.labels import append_feedback

        uri = source or self.life.feedback
        if not source and not fingerprint(self.backends.workspace, uri):
            return {"files": 0, "rows": 0}
        taken = append_feedback(self.backends.source, self.backends.datasets, uri=uri, model=self.life.model)
        return {"files": len(taken), "rows": sum(batch.rows for batch in taken)}

    def feedback_state(self, *, since: str, as_of: str) -> Json:
        """How many predictions of a window have their label by `as_of`."""
        from upkeep.stages.labels import feedback_state

        state = feedback_state(self.backends.datasets, model=self.life.model, since=since, until=as_of, as_of=as_of)
        return json_record(state)
