"""One evaluation of the power ledger, and the rows that it was on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from upkeep.core.gate.contract import Contract, Told
from upkeep.errors import InputError

Answer = Literal["pass", "fail", "investigate"]
Decision = Literal["", "pass", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Rows of `dataset` in [since, until), ISO 8601. Spans of a dataset that share a moment share rows."""

    dataset: str
    since: str
    until: str

    def __post_init__(self) -> None:
        try:
            _moment(self.since), _moment(self.until)
        except ValueError as err:
            raise InputError(
                f"a test set must begin and end at times such as 2024-01-15, got {self.since!r} and {self.until!r}."
            ) from err

    def __str__(self) -> str:
        return f"rows of {self.dataset} between {self.since} and {self.until}"

    @property
    def empty(self) -> bool:
        """Whether no moment lies in it."""
        return bool(_moment(self.since) >= _moment(self.until))

    def shares_rows(self, other: Span) -> bool:
        """Whether a moment lies in both; compared as times, since one may be written with more digits."""
        return self.dataset == other.dataset and bool(
            _moment(self.since) < _moment(other.until) and _moment(other.since) < _moment(self.until)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One evaluation, written before any label was looked at.

    Attributes
    ----------
    position : int
        From 1, without gaps; up to 0 for evaluations from before there was a ledger.
    evaluation_id, version, champion : str, str, str or None
        The question, and the versions it was about. A repetition of the id is the same question.
    contract : Contract
    prior : float
        ln of the histories that builders had seen on these rows under other contracts; see `Promise`.
    method, needed : str, int
        How the sample size was found, and the size: fixed before labels were seen.
    rows : Span
    test_set : str
        Hash of the content of the rows.
    as_of : str
        Labels observed by then are judged by, in each repetition.
    answer : {"open", "pass", "fail", "investigate"}
        "open" while none is stored. It counts as an answer all the same, since the evaluation may have been killed after it
        looked; it is no pass, since nothing is told before it is stored.
    decided : {"", "pass", "fail"}
        What a person made of "investigate"; empty while nobody has decided.
    """

    position: int
    evaluation_id: str
    version: str
    champion: str | None
    contract: Contract
    rows: Span
    test_set: str
    as_of: str
    prior: float = 0.0
    method: str = ""
    needed: int = 0
    answer: Literal["open"] | Answer = "open"
    decided: Decision = ""

    @property
    def condition(self) -> str:
        """The condition that was asked."""
        return self.contract.condition if self.champion else self.contract.first_condition

    @property
    def told(self) -> Told:
        """What the builders of models learn from it; of an open entry, at most that."""
        return self.contract.told

    @property
    def passed(self) -> bool:
        """Whether the challenger was let in, by the gate or by a person."""
        return "pass" in (self.answer, self.decided)

    @property
    def sealed(self) -> bool:
        """Whether builders see its answer and no exact estimate; before there was a ledger, all estimates were published."""
        return self.position > 0 and self.told != "nothing"

    def under(self, contract: Contract) -> bool:
        """Whether it is of this contract's account; an evaluation from before the ledger is where all that it stored agrees."""
        if self.position > 0:
            return self.contract == contract
        old = self.contract
        same = (old.reliability, old.mode) == (contract.reliability, contract.mode)
        return same and old.condition in (contract.condition, contract.first_condition)


@lru_cache(maxsize=4096)
def _moment(text: str) -> np.datetime64:
    return np.datetime64(text)
