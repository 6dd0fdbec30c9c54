"""From the results of an expectation suite to a verdict over a table and the rows it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from upkeep.errors import GateClosed, InputError

#: Our own expectation, beside those of a suite: the row is in no other batch.
REPEATED = "expect_rows_not_to_be_in_another_batch"
Verdict = Literal["pass", "pass_with_quarantine", "fail"]


class Check(Protocol):
    """What is asked of a result here: `ports.CheckResult` is one."""

    @property
    def expectation(self) -> str: ...
    @property
    def column(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def success(self) -> bool: ...
    @property
    def crashed(self) -> bool: ...
    @property
    def rows(self) -> NDArray[np.int64]: ...
    @property
    def message(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict, the refused rows in ascending order with their reasons, and why in words.

    `explanation` has one sentence for whatever fails the table, `warnings` for whatever does not.
    """

    verdict: Verdict
    rows: int
    refused: NDArray[np.int64] = field(repr=False)
    reasons: NDArray[np.object_] = field(repr=False)
    explanation: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def share(self) -> float:
        """Share of rows refused."""
        return len(self.refused) / self.rows


def judge(checks: Sequence[Check], rows: int, *, max_quarantine_share: float) -> Judgement:
    """Weigh every result by its severity.

    Parameters
    ----------
    checks : sequence of Check
        `info` is recorded only. `warn` sends its failing rows to quarantine, or warns where it is about the table.
        `error` fails the table. A check that crashed fails it whatever its severity: nobody knows what it would have said.
    rows : int
        Rows of the table.
    max_quarantine_share : float
        In [0, 1]; a table that loses a larger share of its rows, or all of them, fails.

    Raises
    ------
    GateClosed
        If the table has no rows: everything would pass.
    InputError
        If there are no checks, for the same reason, or the share is outside [0, 1].

    Notes
    -----
    Rows are refused only by a check that failed: an expectation that holds for *mostly* all rows tolerates the others.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> check = SimpleNamespace(expectation="expect_column_values_to_be_between", column="fare", severity="warn",
    ...                         success=False, crashed=False, rows=np.array([7]), message="")
    >>> made = judge([check], 100, max_quarantine_share=0.2)
    >>> made.verdict, made.refused.tolist(), made.reasons.tolist()
    ('pass_with_quarantine', [7], ['expect_column_values_to_be_between(fare)'])
    """
    if not checks:
        raise InputError("a suite must hold at least one expectation, got none. Everything would pass.")
    if not 0.0 <= max_quarantine_share <= 1.0:
        raise InputError(f"max_quarantine_share must lie in [0, 1], got {max_quarantine_share}.")
    if rows < 1:
        raise GateClosed("a table must have rows to be validated, got none. Everything would pass.")
    failed = [check for check in checks if not check.success and not check.crashed and check.severity != "info"]
    refused, reasons = _refused(failed)
    explanation = [f"{_name(check)} could not be carried out: {check.message}" for check in checks if check.crashed]
    explanation += [f"{_name(check)} failed: {check.message}" for check in failed if check.severity == "error"]
    if len(refused) > max_quarantine_share * rows or len(refused) == rows:
        most = max(failed, key=lambda check: len(check.rows))
        explanation.append(
            f"{len(refused)} of {rows} rows are refused, where at most {max_quarantine_share:.1%} and never all may be; "
            f"most of them, {len(most.rows)}, by {_name(most)}"
        )
    passed: Verdict = "pass_with_quarantine" if len(refused) else "pass"
    return Judgement(
        verdict="fail" if explanation else passed,
        rows=rows,
        refused=refused,
        reasons=reasons,
        explanation=tuple(explanation),
        warnings=tuple(f"{_name(check)} failed: {check.message}" for check in failed if check.severity == "warn"),
    )


def _refused(failed: Sequence[Check]) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    reasons: dict[int, list[str]] = {}
    for check in failed:
        for row in check.rows.tolist():
            reasons.setdefault(row, []).append(_name(check))
    refused = sorted(reasons)
    texts = np.array(["; ".join(dict.fromkeys(reasons[row])) for row in refused], dtype=object)
    return np.array(refused, dtype=np.int64), texts


def _name(check: Check) -> str:
    return f"{check.expectation}({check.column})"
