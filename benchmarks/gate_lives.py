"""Lives of a gate's test set, and a developer who turns every answer against it.

The labels are coin flips, so that no model is better than another whatever it was fitted to, and a model that ignores what it
could know lies exactly at the threshold (for a wrong refusal: beyond it by less than any data show). One world has one
accuracy, ``n > 0.5`` or, with rows on which every model is right, a higher one; the other has pairs, ``n - o > 0``, in which a
share of the predictions differs.

The developer overfits to the finite rows by the boosting attack of [1]_, which here gets one bit at a time: random models are
lifted, honestly, to where an answer is even, so that each is right to pass and right to be refused; then the weighted vote
of them, back at the threshold, is handed in. If a pass retires the test set, the models are lifted to where as many passes
as may be built on are to be expected.

References
----------
.. [1] Blum & Hardt (2015). The Ladder: a reliable leaderboard for machine learning competitions. ICML.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, norm

from upkeep.core.gate.betting import bets, growth
from upkeep.core.gate.condition import Condition, parse
from upkeep.core.gate.plan import Facts, Plan, plan
from upkeep.core.gate.promise import Promise

Values = NDArray[np.int8]
#: What each row says in the attack's direction, (lives, rows), and that direction -> per life 1 if the estimate is
#: judged to be beyond the threshold in it, -1 if short of it, 0 if unknown.
Judge = Callable[[Values, int], Values]
#: The same for another clause, which holds: 1, 0, -1 for so many lives.
Guard = Callable[[np.random.Generator, int], Values]

_ELEMENTS = 1 << 19  # of a batch's largest array
_HEAVIEST = 12
_ROUNDED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the threshold is.

    Attributes
    ----------
    hard : float
        Share of the rows whose labels are coin flips; every model is right on the others. The threshold is 1 - hard / 2.
    difference : float or None
        The share of rows, in 256ths, on which the new model and the old one differ, where it is ``n - o > 0`` instead.
    """

    hard: float = 1.0
    difference: float | None = None

    def excess(self, values: Values, direction: int) -> NDArray[np.float64]:
        mean: NDArray[np.float64] = values.sum(axis=1, dtype=np.int32) / values.shape[1]
        if self.difference is not None:
            return mean
        return mean - (1.0 - self.hard / 2.0 if direction > 0 else self.hard / 2.0)

    def spread(self, rows: int) -> float:
        share = self.hard / 2.0
        return math.sqrt((share * (1.0 - share) if self.difference is None else self.difference) / rows)


def fixed(world: World, tolerance: float) -> Judge:
    """The gate's rule: the estimate, give or take the tolerance, beside the threshold."""

    def judge(values: Values, direction: int) -> Values:
        excess = world.excess(values, direction)
        return (excess - tolerance > 0.0).astype(np.int8) - (excess + tolerance < 0.0).astype(np.int8)

    return judge


def plain(world: World) -> Judge:
    """The control: what is bigger is better."""
    return lambda values, direction: np.where(world.excess(values, direction) > 0.0, 1, -1).astype(np.int8)


def sequential(tolerance: float, log_tests: float, rows: int) -> Judge:
    """The anytime test of an accuracy against 0.5, looked at after every row, by the counts at which it stops."""
    near, far = (_least_count(null, tolerance, log_tests, rows) for null in (0.5, 0.5 - 2.0 * tolerance))
    times = np.arange(1, rows + 1, dtype=np.int32)

    def judge(values: Values, _direction: int) -> Values:
        up = np.cumsum(values, axis=1, dtype=np.int32)
        down = times - up
        above, below = _first(up >= near), _first(down >= near)
        within = np.maximum(_first(up >= far), _first(down >= far))
        first = np.minimum(np.minimum(above, below), within)
        return np.where(first == rows, 0, 1 * (above == first) - (below == first)).astype(np.int8)

    return judge


