"""The curves of a delay model, from rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from upkeep.core.feedback.delay.cells import lean, prior_rows
from upkeep.core.feedback.delay.classes import eventual_shares, pending_chances
from upkeep.core.feedback.delay.curve import DelayCurve
from upkeep.core.feedback.delay.kaplan_meier import Floats
from upkeep.errors import InputError

#: Knots of the curve of one cell.
CELL_KNOTS = 64
#: A bucket with fewer labels has no class shares of its own.
LEAST_LABELS = 30

Key = tuple[int | None, int | None]
#: Rows of a cell, and how much of each belongs to it.
Part = tuple[NDArray[np.intp], Floats]


def fit_cells(
    hours: Floats,
    pending: NDArray[np.bool_],
    buckets: NDArray[np.int64] | None,
    shares: Floats | None,
    everything: DelayCurve,
) -> dict[Key, DelayCurve]:
    """Curves below that of all rows; `shares`, shape (n, k), is how much of each row belongs to each class."""
    whole = np.ones(len(hours))
    groups = {} if buckets is None else _groups(buckets)
    found: dict[Key, DelayCurve] = {(None, None): everything}
    found |= _below(hours, pending, everything, {(b, None): (rows, whole[rows]) for b, rows in groups.items()})
    if shares is None:
        return found
    k = shares.shape[1]
    found |= _below(
        hours, pending, everything, {(None, c): _part(np.arange(len(hours)), shares[:, c]) for c in range(k)}
    )
    for c in range(k):
        if (None, c) in found:
            parts: dict[Key, Part] = {(b, c): _part(rows, shares[rows, c]) for b, rows in groups.items()}
            found |= _below(hours, pending, found[None, c], parts)
    return found


def class_shares(
    hours: Floats,
    pending: NDArray[np.bool_],
    buckets: NDArray[np.int64] | None,
    classes: Floats,
    chances: ArrayLike | None,
) -> Floats:
    """How much of each row belongs to each class, shape (n, k): all of it, or the chances of a pending row."""
    k = _check_classes(classes, pending)
    prior = None if chances is None else _check_chances(chances, pending)
    k = max(k, 0 if prior is None else prior.shape[1])
    shares = np.zeros((len(hours), k))
    shares[~pending, classes[~pending].astype(np.int64)] = 1.0
    rough = eventual_shares(hours, pending, classes, k)
    alone, rest = _with_labels(_groups(np.zeros(len(hours), np.int64) if buckets is None else buckets), pending)
    for rows in [*alone, rest] if len(rest) else alone:
        if prior is not None:
            before = np.pad(prior, ((0, 0), (0, k - prior.shape[1])))[rows][pending[rows]]
        else:
            own = rough if rows is rest else eventual_shares(hours[rows], pending[rows], classes[rows], k)
            before = np.tile(own, (int(pending[rows].sum()), 1))
        shares[rows[pending[rows]]] = pending_chances(hours[rows], pending[rows], shares[rows], before)
    return shares


def _below(
    hours: Floats, pending: NDArray[np.bool_], parent: DelayCurve, parts: Mapping[Key, Part]
) -> dict[Key, DelayCurve]:
    """Curves of cells that lean on the parent; none for a cell without rows."""
    held = {key: part for key, part in parts.items() if len(part[0])}
    alone = [DelayCurve.fit(hours[rows], pending[rows], weights=w, knots=CELL_KNOTS) for rows, w in held.values()]
    worth = prior_rows(parent, alone)
    return {key: lean(parent, worth, hours[rows], pending[rows], w, CELL_KNOTS) for key, (rows, w) in held.items()}


def _part(rows: NDArray[np.intp], weights: Floats) -> Part:
    inside = weights > 1e-9
    return rows[inside], weights[inside]


def _groups(buckets: NDArray[np.int64]) -> dict[int, NDArray[np.intp]]:
    """Rows of each bucket."""
    order = np.argsort(buckets, kind="stable")
    names, starts = np.unique(buckets[order], return_index=True)
    return dict(zip(names.tolist(), np.split(order, starts[1:]), strict=True))


def _with_labels(
    groups: Mapping[int, NDArray[np.intp]], pending: NDArray[np.bool_]
) -> tuple[list[NDArray[np.intp]], NDArray[np.intp]]:
    """Rows of each bucket with labels enough, and those of all others together."""
    alone = [rows for rows in groups.values() if int((~pending[rows]).sum()) >= LEAST_LABELS]
    rest = [rows for rows in groups.values() if int((~pending[rows]).sum()) < LEAST_LABELS]
    return alone, np.concatenate(rest) if rest else np.zeros(0, dtype=np.intp)


def _check_classes(classes: Floats, pending: NDArray[np.bool_]) -> int:
    known = classes[~pending]
    wrong = int((~((known >= 0) & (known < 1000) & (known == np.rint(known)))).sum())
    if wrong or not np.isnan(classes[pending]).all():
        raise InputError(
            "classes must be whole numbers from 0 to 999 where a label is in, and NaN where it is pending; "
            f"{wrong} labelled and {int((~np.isnan(classes[pending])).sum())} pending rows are not so. "
            "Number the classes from 0."
        )
    return max(2, int(known.max()) + 1 if len(known) else 0)


def _check_chances(chances: ArrayLike, pending: NDArray[np.bool_]) -> Floats:
    given = np.asarray(chances, dtype=np.float64)
    given = np.stack([1 - given, given], axis=1) if given.ndim == 1 else given
    if given.ndim != 2 or len(given) != len(pending):
        raise InputError(f"chances must have shape ({len(pending)},) or ({len(pending)}, k), got {given.shape}.")
    read = given[pending]
    wrong = ~((read >= 0).all(axis=1) & (np.abs(read.sum(axis=1) - 1) < 1e-6))
    if wrong.any():
        raise InputError(
            f"chances of a pending row must lie in [0, 1] and add up to 1; {int(wrong.sum())} of {len(read)} rows do not. "
            "Pass P(label = 1), or one column per class."
        )
    return given
