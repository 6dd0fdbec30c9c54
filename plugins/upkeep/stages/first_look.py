"""What is looked at before a suite is handed to the validator: enough to know that a batch is lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

from upkeep.core.checks.ordering import CheckRecord, run_checks
from upkeep.core.checks.suite_entries import expectation_name, names_rows
from upkeep.core.checks.table_checks import table_checks
from upkeep.core.columns import Columns
from upkeep.ports import CheckResult, Documents, Json

KIND = "validations"  # stored results of batches
HISTORY = 50  # other batches whose results decide on the order, last names first


def first_look(
    documents: Documents, suite: Json, rows: Columns, *, records: str, own: str, rows_wanted: bool
) -> tuple[list[CheckResult], tuple[str, ...]]:
    """Results that fail the batch, and the expectations that are spared; nothing where the whole suite must run.

    Parameters
    ----------
    records, own : str
        Where results of earlier batches of the table lie, as ``taxi/raw/``, and the name of this one's.
    rows_wanted : bool
        Whether refused rows go to quarantine. Then a suite that may name rows is run in full, since each row is to
        have all its reasons.

    Notes
    -----
    The verdict is that of the full run. A suite that the validator would refuse is not noticed before a batch gets
    further than this look. Failure rates come from the stored results of other batches, so a repetition finds
    the same; costs are cells to look at and not seconds, since what is stored is the same word by word after a kill.
    """
    expectations = suite.get("expectations")
    if not isinstance(expectations, list) or (rows_wanted and names_rows(expectations)):
        return [], ()
    checks = table_checks(expectations, rows)
    history = _history(documents, records, own) if len(checks) > 1 else {}
    ran = run_checks(checks, lambda check: check.run(), history=history, rows_wanted=False)
    if all(result.success for result in ran.results):
        return [], ()
    looked_at = {check.at for check in checks} - {check.at for check in ran.spared}
    spared = tuple(expectation_name(entry) for at, entry in enumerate(expectations) if at not in looked_at)
    return [CheckResult(**asdict(result)) for result in ran.results], spared


def _history(documents: Documents, records: str, own: str) -> dict[str, CheckRecord]:
    """Runs and failures per expectation in the stored results of other batches."""
    runs: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    names = [name for name in documents.names(KIND, records) if name != own]
    for record in filter(None, (documents.get(KIND, name) for name in names[-HISTORY:])):
        for check in record["checks"]:
            name = f"{check['expectation']}({check['column']})"
            runs[name] += 1
            failures[name] += not check["success"]
    return {name: CheckRecord(runs=runs[name], failures=failures[name]) for name in runs}
