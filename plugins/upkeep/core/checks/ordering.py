"""Cheap and likely-to-fail checks first, and an early stop that cannot change the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRecord:
    """How often a check ran, and how often it failed.

    Examples
    --------
    >>> CheckRecord().rate, CheckRecord(runs=98, failures=0).rate
    (0.5, 0.01)
    """

    runs: int = 0
    failures: int = 0

    @property
    def rate(self) -> float:
        """Mean of the Beta posterior of the failure rate from a uniform prior: a check that never ran gets its try."""
        return (self.failures + 1) / (self.runs + 2)


class Planned(Protocol):
    """A check that may be run.

    `cost` is above 0, in any unit that all checks share. `fatal` means that its failure alone fails the table;
    `names_rows` that its failure may send rows to quarantine.
    """

    @property
    def name(self) -> str: ...
    @property
    def cost(self) -> float: ...
    @property
    def fatal(self) -> bool: ...
    @property
    def names_rows(self) -> bool: ...


class Result(Protocol):
    """What a check said; one that crashed has failed the table, whatever its kind."""

    @property
    def success(self) -> bool: ...
    @property
    def crashed(self) -> bool: ...


P = TypeVar("P", bound=Planned)
R = TypeVar("R", bound=Result)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran(Generic[P, R]):
    """Results of the checks that ran, and the checks that were spared, both in the order they were given."""

    results: tuple[R, ...]
    spared: tuple[P, ...]


def order_checks(checks: Sequence[P], history: Mapping[str, CheckRecord], *, rows_wanted: bool) -> tuple[P, ...]:
    """The order with the least expected cost until the answer is known.

    Parameters
    ----------
    checks : sequence of Planned
    history : mapping of str to CheckRecord
        By the name of a check; one that is not in it has never run.
    rows_wanted : bool
        Whether rows of a failing table go to quarantine, so that checks which name rows run in any case.

    Notes
    -----
    What runs in any case costs nothing extra, and comes first. Then fatal checks by failure rate over cost, which is
    the best order if checks fail independently of each other [1]_; then the rest, which can stop nothing.

    References
    ----------
    .. [1] Mitten (1960). An analytic solution to the least cost testing sequence problem. J. Ind. Eng. 11.

    Examples
    --------
    >>> from types import SimpleNamespace as Check
    >>> slow = Check(name="range", cost=20.0, fatal=True, names_rows=False)
    >>> fast = Check(name="columns", cost=1.0, fatal=True, names_rows=False)
    >>> [check.name for check in order_checks([slow, fast], {}, rows_wanted=False)]
    ['columns', 'range']
    >>> often = {"range": CheckRecord(runs=98, failures=49), "columns": CheckRecord(runs=98)}
    >>> [check.name for check in order_checks([slow, fast], often, rows_wanted=False)]
    ['range', 'columns']
    """

    return tuple(checks[at] for at in _order(checks, history, rows_wanted))


def run_checks(
    checks: Sequence[P], run: Callable[[P], R], *, history: Mapping[str, CheckRecord], rows_wanted: bool
) -> Ran[P, R]:
    """Run checks in the best order until the rest can change neither the verdict nor the quarantine.

    Notes
    -----
    After a fatal failure the verdict stands, and only checks that name rows still matter, if rows are wanted. So
    `core.validation.judge` gives the verdict of the full run, and with `rows_wanted` its refused rows and reasons;
    its explanation and warnings tell of the checks that ran.
    """
    found: dict[int, R] = {}
    settled = False
    for at in _order(checks, history, rows_wanted):
        if settled and not (rows_wanted and checks[at].names_rows):
            continue
        found[at] = run(checks[at])
        settled |= found[at].crashed or (checks[at].fatal and not found[at].success)
    spared = tuple(check for at, check in enumerate(checks) if at not in found)
    return Ran(results=tuple(found[at] for at in sorted(found)), spared=spared)


def _order(checks: Sequence[P], history: Mapping[str, CheckRecord], rows_wanted: bool) -> list[int]:
    def rank(at: int) -> tuple[bool, bool, float]:
        check = checks[at]
        worth = history.get(check.name, CheckRecord()).rate / check.cost
        return not (rows_wanted and check.names_rows), not check.fatal, -worth

    return sorted(range(len(checks)), key=rank)
