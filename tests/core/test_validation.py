"""judge: severities decide, and nothing that is empty or broken ever passes."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.validation import judge
from upkeep.errors import GateClosed, InputError


@dataclass(frozen=True)
class _Check:
    expectation: str = "unique"
    column: str = "x"
    severity: str = "warn"
    success: bool = False
    crashed: bool = False
    rows: np.ndarray = field(default_factory=lambda: np.array([], dtype=np.int64))
    message: str = "it does not hold"


def _failing(*rows, **about):
    return _Check(rows=np.array(rows, dtype=np.int64), **about)


HOLDS = _Check(success=True)


def test_passes_when_everything_holds():
    made = judge([HOLDS], 10, max_quarantine_share=0.2)
    assert (made.verdict, made.share, made.explanation) == ("pass", 0.0, ())


def test_info_is_recorded_only():
    assert judge([_failing(0, 1, severity="info"), HOLDS], 10, max_quarantine_share=0.0).verdict == "pass"


def test_warn_sends_its_rows_to_quarantine_each_with_all_its_reasons():
    checks = [_failing(3, 1), _failing(3, expectation="between", column="a, b"), _failing(3)]
    made = judge(checks, 10, max_quarantine_share=0.2)
    assert made.verdict == "pass_with_quarantine"
    assert made.refused.tolist() == [1, 3]
    assert made.reasons.tolist() == ["unique(x)", "unique(x); between(a, b)"]


def test_a_warning_about_the_table_passes_with_a_warning():
    made = judge([_failing(expectation="row_count", column="")], 10, max_quarantine_share=0.2)
    assert made.verdict == "pass"
    assert made.warnings == ("row_count() failed: it does not hold",)


def test_error_fails_and_names_the_rows_all_the_same():
    made = judge([_failing(2, severity="error")], 10, max_quarantine_share=0.2)
    assert made.verdict == "fail"
    assert made.explanation == ("unique(x) failed: it does not hold",)
    assert made.reasons.tolist() == ["unique(x)"]


@pytest.mark.parametrize("severity", ["info", "warn", "error"])
def test_a_crashed_check_fails_whatever_its_severity(severity):
    made = judge([HOLDS, _Check(severity=severity, crashed=True, message="no column")], 10, max_quarantine_share=0.2)
    assert made.verdict == "fail"
    assert made.explanation == ("unique(x) could not be carried out: no column",)


@pytest.mark.parametrize(("refused", "verdict"), [(2, "pass_with_quarantine"), (3, "fail")])
def test_fails_where_more_than_the_allowed_share_is_refused(refused, verdict):
    assert judge([_failing(*range(refused))], 10, max_quarantine_share=0.2).verdict == verdict


def test_fails_where_every_row_is_refused_even_if_any_share_may_be():
    made = judge([_failing(0, 1)], 2, max_quarantine_share=1.0)
    assert made.verdict == "fail"
    assert "2 of 2 rows are refused" in made.explanation[0]


def test_rows_that_an_expectation_tolerates_are_not_refused():
    tolerant = _Check(success=True, rows=np.array([4]))
    assert judge([tolerant], 10, max_quarantine_share=0.0).refused.size == 0


def test_an_empty_suite_an_empty_table_and_an_impossible_share_are_refused():
    with pytest.raises(InputError, match="at least one expectation, got none"):
        judge([], 10, max_quarantine_share=0.2)
    with pytest.raises(GateClosed, match="must have rows to be validated, got none"):
        judge([HOLDS], 0, max_quarantine_share=0.2)
    with pytest.raises(InputError, match=r"max_quarantine_share must lie in \[0, 1\], got 20"):
        judge([HOLDS], 10, max_quarantine_share=20)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["info", "warn", "error"]), st.booleans(), st.booleans(), st.sets(st.integers(0, 19))
        ),
        min_size=1,
    ),
    st.floats(0, 1),
)
def test_any_further_failure_never_makes_a_verdict_better(specs, share):
    checks = [
        _failing(*sorted(rows), severity=severity, success=success and not crashed, crashed=crashed)
        for severity, success, crashed, rows in specs
    ]
    order = ["pass", "pass_with_quarantine", "fail"]
    ranks = [order.index(judge(checks[: n + 1], 20, max_quarantine_share=share).verdict) for n in range(len(checks))]
    assert ranks == sorted(ranks)
    made = judge(checks, 20, max_quarantine_share=share)
    assert made.refused.tolist() == sorted(set(made.refused.tolist()))
    assert len(made.reasons) == len(made.refused)
    assert all(made.reasons)
