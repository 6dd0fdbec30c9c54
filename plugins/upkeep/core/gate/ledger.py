"""The power ledger: what each test set has judged, what builders learned from it, and how much it may still judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from upkeep.core.gate.contract import Contract
from upkeep.core.gate.entry import Entry, Span

Alarm = Literal["", "last step", "used up", "retired", "taken"]

_Spent = Sequence[tuple[Entry, float]]
_ROUNDING = 1e-9  # of sums of histories, which are kept as logarithms


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a contract has left on some rows.

    Attributes
    ----------
    contract, rows : Contract, Span
    answered, passes, open : int
        Evaluations under the contract on rows of the span; those that passed, those that a person let in included; and
        those without a stored answer.
    left : int
        How many more the rows may judge under the contract.
    alarm : {"", "last step", "used up", "retired", "taken"}
    open_since : str
        Where the longest part of the span begins that may judge another challenger; `rows.until` if no part may.
    prior : float
        ln of the histories that builders have seen on rows of the span under other contracts.
    contracts : int
        How many contracts have judged on rows of the span, this one included.
    error : float
        Chance that any verdict of any of these contracts on these rows is wrong: the sum of their 1 - reliability.
    told : bool
        Whether some of the rows are of a test set that is retired, of which builders may have been told every estimate.
    taken : bool
        Whether some of the rows have judged for others: for people who see estimates, where builders see this contract's
        answers; or for builders, where estimates are open under this one.
    """

    contract: Contract
    rows: Span
    answered: int
    passes: int
    open: int
    left: int
    alarm: Alarm
    open_since: str
    prior: float
    contracts: int
    error: float
    told: bool
    taken: bool

    @property
    def closed(self) -> bool:
        """Whether the span as a whole may judge nobody any more."""
        return self.left == 0

    @property
    def refusal(self) -> str:
        """Why the rows may not judge another challenger, and what to do; empty if they may."""
        if self.contract.retires(self.passes):
            passed = "a challenger" if self.passes == 1 else f"{self.passes} challengers"
            return f"some {self.rows} have let {passed} pass, which retires them; hold out newer rows"
        if self.alarm == "retired":
            return f"some {self.rows} are of a retired test set, which builders may know; hold out newer rows"
        if self.alarm == "taken":
            return f"some {self.rows} {self._taken}; hold out newer rows"
        if self.alarm == "used up":
            steps = self.contract.steps
            judged = f"some {self.rows} have judged {self.answered} of {steps} challengers"
            why = "" if self.answered >= steps else ", after answers on rows that overlap these,"
            more = "" if self.told or self.taken else ", or raise steps before the next ones"
            return f"{judged}{why} and prove nothing about more; hold out newer rows{more}"
        return ""

    @property
    def _taken(self) -> str:
        if self.contract.told == "nothing":
            return "judge for builders, from whom estimates are kept, and under the adaptivity none they would be open"
        return (
            "have judged where estimates are open, under the adaptivity none or before there was a ledger, and builders who "
            f"see answers under {self.contract.adaptivity} may know them"
        )

    @property
    def sentence(self) -> str:
        """The budget left, and what to do next."""
        said = self.refusal or f"{self.left} of {self.contract.steps} steps are left on {self.rows}"
        if self.alarm == "last step":
            said += "; hold out newer rows for the challenger after the next, or raise steps before it"
        elif self.closed and self.open_since != self.rows.until:
            said += f"; those from {self.open_since} on may still judge"
        if self.open:
            said += f"; {self.open} had no answer stored and count as answered, repeat them with their ids"
        if self.contracts > 1:
            said += (
                f"; {self.contracts} contracts have used these rows, any verdict is wrong with up to {self.error:.4g}"
            )
        return said[0].upper() + said[1:] + "."


