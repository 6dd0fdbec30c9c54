"""A condition judged while labels come in: every look goes on where the last one stopped, and all looks are one evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from upkeep.core.gate.anytime import AnytimeState
from upkeep.core.gate.condition import Clause, Condition
from upkeep.core.gate.measure import TestRows, measure, unlabelled
from upkeep.core.gate.needs import Question
from upkeep.core.gate.promise import Mode, Promise
from upkeep.core.gate.rows import row_values
from upkeep.core.gate.slices import in_slices
from upkeep.core.gate.verdict import Answer, ClauseVerdict, Verdict, conjunction, evaluate
from upkeep.errors import InputError
from upkeep.ports import Documents
from upkeep.stages.record_names import record_name

if TYPE_CHECKING:
    from upkeep.core.gate.entry import Entry
    from upkeep.stages.gate_prepare import Evaluation, Prepared

KIND = "gate_streams"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Taken:
    """The labels that all looks so far have taken in, in that order: `ids` and `labels` of shape (m,)."""

    ids: NDArray[np.int64]
    labels: NDArray[np.float64]
    looks: int
    as_of: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """Where one clause stands: `decided`, or only undecided so far; `lacking`, (n,) bool, are the rows it could still use."""

    verdict: ClauseVerdict
    decided: bool
    labels: int
    lacking: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stream:
    """All clauses after the last look; `rows` have the labels that were taken in, and no other."""

    readings: tuple[Reading, ...]
    rows: TestRows
    mode: Mode
    as_of: str

    @property
    def lacking(self) -> NDArray[np.bool_]:
        """True, in shape (n,), for the rows whose label an undecided clause could use."""
        none = np.zeros(len(self.rows), dtype=bool)
        return np.asarray(np.logical_or.reduce([none, *(one.lacking for one in self.readings if not one.decided)]))

    @property
    def final(self) -> bool:
        """Whether no label can change the answer, or none is to come."""
        known = {one.verdict.truth for one in self.readings if one.decided}
        certain = "false" in known or ("unknown" in known and self.mode == "fp-free")
        return certain or not self.lacking.any()

    @property
    def labels(self) -> int:
        """Labels used, by the clause that used most."""
        return max(one.labels for one in self.readings)

    @property
    def verdict(self) -> Verdict:
        """What a final stream says; a clause that ran out of rows undecided is unknown."""
        clauses = tuple(one.verdict for one in self.readings)
        truth = conjunction(tuple(clause.truth for clause in clauses))
        answer: Answer = "pass" if truth == "true" or (truth, self.mode) == ("unknown", "fn-free") else "fail"
        if (truth, self.mode) == ("unknown", "investigate"):
            answer = "investigate"
        return Verdict(clauses=clauses, truth=truth, answer=answer, passed=answer == "pass")


def looked(about: Evaluation, found: Prepared, entry: Entry) -> Stream:
    """Take in the labels that came since the last look, and say where the condition stands.

    What a look takes in is stored before anything is made of it, exclusively: killed after that, or asked twice at once, the
    same labels are read in the same order. A label counts as it was when it was taken in, even if it is corrected later.

    Raises
    ------
    InputError
        If the rows of the test set are others than those it was opened on.
    """
    judged, seen = found.judged, found.look
    if judged is None or seen is None or entry.test_set != found.question.test_set(about.datasets):
        raise InputError(
            f"evaluation {entry.evaluation_id!r} must go on with the rows it was opened on, but these have changed. "
            "Use a new evaluation_id."
        )
    name, promise = record_name(about.model, about.evaluation_id), entry.contract.promise(entry.prior)
    while True:
        taken = _taken(about.documents, name)
        stream = _stream(judged.ids, judged.rows, taken, seen.condition, promise)
        new = _next(judged.ids, judged.rows, judged.table["observed_at"], taken)
        if stream.final or not len(new):
            return stream if stream.as_of else replace(stream, as_of=found.as_of)
        look = {"as_of": found.as_of, "rows": judged.ids[new].tolist(), "labels": judged.rows.label[new].tolist()}
        about.documents.create(KIND, f"{name}/{taken.looks + 1:06}", look)


def asking(found: Prepared, stream: Stream) -> Prepared:
    """With the rows that a stream without an answer needs next, in an order that has nothing to do with labels."""
    if found.look is None or found.judged is None:
        return found
    useful = found.judged.ids[stream.lacking]
    missing = found.look.missing[np.isin(found.look.missing, useful)]
    where = "; ".join(_standing(one) for one in stream.readings)
    said = f"needs more labels, {stream.labels} are used: {where}; label up to {len(missing)} more"
    return replace(found, look=replace(found.look, labels=stream.labels, missing=missing, shortage=said))


def readings(known: TestRows, order: NDArray[np.intp], condition: Condition, promise: Promise) -> tuple[Reading, ...]:
    """Judge each clause by labels in the order in which they came.

    Parameters
    ----------
    known : TestRows
        In an order that has nothing to do with labels, which m of them have.
    order : (m,) array
        Places of these m, in the order in which their labels came.
    condition : Condition
        Without worst slices. Clauses that need labels are paired.

    Notes
    -----
    Of a clause such as n - o, a row on which the two models agree counts 0 without a label. Walk through the rows in their own
    order; where the models agree the value is 0, and the j-th row where they do not gets the value of the j-th label that
    came for such a row. Values are independent draws like those of the rows themselves, if the labels of such rows come in
    an order that does not depend on what they say; which other rows are labelled does not matter. The walk ends before the
    first row that no label is left for, so a later look goes on where it stopped.

    That all clauses hold is wrong only if one that fails is called true: "true" is said at log_tests. That one fails, or is
    unknown, may be the fault of any of k: the rest is said at log_tests + ln k. Clauses on d alone are measured by counts.
    """
    question = Question(condition=condition, promise=promise)
    blank = replace(known, label=np.full(len(known), np.nan))
    return tuple(
        _streamed(clause, question, blank, known, order) if clause.needs_labels else _counted(clause, question, blank)
        for clause in condition.clauses
    )


def _counted(clause: Clause, question: Question, blank: TestRows) -> Reading:
    alone = Condition(clauses=(clause,))
    verdict = evaluate(alone, [measure(alone, blank)[0].estimate], question.promise.mode).clauses[0]
    return Reading(verdict=verdict, decided=True, labels=0, lacking=np.zeros(len(blank), dtype=bool))


def _streamed(clause: Clause, question: Question, blank: TestRows, known: TestRows, order: NDArray[np.intp]) -> Reading:
    hanging = unlabelled(clause, blank)
    values, places = _walk(clause, known, order, hanging)
    levels = dict.fromkeys((question.each, question.one))
    found = [_at(clause, level).update(values).result for level in levels]
    strict, easy = found[0], found[-1]
    # Whichever is decided first stays, or a clause that is known to hold could become unknown again at a later label.
    sooner = easy.truth == "true" and (not strict.stopped or easy.rows_used < strict.rows_used)
    at = easy if sooner else strict
    numbers = (at.estimate, at.low, at.high) if at.rows_used else (None, None, None)
    return Reading(
        verdict=ClauseVerdict(clause=str(clause), estimate=numbers[0], low=numbers[1], high=numbers[2], truth=at.truth),
        decided=at.stopped,
        labels=int((places < at.rows_used).sum()),
        lacking=hanging & ~known.labelled,
    )


def _at(clause: Clause, level: float) -> AnytimeState:
    return AnytimeState.begin(
        span=clause.span,
        threshold=clause.threshold,
        comparison=clause.comparison,
        tolerance=clause.tolerance,
        log_tests=level,
    )


def _walk(
    clause: Clause, known: TestRows, order: NDArray[np.intp], hanging: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The clause's values, one after the other, and which of them are of labels."""
    variable = clause.variables[0]
    came = order[hanging[order]]
    if variable.metric in ("recall", "specificity"):
        came = came[known.label[came] == (variable.metric == "recall")]
    parts = [factor * row_values(v, known, came) for v, factor in clause.weights]
    values = np.clip(np.sum(parts, axis=0), *clause.span)
    if variable.subset:
        return values, np.arange(len(values))
    members = in_slices([variable.slice], known.columns, len(known))[variable.slice]
    places = np.flatnonzero(hanging[members])
    walk = np.zeros(int(members.sum()) if len(came) == len(places) else int(places[len(came)]))
    walk[places[: len(came)]] = values
    return walk, places


