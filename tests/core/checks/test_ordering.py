import itertools
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upkeep.core.checks.ordering import CheckRecord, order_checks, run_checks
from upkeep.core.validation import judge

ROWS = 12


@dataclass(frozen=True, kw_only=True)
class Check:
    """A check and what it will say; it serves as its own result."""

    name: str
    cost: float = 1.0
    severity: str = "error"
    success: bool = True
    crashed: bool = False
    failing: tuple[int, ...] = ()
    about_rows: bool = False
    column: str = "x"
    message: str = ""
    chance: float = field(default=0.5, compare=False)

    @property
    def fatal(self):
        return self.severity == "error"

    @property
    def names_rows(self):
        return self.about_rows and self.severity != "info"

    @property
    def expectation(self):
        return self.name

    @property
    def rows(self):
        return np.array(self.failing if self.about_rows and not self.success else (), dtype=np.int64)


@st.composite
def check_sets(draw):
    made = []
    for at in range(draw(st.integers(1, 6))):
        success = draw(st.booleans())
        made.append(
            Check(
                name=f"c{at}",
                cost=draw(st.floats(0.1, 100)),
                severity=draw(st.sampled_from(["info", "warn", "error"])),
                success=success,
                crashed=not success and draw(st.integers(0, 9)) == 0,
                about_rows=draw(st.booleans()),
                failing=tuple(sorted(draw(st.sets(st.integers(0, ROWS - 1), min_size=1, max_size=4)))),
            )
        )
    history = {
        check.name: CheckRecord(runs=20, failures=draw(st.integers(0, 20))) for check in made if draw(st.booleans())
    }
    return made, history


def answer(said):
    made = judge(said, ROWS, max_quarantine_share=0.4)
    return made.verdict, made.refused.tolist(), made.reasons.tolist()


def test_rates_by_hand():
    assert CheckRecord().rate == 0.5
    assert CheckRecord(runs=8, failures=3).rate == pytest.approx(4 / 10)


@settings(max_examples=300)
@given(check_sets(), st.booleans())
def test_the_verdict_is_that_of_the_full_run_and_so_is_the_quarantine_where_rows_are_wanted(made, rows_wanted):
    checks, history = made
    ran = run_checks(checks, lambda check: check, history=history, rows_wanted=rows_wanted)
    full, ours = answer(checks), answer(ran.results)
    assert ours[0] == full[0]
    assert not rows_wanted or ours == full
    assert len(ran.results) + len(ran.spared) == len(checks)
    assert not ran.spared or full[0] == "fail"


def test_a_row_keeps_all_its_reasons_in_the_order_of_the_suite_although_the_fatal_check_ran_first():
    suite = [
        Check(name="warns", severity="warn", success=False, failing=(1, 2), about_rows=True),
        Check(name="mean", severity="warn", success=False),
        Check(name="fails", success=False, failing=(2, 3), about_rows=True),
        Check(name="columns"),
    ]
    ran = run_checks(suite, lambda check: check, history={}, rows_wanted=True)
    assert [check.name for check in ran.spared] == ["mean", "columns"]
    assert answer(ran.results) == answer(suite)
    assert answer(ran.results)[1:] == ([1, 2, 3], ["warns(x)", "warns(x); fails(x)", "fails(x)"])


@pytest.mark.parametrize("severity", ["info", "warn"])
def test_a_crash_settles_the_verdict_whatever_the_severity(severity):
    suite = [Check(name="crashes", severity=severity, success=False, crashed=True), Check(name="b", severity="warn")]
    ran = run_checks(suite, lambda check: check, history={}, rows_wanted=False)
    assert [check.name for check in ran.spared] == ["b"]
    assert answer(ran.results)[0] == answer(suite)[0] == "fail"


def stops_at_any_failure(checks):
    return checks[: next((at + 1 for at, check in enumerate(checks) if not check.success), len(checks))]


def stops_at_a_fatal_one_whatever_names_rows(checks):
    fatal = (at + 1 for at, check in enumerate(checks) if check.fatal and not check.success)
    return checks[: next(fatal, len(checks))]


def test_stopping_at_any_failure_or_without_regard_to_rows_breaks_the_answer():
    """The negative controls."""
    warn_then_error = [
        Check(name="a", severity="warn", success=False, failing=(1,), about_rows=True),
        Check(name="b", success=False),
    ]
    assert answer(stops_at_any_failure(warn_then_error))[0] != answer(warn_then_error)[0] == "fail"
    error_then_warn = warn_then_error[::-1]
    full, stopped = answer(error_then_warn), answer(stops_at_a_fatal_one_whatever_names_rows(error_then_warn))
    assert stopped[0] == full[0]
    assert stopped[1:] != full[1:]


def expected_cost(order, rows_wanted):
    """Over every outcome of independent checks, by the stopping rule."""
    total = 0.0
    for outcome in itertools.product([True, False], repeat=len(order)):
        chance, cost, settled = 1.0, 0.0, False
        for check, success in zip(order, outcome, strict=True):
            chance *= 1 - check.chance if success else check.chance
            if not settled or (rows_wanted and check.names_rows):
                cost += check.cost
                settled |= check.fatal and not success
        total += chance * cost
    return total


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.floats(0.1, 50), st.sampled_from(["error", "warn"]), st.booleans()),
        min_size=1,
        max_size=4,
    ),
    st.booleans(),
)
def test_no_order_costs_less_in_expectation(drawn, rows_wanted):
    history = {f"c{at}": CheckRecord(runs=20, failures=failures) for at, (failures, *_) in enumerate(drawn)}
    checks = [
        Check(name=f"c{at}", cost=cost, severity=severity, about_rows=about, chance=history[f"c{at}"].rate)
        for at, (_, cost, severity, about) in enumerate(drawn)
    ]
    ours = expected_cost(order_checks(checks, history, rows_wanted=rows_wanted), rows_wanted)
    best = min(expected_cost(order, rows_wanted) for order in itertools.permutations(checks))
    assert ours <= best * (1 + 1e-9)


@pytest.mark.parametrize(
    ("failures", "costs", "control"),
    [((59, 49), (50.0, 1.0), "rate"), ((97, 0), (5.0, 1.0), "cost")],
)
def test_by_rate_alone_or_by_cost_alone_costs_more(failures, costs, control):
    """The negative controls of the order: in the first pair rate alone is wrong, in the second cost alone."""
    history = {f"c{at}": CheckRecord(runs=98, failures=failed) for at, failed in enumerate(failures)}
    checks = [Check(name=name, cost=costs[at], chance=history[name].rate) for at, name in enumerate(history)]
    wrong = sorted(checks, key={"rate": lambda check: -check.chance, "cost": lambda check: check.cost}[control])
    ours = order_checks(checks, history, rows_wanted=False)
    assert expected_cost(ours, False) < expected_cost(wrong, False)


def test_the_expected_cost_by_hand():
    checks = [Check(name="a", cost=2.0, chance=0.25), Check(name="b", cost=10.0, chance=0.5)]
    assert expected_cost(checks, False) == pytest.approx(2 + 0.75 * 10)
