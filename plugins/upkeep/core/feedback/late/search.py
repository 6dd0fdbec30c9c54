"""Search for the conjunctions that explain the late rows, level by level, one rule after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy
from scipy.stats import chi2

from upkeep.core.feedback.late.counts import add_pairs
from upkeep.core.feedback.late.evidence import Counts, Evidence, Items, Pair, items_of, matches
from upkeep.core.feedback.late.limits import Family, high, low, surely_above
from upkeep.core.feedback.late.terms import Terms

#: Pairs within which a third clause is looked for, at most.
GROWN = 64
#: Such a pair is late more often than all rows by so many standard errors.
_SURE = 3.0
#: Items whose pairs are looked at together.
_BLOCK = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A rule in numbers.

    Attributes
    ----------
    rows : float
        Rows that it holds for.
    late : float
        Those of them that are late and that no earlier rule explains.
    rest_rows, rest_late : float
        Rows in neither this rule nor an earlier one, at least so many, and how many of them are late.
    excess : float
        By how much its share of late rows certainly exceeds that of the rest.
    """

    items: Items
    rows: float
    late: float
    rest_rows: float
    rest_late: float
    excess: float

    @property
    def score(self) -> float:
        """Certain excess times the late rows that are explained: effect times coverage."""
        return self.excess * self.late


@dataclass(slots=True, kw_only=True)
class _Left:
    """What is left to explain."""

    evidence: Evidence
    terms: Terms
    family: Family
    column: NDArray[np.intp]  # of each item
    least: float  # late rows that a rule must explain
    alive: NDArray[np.bool_]  # late rows that no rule explains yet
    pairs: Counts  # of these
    taken: float = 0.0  # rows of the rules so far; less if they overlap
    step: int = 1

    @property
    def late(self) -> float:
        return float(self.evidence.weights[self.alive].sum())

    def leave(self, found: Found) -> None:
        """The rows of a rule leave, as rows do whose labels come."""
        coding, late, weights = self.evidence.coding, self.evidence.late, self.evidence.weights
        gone = self.alive & matches(late, coding, found.items)
        if self.step == 1:
            self.pairs = self.pairs.copy()  # the evidence keeps its own
        add_pairs(self.pairs, late[:, gone], coding.sizes, -weights[gone])
        np.maximum(self.pairs, 0.0, out=self.pairs)  # sums of faded weights are rounded
        self.alive = self.alive & ~gone
        self.taken += found.rows
        self.step += 1


def cover(evidence: Evidence, terms: Terms) -> tuple[Found, ...]:
    """Rules, each the best for the late rows that those before it leave unexplained."""
    left = _Left(
        evidence=evidence,
        terms=terms,
        family=terms.family(evidence),
        column=np.repeat(np.arange(len(evidence.coding.sizes)), evidence.coding.sizes),
        least=terms.least_share * float(evidence.weights.sum()),
        alive=np.ones(evidence.late.shape[1], dtype=bool),
        pairs=evidence.late_pairs,
    )
    found: list[Found] = []
    while len(found) < terms.most and (best := _best(left)) is not None:
        found.append(best)
        left.leave(best)
    return tuple(found)


def promising(evidence: Evidence, late_pairs: Counts, late: float, least: float) -> list[Pair]:
    """Pairs that are late so much more often than all rows that a third clause may be behind it, the surest first.

    The excess must be at least three standard errors, and half of the late rows that a rule has to explain.
    """
    if not evidence.rows:
        return []
    share = min(1.0, late / evidence.rows)
    column = np.repeat(np.arange(len(evidence.coding.sizes)), evidence.coding.sizes)
    ranked: list[tuple[float, int, int]] = []
    for start in range(0, len(column), _BLOCK):
        block = slice(start, start + _BLOCK)
        rows = evidence.pairs[block]
        excess, error = late_pairs[block] - rows * share, np.sqrt(rows * share * (1 - share))
        wanted = (excess > 0) & (excess >= least / 2) & (excess >= _SURE * error)
        a, b = np.nonzero(wanted & (column[block, None] < column))
        rank = -excess[a, b] / np.maximum(error[a, b], np.finfo(float).tiny)
        surest = np.lexsort((b, a, rank))[:GROWN]
        ranked += zip(rank[surest].tolist(), (start + a[surest]).tolist(), b[surest].tolist(), strict=True)
    return [(a, b) for _, a, b in sorted(ranked)[:GROWN]]


