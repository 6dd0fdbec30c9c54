"""A batch held against an expectation suite: accepted rows go on, refused rows go to quarantine with their reasons."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from upkeep.core.columns import Columns, row_count, select
from upkeep.core.validation import REPEATED, Judgement, judge
from upkeep.errors import GateClosed, InputError
from upkeep.ports import Batch, CheckResult, Datasets, Documents, Json, Validator
from upkeep.stages.first_look import KIND, first_look
from upkeep.stages.progress import refused
from upkeep.stages.validation_page import render
from upkeep.stages.validation_result import CheckSummary, ValidationResult


def validate(
    validator: Validator,
    datasets: Datasets,
    documents: Documents,
    *,
    dataset: str,
    batch: str,
    table: str,
    accepted: str | None,
    suite: Json,
    max_quarantine_share: float = 0.2,
) -> ValidationResult:
    """Run a suite over ``<dataset>/<table>`` and write what it accepts to ``<dataset>/<accepted>``.

    Parameters
    ----------
    accepted : str or None
        With None rows are reported, and written nowhere.
    suite : dict
        In the validator's own format.
    max_quarantine_share : float
        In [0, 1]; a batch that would lose more of its rows fails.

    Returns
    -------
    ValidationResult
        Also stored as a record, and as a page for people. With verdict ``fail`` nothing is accepted; refused rows are
        in quarantine all the same. Every row of a batch that passes is in the accepting table or in quarantine.

    Raises
    ------
    InputError
        If the suite or the batch is not usable.
    GateClosed
        If the batch has no rows.

    Notes
    -----
    A batch that was accepted stays so: the stored result is returned, even under another suite. After a ``fail``
    the suite may be corrected; rows it refuses then are kept beside those that the first one refused. Besides the
    suite, a row whose `row_id` another batch of the accepting table has brought already is refused.

    What one pass over an array can tell is looked at first. If that fails the batch, and no row would go to
    quarantine, the validator is not called: verdict and stored rows are those of the full run, and `spared` names the
    expectations that nobody looked at.
    """
    source = _found(datasets, f"{dataset}/{table}", batch)
    settled = accepted and _settled(datasets, documents, f"{dataset}/{accepted}", f"{dataset}/{table}", batch)
    if settled:
        return settled
    rows = datasets.read(f"{dataset}/{table}", batches=[batch])
    checks, spared = first_look(
        documents,
        suite,
        rows,
        records=f"{dataset}/{table}/",
        own=f"{dataset}/{table}/{batch}",
        rows_wanted=accepted is not None,
    )
    checks = checks or validator.run(suite, rows)
    if accepted:
        checks = [*checks, _not_delivered_before(datasets, documents, rows, source, accepted)]
    judged = judge(checks, row_count(rows), max_quarantine_share=max_quarantine_share)
    result = _result(checks, judged, rows, dataset=dataset, table=table, batch=batch, suite=suite)
    result = replace(result, max_quarantine_share=max_quarantine_share, spared=spared)
    if accepted:
        result = _store_rows(datasets, result, judged, rows, accepted=accepted, time=source.meta["time"])
    elif result.verdict == "pass_with_quarantine":
        result = replace(result, verdict="pass")  # reported, not taken out
    # The record last: a repeat after a kill finds no record, and writes the same rows and page again.
    page = documents.put_text(KIND, f"{result.validation_id}.html", render(result))
    result = replace(result, page=page)
    documents.put(KIND, result.validation_id, result.to_json() | {"sentence": result.sentence})
    return result


def _found(datasets: Datasets, name: str, batch: str) -> Batch:
    found = datasets.find(name, batch)
    if found is None:
        raise InputError(f"dataset {name} must hold batch {batch!r}, but does not. Ingest it first.")
    if not found.rows:
        raise GateClosed(f"batch {batch} of {name} must have rows, but has none: every expectation would pass.")
    return found


def _not_delivered_before(
    datasets: Datasets, documents: Documents, rows: Columns, batch: Batch, accepted: str
) -> CheckResult:
    """Rows that another batch has brought already: a file that is corrected and delivered again must not count twice.

    A batch that was refused at a later point does not count: its correction is wanted.
    """
    dataset = batch.dataset.rpartition("/")[0]
    accepting = f"{dataset}/{accepted}"
    others = [b for b in datasets.batches(accepting) if b.batch != batch.batch]
    others = [b for b in others if not refused(documents, dataset, b.batch)]
    overlapping = [b.batch for b in others if b.since <= batch.until and b.until >= batch.since]
    known = (
        datasets.read(accepting, batches=overlapping, columns=["row_id"]) if overlapping and "row_id" in rows else {}
    )
    again = np.flatnonzero(np.isin(rows["row_id"], known["row_id"])) if known else np.empty(0, dtype=np.int64)
    return CheckResult(
        expectation=REPEATED,
        column="row_id",
        severity="warn",
        success=not len(again),
        crashed=False,
        rows=again,
        observed=f"{len(again)} of {batch.rows} rows fail",
        message=f"{len(again)} rows are in {accepting} already, from batches {overlapping}" if len(again) else "",
    )


def _settled(
    datasets: Datasets, documents: Documents, accepting: str, table: str, batch: str
) -> ValidationResult | None:
    record = documents.get(KIND, f"{table}/{batch}")
    if record is None or record["verdict"] == "fail" or datasets.find(accepting, batch) is None:
        return None
    return ValidationResult.from_json(record)


def _result(
    checks: Sequence[CheckResult],
    judged: Judgement,
    rows: Columns,
    *,
    dataset: str,
    table: str,
    batch: str,
    suite: Json,
) -> ValidationResult:
    row_id = rows["row_id"] if "row_id" in rows else np.arange(row_count(rows))
    return ValidationResult(
        dataset=dataset,
        table=table,
        batch=batch,
        suite=str(suite.get("name", "")),
        suite_digest=hashlib.sha256(json.dumps(suite, sort_keys=True).encode()).hexdigest(),
        verdict=judged.verdict,
        rows=judged.rows,
        refused=len(judged.refused),
        accepted=0,
        quarantined=0,
        quarantine="",
        max_quarantine_share=0.0,
        explanation=judged.explanation,
        warnings=judged.warnings,
        checks=tuple(CheckSummary.of(check, row_id) for check in checks),
    )


def _store_rows(
    datasets: Datasets, result: ValidationResult, judged: Judgement, rows: Columns, *, accepted: str, time: str
) -> ValidationResult:
    meta = {"table": result.table, "suite": result.suite, "suite_digest": result.suite_digest}
    if len(judged.refused):
        quarantine = _quarantine_id(datasets, result)
        refused = select(rows, judged.refused) | {"reasons": judged.reasons}
        datasets.write(f"{result.dataset}/quarantine", quarantine, [refused], time=time, meta=meta)
        result = replace(result, quarantined=len(judged.refused), quarantine=quarantine)
    if result.verdict != "fail":
        keep = np.ones(result.rows, dtype=bool)
        keep[judged.refused] = False
        written = datasets.write(
            f"{result.dataset}/{accepted}", result.batch, [select(rows, keep)], time=time, meta=meta
        )
        if written.meta.get("suite_digest") != result.suite_digest:
            raise InputError(
                f"batch {result.batch} is in {written.dataset} already, accepted by another suite whose record was never "
                f"written. Run this task again with suite {written.meta.get('suite')!r} as it was."
            )
        result = replace(result, accepted=written.rows)
    return result


def _quarantine_id(datasets: Datasets, result: ValidationResult) -> str:
    """The batch and table; with the suite's digest where an earlier suite has refused rows of this batch before."""
    plain_id = f"{result.batch}-{result.table}"
    earlier = datasets.find(f"{result.dataset}/quarantine", plain_id)
    if earlier is None or earlier.meta.get("suite_digest") == result.suite_digest:
        return plain_id
    return f"{plain_id}-{result.suite_digest[:8]}"