def _first(hit: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.where(hit.any(axis=1), hit.argmax(axis=1), hit.shape[1])


def _least_count(null: float, tolerance: float, log_tests: float, rows: int) -> NDArray[np.int32]:
    """Per number of rows, the least number of ones that refutes "null or less"."""
    shares = bets(0.5, tolerance)
    lost, won = growth(np.array([0.0, 1.0]), null, shares).T[:, :, None]
    need = np.empty(rows, dtype=np.int32)
    for t in range(1, rows + 1):
        ones = np.arange(t + 1)
        wealth = np.logaddexp.reduce(ones * won + (t - ones) * lost, axis=0) - math.log(len(shares))
        need[t - 1] = np.searchsorted(wealth, log_tests)  # wealth grows with the ones
    return need


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What the developer does: how often a lifted model is hit, and how many of them come before the vote.

    A *hit* is the answer in the direction of the attack: a pass that should not be, or a refusal.
    """

    direction: int
    probes: int
    hit_rate: float

    @classmethod
    def against(cls, promise: Promise, direction: int) -> Plot:
        """The strongest known use of the answers that may be built on."""
        steps = promise.steps
        last = max(1, steps // 4)
        if promise.adaptivity == "none":
            return cls(direction=direction, probes=0, hit_rate=0.5)
        if promise.adaptivity == "full" or (promise.mode == "investigate" and direction < 0):
            return cls(direction=direction, probes=steps - last, hit_rate=0.5)
        passes = min(0.5, (promise.releases + (0.0 if direction > 0 else 0.5)) / max(1, steps - last))
        if not passes:
            return cls(direction=direction, probes=0, hit_rate=0.5)
        return cls(direction=direction, probes=steps - last, hit_rate=passes if direction > 0 else 1.0 - passes)


def wrong_lives(
    rng: np.random.Generator,
    promise: Promise,
    world: World,
    judge: Judge,
    *,
    rows: int,
    tolerance: float,
    lives: int,
    guard: Guard | None = None,
) -> int:
    """Lives with a wrong answer."""
    return sum(
        int(_play(rng, promise, world, judge, Plot.against(promise, direction), rows, tolerance, some, guard).sum())
        for direction, some in _batches(promise, lives, rows)
    )


def _batches(promise: Promise, lives: int, rows: int) -> Iterator[tuple[int, int]]:
    directions = {"fp-free": (1,), "fn-free": (-1,), "investigate": (1, -1)}[promise.mode]
    most = max(1, _ELEMENTS // rows)
    for direction in directions:
        left = -(-lives // len(directions))
        while left:
            some = min(left, most)
            yield direction, some
            left -= some


def _play(
    rng: np.random.Generator,
    promise: Promise,
    world: World,
    judge: Judge,
    plot: Plot,
    rows: int,
    tolerance: float,
    lives: int,
    guard: Guard | None,
) -> NDArray[np.bool_]:
    builder = Builder(rng, world, plot, rows, tolerance, lives)
    most = {"none": math.inf, "full": math.inf}.get(promise.adaptivity, promise.releases)
    passes = np.zeros(lives, dtype=np.int64)
    alive, wrong = np.ones(lives, dtype=bool), np.zeros(lives, dtype=bool)
    for step in range(promise.steps):
        # With all passes used the next one ends the life: lifted models would be a waste.
        lifted = (step < plot.probes) & (passes < most) if plot.direction > 0 else np.full(lives, step < plot.probes)
        values, moved = builder.model(lifted)
        truth = plot.direction * judge(values, plot.direction)
        if guard is not None:
            other = guard(rng, lives)
            truth = np.where((truth < 0) | (other < 0), -1, np.minimum(truth, other))
        passed, failed = _answers(truth, promise.mode)
        at_odds = passed & ~lifted if plot.direction > 0 else failed & ~lifted
        far = failed & lifted if plot.direction > 0 else passed & lifted
        if promise.mode == "investigate":
            at_odds |= far  # a lifted model that gets the answer opposite to what it deserves
        wrong |= alive & at_odds
        builder.learn(moved, lifted & alive, passed if plot.direction > 0 else failed)
        passes += passed & alive
        alive &= passes <= most
    return wrong


def _answers(truth: NDArray[np.int8], mode: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    passed = truth >= 0 if mode == "fn-free" else truth > 0
    failed = truth <= 0 if mode == "fp-free" else truth < 0
    return passed, failed


class Builder:
    """The developer: hidden rows, what was handed in, and the vote of it."""

    def __init__(
        self, rng: np.random.Generator, world: World, plot: Plot, rows: int, tolerance: float, lives: int
    ) -> None:
        self._rng, self._shape, self._direction = rng, (lives, rows), plot.direction
        self._share = world.difference
        # Pairs: whether a changed prediction moves the estimate in the attack's direction, which nobody knows.
        self._good = None if self._share is None else 2 * self._coins().astype(np.int8) - 1
        self._easy = None if world.hard == 1.0 else self._below(1.0 - world.hard)
        often, seldom = max(plot.hit_rate, 1.0 - plot.hit_rate), min(plot.hit_rate, 1.0 - plot.hit_rate)
        weight = min(_HEAVIEST, round(often / seldom))
        self._weights = (weight, -1) if plot.hit_rate <= 0.5 else (1, -weight)
        self._score = np.zeros(self._shape, dtype=np.int8)
        self._known: NDArray[np.bool_] | None = None
        self._lift = 0.0
        if plot.probes:
            most = world.hard / 2.0 if self._share is None else self._share
            lift = tolerance - float(norm.ppf(1.0 - plot.hit_rate)) * world.spread(rows)
            self._lift = min(max(lift, 1.0 / 128.0), most)
            self._known = self._below(2.0 * self._lift / world.hard)
            self._unknown = (~self._known).astype(np.int8)

    def model(self, lifted: NDArray[np.bool_]) -> tuple[Values, Values]:
        """What each row says of the next model, and where it moved, (lives, rows)."""
        if lifted.all():
            moved = self._lifted()
        elif not lifted.any():
            moved = self._vote()
        else:
            moved = np.where(lifted[:, None], self._lifted(), self._vote())
        if self._good is not None:
            return moved * self._good, moved
        if self._easy is None:
            return moved, moved
        return np.where(self._easy, np.int8(self._direction > 0), moved), moved

    def learn(self, moved: Values, told: NDArray[np.bool_], hit: NDArray[np.bool_]) -> None:
        """Add the models that were lifted to the vote, by what was answered."""
        if self._known is None or not told.any():
            return
        weights = np.where(told, np.where(hit, *self._weights), 0).astype(np.int8)
        voices = moved if self._share is not None else 2 * moved - 1
        # What lifts a model honestly stays out of the vote, which would otherwise be better than the threshold.
        self._score += weights[:, None] * voices * self._unknown

    def _lifted(self) -> Values:
        assert self._known is not None
        if self._share is None or self._good is None:
            return (self._coins() | self._known).astype(np.int8)
        rest = self._below((self._share - self._lift) / (1.0 - 2.0 * self._lift))
        return np.where(self._known, self._good > 0, rest).astype(np.int8)

    def _vote(self) -> Values:
        if self._share is None:
            score = 2 * (self._score + 2 * self._coins().astype(np.int8) - 1) + self._coins()
            return (score > 0).astype(np.int8)
        if self._known is None:
            return self._below(self._share).astype(np.int8)
        # The rows with most of the vote, as many as may differ; a vote's worth of chance makes each try another one.
        score = self._score + 1.5 * self._rng.random(self._shape, dtype=np.float32)
        most = max(1, int(self._share * self._shape[1]))
        least = np.partition(score, -most, axis=1)[:, -most]
        return (score >= least[:, None]).astype(np.int8)

    def _below(self, share: float) -> NDArray[np.bool_]:
        """Each row with this chance, rounded down to 256ths."""
        return self._rng.integers(0, 256, self._shape, dtype=np.uint8) < min(255, int(256 * share))

    def _coins(self) -> NDArray[np.bool_]:
        lives, rows = self._shape
        packed = np.frombuffer(self._rng.bytes(-(-lives * rows // 8)), dtype=np.uint8)
        return np.unpackbits(packed, count=lives * rows).reshape(self._shape).astype(bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A condition and the world in which it is asked, with the clause to be attacked at the end.

    Attributes
    ----------
    text : str
    world : World
    tolerance : float
        Of the last clause.
    bounded : bool
        Whether the share that differs is known.
    measured_on : int
        On how many unlabelled rows it is measured, or 0.
    filtered : tuple of (float, float) or None
        Threshold and tolerance of a clause on d before the last one.
    """

    text: str
    world: World
    tolerance: float
    bounded: bool = False
    measured_on: int = 0
    filtered: tuple[float, float] | None = None

    def guard(self, unlabelled: int) -> Guard | None:
        """The clause on d, judged on that many rows other than the labelled ones."""
        if self.filtered is None or self.world.difference is None:
            return None
        (threshold, tolerance), difference = self.filtered, self.world.difference

        def judge(rng: np.random.Generator, lives: int) -> Values:
            share = rng.binomial(unlabelled, difference, lives) / unlabelled
            return (1 * (share + tolerance < threshold) - (share - tolerance > threshold)).astype(np.int8)

        return judge


ACCURACY = Question(text="n > 0.5 +/- 0.1", world=World(), tolerance=0.1)
HIGH = Question(text="n > 0.875 +/- 0.08", world=World(hard=64 / 256), tolerance=0.08)
_PAIRS = World(difference=32 / 256)
WIDE = Question(text="n - o > 0 +/- 0.2", world=World(difference=128 / 256), tolerance=0.2, bounded=True)
PAIRS = Question(text="n - o > 0 +/- 0.08", world=_PAIRS, tolerance=0.08, bounded=True)
#: Smaller tolerances leave more rows to learn from: for the control.
FINE = Question(text="n - o > 0 +/- 0.05", world=_PAIRS, tolerance=0.05, bounded=True)
MEASURED = Question(text="n - o > 0 +/- 0.08", world=_PAIRS, tolerance=0.08, measured_on=4000)
FILTERED = Question(
    text="d < 0.145 +/- 0.01 /\\ n - o > 0 +/- 0.08", world=_PAIRS, tolerance=0.08, filtered=(0.145, 0.01)
)
#: Every method where it is available.
METHODS = (
    ("hoeffding", ACCURACY), ("exact", ACCURACY), ("anytime", ACCURACY),
    ("chernoff", HIGH), ("coarse_to_fine", HIGH), ("exact", HIGH),
    ("hoeffding", WIDE), ("paired", WIDE), ("bennett", PAIRS), ("exact", PAIRS), ("active", PAIRS),
    ("implicit_variance", MEASURED), ("exact", MEASURED), ("hierarchical", FILTERED), ("exact", FILTERED),
)  # fmt: skip
ADAPTIVITIES = (("none", 0), ("full", 0), ("firstChange", 0), ("releases", 1))
MODES = ("fp-free", "fn-free", "investigate")


def rows_needed(method: str, question: Question, promise: Promise, measured: float | None = None) -> tuple[int, int]:
    """Labelled rows for the last clause, and unlabelled ones for the clause before it, as planned."""
    facts = Facts(
        difference=question.world.difference if question.bounded else None,
        measured_difference=None if measured is None else (measured, question.measured_on),
    )
    clauses = (
        _planned(parse(question.text), promise, facts).method("hoeffding" if method == "anytime" else method).clauses
    )
    return clauses[-1].rows, clauses[0].rows


@cache
def _planned(condition: Condition, promise: Promise, facts: Facts) -> Plan:
    return plan(condition, promise, facts)


def attacked(
    rng: np.random.Generator,
    method: str,
    question: Question,
    promise: Promise,
    lives: int,
    sized: Promise | None = None,
) -> int:
    """Lives with a wrong answer under a planned method; `sized` is the promise that the rows are planned for, if another."""
    sized = sized or promise
    if not question.measured_on:
        return _attacked(rng, question, promise, lives, *_rule(method, question, sized))
    assert question.world.difference is not None
    # What was measured, rounded up, decides on the number of rows: lives are drawn by it, so that each is planned once.
    measured = np.ceil(_ROUNDED * np.arange(question.measured_on + 1) / question.measured_on).astype(np.int64)
    chances = binom.pmf(np.arange(question.measured_on + 1), question.measured_on, question.world.difference)
    times = rng.multinomial(lives, np.bincount(measured, chances, _ROUNDED + 1))
    return sum(
        _attacked(rng, question, promise, int(times[share]), *_rule(method, question, sized, share / _ROUNDED))
        for share in np.flatnonzero(times)
    )


def _rule(
    method: str, question: Question, sized: Promise, measured: float | None = None
) -> tuple[Judge, int, Guard | None]:
    rows, unlabelled = rows_needed(method, question, sized, measured)
    if method == "anytime":
        return sequential(question.tolerance, sized.log_tests, rows), rows, None
    return fixed(question.world, question.tolerance), rows, question.guard(unlabelled)


def _attacked(
    rng: np.random.Generator,
    question: Question,
    promise: Promise,
    lives: int,
    judge: Judge,
    rows: int,
    guard: Guard | None,
) -> int:
    return wrong_lives(
        rng, promise, question.world, judge, rows=rows, tolerance=question.tolerance, lives=lives, guard=guard
    )
