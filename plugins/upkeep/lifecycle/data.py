"""The stages that work on data: from a source to a dataset version, and labels."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from upkeep.adapters.backends import Backends
from upkeep.adapters.life_file import read_suite
from upkeep.adapters.source_watch import fingerprint
from upkeep.adapters.workspace import Workspace
from upkeep.core.addresses import without_credentials
from upkeep.core.life import Life
from upkeep.errors import InputError
from upkeep.lifecycle.records import json_record
from upkeep.ports import Batch, Json

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

        def take(file: str) -> list[Batch]:
            return ingest(known.source, known.datasets, uri=file, dataset=life.dataset, schema=schema)

        taken, refused = self._each_file(source or life.source, take)
        waiting, rows = self.open_batches(), sum(batch.rows for batch in taken)
        made = {"batches": waiting, "files": len(taken), "rows": rows, "refused": refused}
        return made | self._published("ingests", f"{life.dataset}/{waiting[-1] if waiting else 'nothing'}", made)

    def _each_file(self, uri: str, take: Callable[[str], list[Batch]]) -> tuple[list[Batch], Json]:
        """Take in file by file, so that one which cannot be used does not hold up the others; those are named."""
        taken: list[Batch] = []
        refused: Json = {}
        for file in self.backends.source.list(uri):
            try:
                taken += take(file)
            except InputError as err:
                refused[without_credentials(file)] = without_credentials(str(err))
        return taken, refused

    def _published(self, kind: str, name: str, record: Json) -> Json:
        """Put a record among the reports, for operator links to lead to; where it is, as `record`."""
        text = json.dumps(record, indent=1, allow_nan=False)
        return {"record": self.backends.documents.put_text(kind, f"{name}.json", text)}

    def open_batches(self) -> list[str]:
        """Batches that are in, but in no dataset version yet."""
        from upkeep.stages.progress import open_batches

        known = self.backends
        return open_batches(known.datasets, known.documents, known.versions, dataset=self.life.dataset)

    def validate(self, point: str, batches: Sequence[str]) -> Json:
        """Run the suite of a point over batches; `batches` are those that may go on, `refused` says why others may not."""
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
                max_quarantine_share=self.life.max_quarantine_share,
            )
            for batch in batches
        ]
        failed = [result for result in results if result.verdict == "fail"]
        told = (failed or results)[-1]
        quarantined = sum(result.quarantined for result in results)
        passed = f"{len(results)} batches passed suite {told.suite!r}: {quarantined} rows are in quarantine."
        return {
            "batches": [result.batch for result in results if result.verdict != "fail"],
            "refused": {result.batch: result.sentence for result in failed},
            "passed": not failed,
            "verdicts": {result.batch: result.verdict for result in results},
            "quarantined": quarantined,
            "page": told.page,
            "sentence": passed if len(results) > 1 and not failed else " ".join(r.sentence for r in failed or results),
        }

    def prepare(self, batches: Sequence[str]) -> Json:
        """Compute features, and log the labels that are known already; `refused` names batches that cannot be used."""
        from upkeep.core.functions import load_function
        from upkeep.stages.prepare import prepare

        life, made, refused = self.life, [], {}
        for batch in batches:
            try:
                made.append(
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
                )
            except InputError as err:
                refused[batch] = str(err)
        rows = sum(batch.rows for batch in made)
        return {"batches": [batch.batch for batch in made], "rows": rows, "refused": refused}

    def version(self, batches: Sequence[str]) -> Json:
        """Version the batches; the result is what the dataset's asset event carries."""
        from upkeep.stages.version import version_dataset

        known, dataset = self.backends, self.life.dataset
        validations = [f"{dataset}/{POINTS['features'][0]}/{batch}" for batch in batches]
        for batch, validation in zip(batches, validations, strict=True):
            meta = {"source": without_credentials(self.life.source), "validation": validation}
            made = version_dataset(known.datasets, known.versions, dataset=dataset, batch=batch, meta=meta)
        since, until = self.span(batches)
        about: Json = {"dataset": dataset, "tag": made.tag, "revision": made.revision, "digest": made.digest}
        about |= {"batches": list(batches), "since": since, "until": until, "validations": validations}
        return about | self._published("versions", made.tag, about)

    def partitions(self) -> list[str]:
        """Batches of the features, each to be profiled on its own."""
        from upkeep.stages.profile_partitions import list_partitions

        return list_partitions(self.backends.datasets, self.backends.documents, **self._profiled)

    def profile_partition(self, batch: str) -> str:
        """Count one batch of the features; the name of its profile."""
        from upkeep.stages.profile_partitions import profile_partition

        return profile_partition(self.backends.datasets, self.backends.documents, **self._profiled, batch=batch)

    def merge_partitions(self, partitions: Sequence[str]) -> Json:
        """Add up profiles of partitions; `profile` names the sum among the table profiles."""
        from upkeep.stages.profile_partitions import merge_partitions

        name, profile = merge_partitions(self.backends.documents, **self._profiled, partitions=partitions)
        made: Json = {"profile": name, "partitions": len(set(partitions)), "rows": profile.rows}
        nulls = {column: counted.null_share for column, counted in profile.columns.items()}
        return made | self._published("profiles", name, made | {"null_shares": nulls})

    @property
    def _profiled(self) -> Json:
        return {"table": f"{self.life.dataset}/features", "columns": list(self.life.training["features"])}

    def newest_tag(self) -> str:
        """Tag of the newest dataset version."""
        made = self.backends.versions.versions(self.life.dataset)
        if not made:
            raise InputError(f"{self.life.dataset} must have a dataset version, but has none. Version a batch first.")
        return made[-1].tag

    def span(self, batches: Sequence[str]) -> tuple[str, str]:
        """Window of the batches: the day of the first row, and the midnight after the last.

        One row in a thousand at either end does not count, so that a stray date does not stretch the window.
        """
        table, time = f"{self.life.dataset}/features", self.life.time
        known = [batch for batch in batches if self.backends.datasets.find(table, batch)]
        if not known:
            raise InputError(f"{table} must hold one of the batches {list(batches)}, but does not. Prepare them first.")
        when = np.sort(self.backends.datasets.read(table, batches=known, columns=[time])[time])
        stray = len(when) // 1000
        first, last = when[stray].astype("datetime64[D]"), when[-1 - stray].astype("datetime64[D]")
        return str(first), str(last + np.timedelta64(1, "D"))

    def known_until(self, until: str) -> str:
        """The moment up to which labels are known to us: that of the newest one, and not before `until`."""
        batches = self.backends.datasets.batches(f"{self.life.model}/feedback")
        return max([until, *(batch.until for batch in batches)])

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

        known, uri = self.backends, source or self.life.feedback
        if not source and not fingerprint(known.workspace, uri):
            return {"files": 0, "rows": 0, "refused": {}}

        def take(file: str) -> list[Batch]:
            return append_feedback(known.source, known.datasets, uri=file, model=self.life.model)

        taken, refused = self._each_file(uri, take)
        return {"files": len(taken), "rows": sum(batch.rows for batch in taken), "refused": refused}

    def feedback_state(self, *, since: str, until: str, precision: float | None = None) -> Json:
        """How many predictions of a window have their label by now, and when the precision will be reached.

        Labels that have arrived meanwhile are taken in.
        """
        from upkeep.stages.labels import feedback_state

        self.labels()
        as_of = self.known_until(until)
        window = {"model": self.life.model, "since": since, "until": until}
        return json_record(feedback_state(self.backends.datasets, **window, as_of=as_of, precision=precision))
