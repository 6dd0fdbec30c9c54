"""What a validation says of a batch, as it is stored and shown."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import cast

import numpy as np
from numpy.typing import NDArray

from upkeep.core.plain import plain
from upkeep.core.validation import Verdict
from upkeep.ports import CheckResult, Json

SAMPLE = 10  # row ids that are stored per expectation


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSummary:
    """One expectation: `failing` rows in all, the first of them in `row_ids`."""

    expectation: str
    column: str
    severity: str
    success: bool
    crashed: bool
    failing: int
    observed: str
    message: str
    row_ids: tuple[int, ...]

    @classmethod
    def of(cls, check: CheckResult, row_id: NDArray[np.int64]) -> CheckSummary:
        return cls(
            expectation=check.expectation,
            column=check.column,
            severity=check.severity,
            success=check.success,
            crashed=check.crashed,
            failing=len(check.rows),
            observed=check.observed,
            message=check.message,
            row_ids=tuple(row_id[check.rows[:SAMPLE]].tolist()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationResult:
    """A verdict and its evidence.

    Attributes
    ----------
    verdict : str
        pass, pass_with_quarantine or fail.
    rows, refused : int
        Rows looked at, and those that a failed expectation names.
    accepted, quarantined : int
        Rows written to the accepting table and to quarantine; 0 where the rows are reported only.
    quarantine : str
        Batch id in ``<dataset>/quarantine``, or empty.
    explanation, warnings : tuple of str
        What fails the batch, and what does not.
    spared : tuple of str
        Expectations that were not looked at, since the batch fails whatever they say.
    page : str
        The page's path below the reports' root.
    """

    dataset: str
    table: str
    batch: str
    suite: str
    suite_digest: str
    verdict: Verdict
    rows: int
    refused: int
    accepted: int
    quarantined: int
    quarantine: str
    max_quarantine_share: float
    explanation: tuple[str, ...]
    warnings: tuple[str, ...]
    checks: tuple[CheckSummary, ...] = field(repr=False)
    spared: tuple[str, ...] = ()
    page: str = ""

    @property
    def validation_id(self) -> str:
        """Name of the record among the documents of kind ``validations``."""
        return f"{self.dataset}/{self.table}/{self.batch}"

    @property
    def sentence(self) -> str:
        """The answer in one sentence: what had to hold, what came, and where to look."""
        what = f"batch {self.batch} of {self.dataset}/{self.table}"
        if self.verdict == "fail":
            look = self.page + (
                f" and at {self.dataset}/quarantine, batch {self.quarantine}" if self.quarantine else ""
            )
            spared = f" ({len(self.spared)} expectations were not looked at after that)" if self.spared else ""
            return (
                f"{what} must satisfy suite {self.suite!r}, but {'; '.join(self.explanation)}{spared}. Look at {look}."
            )
        rows = f"{self.quarantined} of {self.rows} rows are in quarantine"
        if not self.quarantined:
            rows = f"{self.refused} of {self.rows} rows were reported" if self.refused else f"all {self.rows} rows hold"
        warnings = f", warnings: {'; '.join(self.warnings)}" if self.warnings else ""
        return f"{what} passed suite {self.suite!r}: {rows}{warnings}."

    def to_json(self) -> Json:
        return cast(Json, plain(self))

    @classmethod
    def from_json(cls, record: Json) -> ValidationResult:
        names = {f.name for f in fields(cls)}
        known = {name: value for name, value in record.items() if name in names}
        checks = tuple(CheckSummary(**check | {"row_ids": tuple(check["row_ids"])}) for check in record["checks"])
        texts = {name: tuple(record.get(name, ())) for name in ("explanation", "warnings", "spared")}
        return cls(**known | texts | {"checks": checks})
