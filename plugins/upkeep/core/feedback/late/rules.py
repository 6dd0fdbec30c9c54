"""Rules in words: whose labels are late."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Table, row_count
from upkeep.core.feedback.late.coding import Coding
from upkeep.core.feedback.late.counts import pair_counts
from upkeep.core.feedback.late.evidence import Counts, Evidence, Pair, matches, places
from upkeep.core.feedback.late.search import Found, cover
from upkeep.core.feedback.late.terms import Terms
from upkeep.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class LateRule:
    """A conjunction whose rows are late more often than the rest.

    Attributes
    ----------
    clauses : tuple of str
        ``("zone = Bronx", "vendor = 2")``.
    places : tuple of (str, int)
        Column and code of each clause.
    rows, late : float
        Rows that the rule holds for, and those of them that are late; whole unless rows fade.
    late_share, rest_late_share : float
        Share of late rows among its rows, and among those in neither this rule nor an earlier one.
    explained : float
        Share of all late rows that this rule explains and no earlier one.
    excess : float
        By how much its share of late rows certainly exceeds that of the rest, by the limits of `Family`.
    sentence : str
    """

    clauses: tuple[str, ...]
    places: tuple[tuple[str, int], ...]
    rows: float
    late: float
    late_share: float
    rest_late_share: float
    explained: float
    excess: float
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LateRules:
    """Rules in the order in which they explain the late rows.

    Attributes
    ----------
    rules : tuple of LateRule
    rows, late : float
        Rows of the window, and late ones.
    explained : float
        Share of the late rows for which any rule holds.
    candidates : float
        Conjunctions that could have been reported.
    alpha : float
        Chance that any rule of this look is reported although its rows are not later than tolerated.
    left_out : tuple of str
        Columns that no rule can be about: see `Coding`.
    """

    rules: tuple[LateRule, ...]
    rows: float
    late: float
    explained: float
    candidates: float
    alpha: float
    left_out: tuple[str, ...] = ()


def who_is_late(
    table: Table,
    late: NDArray[np.bool_],
    *,
    coding: Coding | None = None,
    terms: Terms | None = None,
    wording: str = "late",
) -> LateRules:
    """Conjunctions of up to three clauses whose rows are late more often than the rest.

    Parameters
    ----------
    table : mapping of str to ndarray or Coded, each shape (n,)
        Features. Numbers become quantile cells, text its most frequent levels, times their hours.
    late : ndarray of bool, shape (n,)
        Rows whose label should have come.
    coding : Coding, optional
        What clauses there are; fitted on the table by default. Columns that are no longer of the same sort are left out.
    terms : Terms, optional
        What a rule must be, and the error probability of the look.
    wording : str
        How sentences say "late".

    Notes
    -----
    The best rule is the one with the largest product of its certain excess and the late rows it explains, among those
    all clauses of which matter [1]_. Its late rows leave, and the next rule has to explain what is left [2]_: no rule
    repeats another. A rule's share counts late rows that earlier rules explain as not late, so it errs to the safe
    side. Pairs are counted all; a third clause is looked for within the 64 pairs that are most certainly late. With
    chance 1 - alpha all that is reported is true: a rule's rows are late more often than those in neither it nor an
    earlier rule, by more than the tolerance, whatever was searched. Rows are late independently of each other, each
    with a chance of its own.

    References
    ----------
    .. [1] Sagadeeva & Boehm (2021). SliceLine: fast, linear-algebra-based slice finding for ML model debugging. SIGMOD.
    .. [2] Joglekar, Garcia-Molina & Parameswaran (2016). Interactive data exploration with smart drill-down. ICDE.

    Examples
    --------
    >>> zone = np.repeat(np.array(["Bronx", "Kings"], dtype=object), 500)
    >>> vendor = np.tile(np.array(["1", "2"], dtype=object), 500)
    >>> late = (zone == "Bronx") & (vendor == "2") | (np.arange(1000) % 20 == 0)
    >>> who_is_late({"zone": zone, "vendor": vendor}, late).rules[0].sentence
    'zone = Bronx and vendor = 2: of 250 rows 100% are late, against 7% of the others; that explains 83% of the late rows.'
    """
    late = np.asarray(late)
    if late.dtype != np.bool_ or late.ndim != 1:
        raise InputError(f"late must be booleans of shape (n,), got {late.dtype} of shape {late.shape}.")
    if row_count(table) != len(late):
        raise InputError(f"late must say of every row whether it is, got {len(late)} for {row_count(table)} rows.")
    coding, codes = (coding or Coding.fit(table)).read(table)
    return report(evidence_of(coding, codes, late), terms or Terms(), wording)


def evidence_of(
    coding: Coding, codes: NDArray[np.uint8], late: NDArray[np.bool_], *, pairs: Counts | None = None
) -> Evidence:
    """What the search has to know of rows in memory, codes of shape (columns, n); `pairs` of them if counted before."""

    def within(pair: Pair, items: NDArray[np.intp]) -> Counts:
        rows = np.flatnonzero(matches(codes, coding, pair))
        held = places(coding, tuple(items.tolist()))
        counts = {
            column: np.bincount(codes[column, rows], minlength=int(coding.sizes[column]))
            for column in {column for column, _ in held}
        }
        return np.array([counts[column][code] for column, code in held], dtype=np.float64)

    waiting = codes[:, np.flatnonzero(late)]
    return Evidence(
        coding=coding,
        rows=float(len(late)),
        pairs=pair_counts(codes, coding.sizes) if pairs is None else pairs,
        late=waiting,
        late_pairs=pair_counts(waiting, coding.sizes),
        weights=np.ones(waiting.shape[1]),
        within=within,
    )


def report(evidence: Evidence, terms: Terms, wording: str = "late") -> LateRules:
    """The rules of a window that has been counted."""
    every, found = float(evidence.weights.sum()), cover(evidence, terms)
    any_rule = np.zeros(evidence.late.shape[1], dtype=bool)
    rules = []
    for one in found:
        hit = matches(evidence.late, evidence.coding, one.items)
        any_rule |= hit
        rules.append(_rule(evidence, one, float(evidence.weights[hit].sum()), every, wording))
    return LateRules(
        rules=tuple(rules),
        rows=evidence.rows,
        late=every,
        explained=float(evidence.weights[any_rule].sum()) / every if every else 0.0,
        candidates=sum(terms.family(evidence).candidates),
        alpha=terms.alpha,
        left_out=evidence.coding.left_out,
    )


def _rule(evidence: Evidence, one: Found, late: float, every: float, wording: str) -> LateRule:
    held = places(evidence.coding, one.items)
    clauses = tuple(evidence.coding.clause(column, code) for column, code in held)
    share, rest, explained = late / one.rows, one.rest_late / one.rest_rows, one.late / every
    return LateRule(
        clauses=clauses,
        places=tuple((evidence.coding.names[column], code) for column, code in held),
        rows=one.rows,
        late=late,
        late_share=share,
        rest_late_share=rest,
        explained=explained,
        excess=one.excess,
        sentence=(
            f"{' and '.join(clauses)}: of {one.rows:.0f} rows {share:.0%} are {wording}, against {rest:.0%} of the others; "
            f"that explains {explained:.0%} of the late rows."
        ),
    )