def account(entries: Sequence[Entry], contract: Contract, rows: Span) -> Account:
    """What `contract` has left on `rows`, given everything that was ever opened on the dataset.

    Notes
    -----
    A verdict errs with probability q for a fixed model. Rows outside of `rows` being given, the model that is judged there
    next is one of as many as there are histories of answers on test sets that share rows with it [1]_. The sum of these
    numbers over all evaluations that share rows, this one included, must stay below the number that the promise was made
    for. On one test set that means `steps` evaluations. Where test sets overlap in a chain, one that is early on its own
    rows comes late after answers on the others'; if builders are told answers, `left` can end before `steps`.

    Under another contract the steps are full again, but what builders saw there is `prior`, and `error` adds up. Once a test
    set whose answers builders were told may judge nobody any more, they may be told its estimates too; then no contract may
    use rows of it. Where builders are told nothing, estimates are open at once, to people who build no models.

    Nobody knows how many histories an open estimate is worth, and it may be of the very version that another contract keeps
    sealed. So rows serve one of the two: a contract under which builders see answers gets no rows with an evaluation, open or
    answered, under "none", and "none" gets no rows with one that builders see. Evaluations from before the ledger published
    their estimates, whatever their adaptivity, which ln 2 does not pay for: where builders see answers they close rows too,
    even under the contract that they are of. Under "none" they are steps, or count as one answer each.

    References
    ----------
    .. [1] Renggli et al. (2019). Continuous integration of machine learning models with ease.ml/ci. MLSys.

    Examples
    --------
    >>> from upkeep.core.gate.entry import Entry, Span
    >>> agreed = Contract(condition="n > 0.8 +/- 0.05", first_condition="n > 0.8 +/- 0.05", reliability=0.99, steps=2)
    >>> week = Span(dataset="trips", since="2024-01-15", until="2024-01-22")
    >>> one = Entry(position=1, evaluation_id="a", version="1", champion=None, contract=agreed, rows=week, test_set="",
    ...             as_of="2024-02-01")
    >>> account([one], agreed, week).alarm
    'last step'
    """
    shared = _with_costs(entries, contract, rows)
    told = [entry for entry in entries if entry.rows.shares_rows(rows) and _told_in_full(entries, entry)]
    taken = [entry for entry in entries if entry.rows.shares_rows(rows) and _serves_others(entry, contract)]
    left = 0 if told or taken else _left(contract, shared)
    passes = _passes(shared)
    alarm: Alarm = "" if left > 1 else "last step" if left else "used up"
    if contract.retires(passes) or (told and len(shared) < contract.steps):
        alarm = "retired"
    elif taken and len(shared) < contract.steps:
        alarm = "taken"
    others = [entry for entry in entries if entry.rows.shares_rows(rows) and not entry.under(contract)]
    by_contract = {entry.contract: [one.answer for one in others if one.contract == entry.contract] for entry in others}
    return Account(
        contract=contract,
        rows=rows,
        answered=len(shared),
        passes=passes,
        open=sum(entry.answer == "open" for entry, _ in shared),
        left=left,
        alarm=alarm,
        open_since=_open_since(contract, shared, [*told, *taken], rows),
        prior=sum(other.log_seen(answers) for other, answers in by_contract.items()),
        contracts=1 + len(by_contract),
        error=min(1.0, contract.delta + sum(other.delta for other in by_contract)),
        told=bool(told),
        taken=bool(taken),
    )


def retired(entries: Sequence[Entry], entry: Entry) -> bool:
    """Whether no row of an evaluation's test set may judge under its contract any more, so that its estimates may be told.

    Nobody may be told an estimate before, where builders see answers: `account` closes these rows to every contract from
    here on, and not sooner.
    """
    shared = _with_costs(entries, entry.contract, entry.rows)
    newest = _parts([one for one, _ in shared], entry.rows)[-1]
    return not _left(entry.contract, _on(shared, newest))


def _told_in_full(entries: Sequence[Entry], entry: Entry) -> bool:
    """Whether builders see answers of a test set that is retired; of one from before the ledger, nobody knows."""
    return entry.sealed and retired(entries, entry)


def _serves_others(entry: Entry, contract: Contract) -> bool:
    """Whether estimates are open under one of the two and kept from builders under the other."""
    return entry.sealed is not (contract.told != "nothing")


def _with_costs(entries: Sequence[Entry], contract: Contract, rows: Span) -> _Spent:
    """The contract's evaluations that share rows, with ln of how many models each could have judged."""
    own = [entry for entry in entries if entry.under(contract)]

    def cost(entry: Entry) -> float:
        before = sum(one.position < entry.position and one.rows.shares_rows(entry.rows) for one in own)
        return contract.log_histories_after(before)

    return [(entry, cost(entry)) for entry in own if entry.rows.shares_rows(rows)]


def _passes(shared: _Spent) -> int:
    return sum(entry.passed for entry, _ in shared)


def _left(contract: Contract, shared: _Spent) -> int:
    if contract.retires(_passes(shared)):
        return 0
    promised = contract.promise().log_histories + _ROUNDING
    spent = float(np.logaddexp.reduce([cost for _, cost in shared], initial=-np.inf))
    left = 0
    while len(shared) + left < contract.steps:
        spent = float(np.logaddexp(spent, contract.log_histories_after(len(shared) + left)))
        if spent > promised:
            break
        left += 1
    return left


def _open_since(contract: Contract, shared: _Spent, closing: Sequence[Entry], rows: Span) -> str:
    """The earliest begin that leaves a step: one challenger does not take the new rows of a holdout from those after it."""
    for part in _parts([*(entry for entry, _ in shared), *closing], rows):
        if _left(contract, _on(shared, part)) and not any(entry.rows.shares_rows(part) for entry in closing):
            return part.since
    return rows.until


def _parts(entries: Sequence[Entry], rows: Span) -> list[Span]:
    """The span, and its parts from the end of an entry on, longest first."""
    ends = {entry.rows.until for entry in entries if np.datetime64(entry.rows.until) < np.datetime64(rows.until)}
    return [rows, *(replace(rows, since=end) for end in sorted(ends, key=np.datetime64))]


def _on(shared: _Spent, rows: Span) -> _Spent:
    return [(entry, cost) for entry, cost in shared if entry.rows.shares_rows(rows)]
