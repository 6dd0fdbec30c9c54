"""Who is late in a stream: counts that grow when a row is late and shrink when its label comes."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Table
from upkeep.core.feedback.late.coding import Coding
from upkeep.core.feedback.late.counts import add_pairs, pair_counts
from upkeep.core.feedback.late.evidence import Counts, Evidence, Pair, items_of, matches
from upkeep.core.feedback.late.rules import LateRules, report
from upkeep.core.feedback.late.terms import Terms
from upkeep.core.feedback.late.waiting import Waiting
from upkeep.core.profile.stored import fields
from upkeep.errors import InputError

FORMAT = 1
#: A late row that counts less than this is forgotten: after ten half-lives.
_FADED = 2.0**-10


class LateCounter:
    """Counts of items and pairs of items over all rows, and over those that are late and still without a label.

    Parameters
    ----------
    coding : Coding
        What clauses there are, the same for as long as counts are kept.
    half_life_h : float, optional
        Rows count half after so many hours; by default they never fade.
    watched : iterable of (int, int)
        Pairs of items within which a third one is counted too, from now on.

    Notes
    -----
    Memory is that of two tables of k x k counts (k items; 2.4 MB each for 50 columns of ten cells and missing values), of
    k counts per watched pair, and of a byte per column and an id for each row that is late now. A row costs
    the pairs of its columns. Without fading the counts are whole numbers, and the rules are to the last bit those that
    `who_is_late` finds in the same rows; rules of three clauses as far as their pairs are watched.

    A row that fades counts for less than itself in rows and late rows alike. The variance of such sums is at most that
    of as many whole rows, so limits that take the sums for counts are, if anything, too wide; they are exact only
    without fading.

    Examples
    --------
    >>> rows = {"zone": np.repeat(np.array(["Bronx", "Kings"], dtype=object), 500)}
    >>> counter = LateCounter(Coding.fit(rows))
    >>> counter.add(range(1000), rows, late=np.arange(1000) < 200)
    >>> [rule.clauses for rule in counter.rules().rules]
    [('zone = Bronx',)]
    >>> counter.labelled(range(190))  # their labels have come
    190
    >>> counter.rules().rules
    ()
    """

    def __init__(self, coding: Coding, *, half_life_h: float | None = None, watched: Iterable[Pair] = ()) -> None:
        if half_life_h is not None and not half_life_h > 0:
            raise InputError(
                f"half_life_h must be positive hours, got {half_life_h}. Pass None for rows never to fade."
            )
        items = int(coding.sizes.sum())
        self.coding, self.half_life_h = coding, half_life_h
        self.rows = 0.0
        self._pairs, self._late_pairs = np.zeros((items, items)), np.zeros((items, items))
        self._third = {pair: np.zeros(items) for pair in watched}
        self._waiting = Waiting(len(coding.sizes))

    @property
    def late(self) -> float:
        """Late rows that still wait for their label."""
        return float(self._waiting.weights.sum())

    @property
    def watched(self) -> tuple[Pair, ...]:
        return tuple(self._third)

    def add(self, ids: Sequence[Hashable], table: Table, late: NDArray[np.bool_]) -> None:
        """Predictions whose label is due now: those that have it, and those that are late.

        Parameters
        ----------
        ids : sequence, length n
            Texts or whole numbers; only those of late rows are kept.
        table : mapping of str to ndarray or Coded, each shape (n,)
        late : ndarray of bool, shape (n,)

        Raises
        ------
        InputError
            If lengths differ, or an id is late already.
        """
        codes, late = self.coding.encode(table), np.asarray(late)
        if late.dtype != np.bool_ or late.shape != (codes.shape[1],) or len(ids) != codes.shape[1]:
            raise InputError(
                f"ids and late, booleans, must be as many as the rows, got {len(ids)} ids and {late.dtype} of shape "
                f"{late.shape} for {codes.shape[1]} rows."
            )
        here = np.flatnonzero(late)
        waiting = codes[:, here]
        self._waiting.add([ids[int(i)] for i in here], waiting, np.ones(len(here)))
        add_pairs(self._late_pairs, waiting, self.coding.sizes)
        add_pairs(self._pairs, codes, self.coding.sizes)
        for pair, counts in self._third.items():
            counts += items_of(codes[:, np.flatnonzero(matches(codes, self.coding, pair))], self.coding)
        self.rows += codes.shape[1]

    def labelled(self, ids: Iterable[Hashable]) -> int:
        """Labels have come: of these, rows that were late are so no longer. Returns how many; other ids are no matter."""
        codes, weights = self._waiting.take(ids)
        self._leave(codes, weights)
        return len(weights)

    def pass_time(self, hours: float) -> None:
        """All rows so far fade; late ones that count next to nothing are forgotten."""
        if not hours >= 0:
            raise InputError(f"time passes forward, got {hours} hours. Pass hours of at least 0.")
        if self.half_life_h is None:
            return
        factor = 2.0 ** (-hours / self.half_life_h)
        for counts in (self._pairs, self._late_pairs, *self._third.values()):
            counts *= factor
        self.rows *= factor
        self._leave(*self._waiting.fade(factor, _FADED))

    def rules(self, terms: Terms | None = None, *, wording: str = "late") -> LateRules:
        """What `who_is_late` says of the same rows."""
        return report(self.evidence(), terms or Terms(), wording)

    def evidence(self) -> Evidence:
        third = {pair: counts.copy() for pair, counts in self._third.items()}

        def within(pair: Pair, items: NDArray[np.intp]) -> Counts | None:
            return third[pair][items] if pair in third else None

        return Evidence(
            coding=self.coding,
            rows=self.rows,
            pairs=self._pairs.copy(),
            late=self._waiting.codes.copy(),
            late_pairs=self._late_pairs.copy(),
            weights=self._waiting.weights.copy(),
            within=within,
        )

    def _leave(self, codes: NDArray[np.uint8], weights: Counts) -> None:
        add_pairs(self._late_pairs, codes, self.coding.sizes, -weights)
        if self.half_life_h is not None:
            np.maximum(self._late_pairs, 0.0, out=self._late_pairs)  # sums of faded weights are rounded

    def to_json(self) -> dict[str, Any]:
        """Plain values; ids must be texts or whole numbers."""
        upper = np.triu_indices(len(self._pairs))
        return {
            "format": FORMAT,
            "coding": self.coding.to_json(),
            "half_life_h": self.half_life_h,
            "rows": self.rows,
            "pairs": self._pairs[upper].tolist(),
            "third": [[list(pair), counts.tolist()] for pair, counts in self._third.items()],
            "ids": [one.item() if isinstance(one, np.generic) else one for one in self._waiting.ids],
            "codes": self._waiting.codes.T.tolist(),
            "weights": self._waiting.weights.tolist(),
        }

    @classmethod
    def from_json(cls, record: object) -> LateCounter:
        """Inverse of `to_json`; InputError for another format."""
        names = ("format", "coding", "half_life_h", "rows", "pairs", "third", "ids", "codes", "weights")
        held = fields("a stored late counter", record, names)
        if held["format"] != FORMAT:
            raise InputError(f"a stored late counter must have format {FORMAT}, got {held['format']!r}. Start anew.")
        counter = cls(Coding.from_json(held["coding"]), half_life_h=held["half_life_h"])
        sizes, upper = counter.coding.sizes, np.triu_indices(len(counter._pairs))
        if len(held["pairs"]) != len(upper[0]):
            raise InputError(
                f"a stored late counter must have {len(upper[0])} pairs, got {len(held['pairs'])}. Start anew."
            )
        counter._pairs[upper] = held["pairs"]
        counter._pairs.T[upper] = held["pairs"]
        counter._third = {(int(a), int(b)): np.array(counts, dtype=np.float64) for (a, b), counts in held["third"]}
        codes = np.array(held["codes"], dtype=np.uint8).reshape(-1, len(sizes)).T
        if len({len(held["ids"]), len(held["weights"]), codes.shape[1]}) > 1 or (codes >= sizes[:, None]).any():
            raise InputError(
                f"a stored late counter must have codes below {sizes.tolist()} and a weight for each late row, got "
                f"{len(held['ids'])} ids, {len(held['weights'])} weights and codes of shape {codes.shape}. Start anew."
            )
        counter._waiting.add(held["ids"], codes, np.array(held["weights"], dtype=np.float64))
        counter._late_pairs = pair_counts(counter._waiting.codes, sizes, counter._waiting.weights)
        counter.rows = float(held["rows"])
        return counter