def _best(left: _Left) -> Found | None:
    """The candidate that explains most, all clauses of which matter; among equal ones the shortest, then the first."""
    short = _first(left, _singles_and_pairs(left))
    if left.terms.clauses < 3:
        return short
    bar = short.score if short else 0.0
    near = promising(left.evidence, left.pairs, left.late, left.least)
    grown = {one.items: one for pair in near for one in _grow(left, pair, bar)}
    return _first(left, [*([short] if short else []), *grown.values()])


def _first(left: _Left, found: list[Found]) -> Found | None:
    ordered = sorted(found, key=lambda one: (-one.score, len(one.items), one.items))
    return next((one for one in ordered if _needs_all_clauses(left, one)), None)


def _singles_and_pairs(left: _Left) -> list[Found]:
    rows, late = left.evidence.pairs, left.pairs
    found = _certain(left, np.arange(len(rows))[:, None], np.diag(rows), np.diag(late))
    if left.terms.clauses > 1:
        for start in range(0, len(rows), _BLOCK):
            some = late[start : start + _BLOCK]
            ahead = left.column[start : start + _BLOCK, None] < left.column
            a, b = np.nonzero((some >= left.least) & (some > 0) & ahead)
            a += start
            found += _certain(left, np.column_stack([a, b]), rows[a, b], late[a, b])
    return found


def _grow(left: _Left, pair: Pair, bar: float) -> list[Found]:
    """Certain conjunctions of a pair and a third item that may score above the bar.

    A score is less than the late rows that are explained, and these are few and quickly counted: all rows are counted
    only where that leaves hope.
    """
    coding, late = left.evidence.coding, left.evidence.late
    here = left.alive & matches(late, coding, pair)
    counts = items_of(late[:, here], coding, left.evidence.weights[here])
    third = np.flatnonzero((counts > bar) & (counts >= left.least) & ~np.isin(left.column, left.column[list(pair)]))
    rows = left.evidence.within(pair, third) if len(third) else None
    if rows is None:
        return []
    items = np.sort(np.column_stack([np.broadcast_to(pair, (len(third), 2)), third]), axis=1)
    return _certain(left, items, rows, counts[third])


def _certain(left: _Left, items: NDArray[np.intp], rows: Counts, late: Counts) -> list[Found]:
    """Those whose share of late rows certainly exceeds that of the rest by more than tolerated."""
    terms, alpha = left.terms, left.family.rule_alpha(items.shape[1])
    rest_rows = left.evidence.rows - left.taken - rows
    rest_late = np.clip(left.late - late, 0.0, np.maximum(rest_rows, 0.0))
    enough = (rows >= terms.least_rows) & (rest_rows >= terms.least_rows) & (late >= left.least) & (late > 0)
    share = rest_late / np.maximum(rest_rows, 1.0) + left.family.tolerance
    likely = np.flatnonzero(enough & surely_above(late, rows, share, alpha))
    limit = high(rest_late[likely], rest_rows[likely], left.family.rest_alpha(left.step))
    sure = surely_above(late[likely], rows[likely], limit + left.family.tolerance, alpha)
    here = likely[sure]
    excess = low(late[here], rows[here], alpha) - limit[sure]
    return [
        Found(
            items=tuple(items[i].tolist()),
            rows=float(rows[i]),
            late=float(late[i]),
            rest_rows=float(rest_rows[i]),
            rest_late=float(rest_late[i]),
            excess=float(more),
        )
        for i, more in zip(here, excess, strict=True)
    ]


def _needs_all_clauses(left: _Left, one: Found) -> bool:
    """Whether without any clause rows join that are late less often, by a likelihood-ratio test.

    Its level is alpha over all items, as the clause is the best of so many. It keeps rules short and promises nothing.
    """
    if len(one.items) == 1:
        return True
    limit = float(chi2.isf(left.terms.alpha / len(left.pairs), 1))
    for dropped in one.items:
        kept = [item for item in one.items if item != dropped]
        place = kept[0], kept[-1]
        rows, late = float(left.evidence.pairs[place]), float(left.pairs[place])
        if _deviance(one, rows - one.rows, late - one.late) <= limit:
            return False
    return True


def _deviance(one: Found, other_rows: float, other_late: float) -> float:
    """Twice the log-likelihood ratio of two shares against one; 0 if the other rows are late as often or more."""
    other_late = max(other_late, 0.0)
    if other_rows <= 0 or one.late * other_rows <= other_late * one.rows:
        return 0.0
    late = np.array([one.late, other_late, one.late + other_late])
    rows = np.array([one.rows, other_rows, one.rows + other_rows])
    likelihood = xlogy(late, late / rows) + xlogy(np.maximum(rows - late, 0.0), np.maximum(1 - late / rows, 0.0))
    return float(2 * (likelihood[0] + likelihood[1] - likelihood[2]))