def _stream(ids: NDArray[np.int64], rows: TestRows, taken: Taken, condition: Condition, promise: Promise) -> Stream:
    by_id = np.argsort(ids)
    order = by_id[np.searchsorted(ids[by_id], taken.ids)]
    label = np.full(len(rows), np.nan)
    label[order] = taken.labels
    known = replace(rows, label=label)
    return Stream(readings=readings(known, order, condition, promise), rows=known, mode=promise.mode, as_of=taken.as_of)


def _next(ids: NDArray[np.int64], rows: TestRows, observed: NDArray[np.datetime64], taken: Taken) -> NDArray[np.intp]:
    """Places of the rows whose label came since, in the order of its coming; ties in the rows' own order."""
    new = np.flatnonzero(rows.labelled & ~np.isin(ids, taken.ids))
    return new[np.argsort(observed[new], kind="stable")]


def _taken(documents: Documents, name: str) -> Taken:
    looks: list[dict[str, object]] = []
    while look := documents.get(KIND, f"{name}/{len(looks) + 1:06}"):
        looks.append(look)
    return Taken(
        ids=_joined([look["rows"] for look in looks]).astype(np.int64),
        labels=_joined([look["labels"] for look in looks]).astype(np.float64),
        looks=len(looks),
        as_of=str(looks[-1]["as_of"]) if looks else "",
    )


def _joined(parts: Sequence[object]) -> NDArray[np.generic]:
    return np.concatenate([np.asarray(part) for part in parts]) if parts else np.zeros(0)


def _standing(one: Reading) -> str:
    said = one.verdict
    where = "has no label" if said.low is None else f"lies in {said.low:.4g} to {said.high:.4g}"
    return f"{said.clause} is {said.truth if one.decided else 'undecided'}, its left side {where}"
