"""Rows that an estimate can be learned from or asked of, and records that it can be read from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Table, row_count
from upkeep.core.feedback.estimate.base import KINDS, Kind
from upkeep.core.profile.stored import are_numbers, damaged, fields
from upkeep.errors import InputError


def check_rows(table: Table, scores: NDArray[Any], labels: NDArray[Any], kind: Kind) -> NDArray[np.float64]:
    """The labels as floats; InputError unless all is known and of one length."""
    if kind not in KINDS:
        raise InputError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}.")
    rows = row_count(table) if table else len(scores)
    if not rows or len(scores) != rows or len(labels) != rows:
        raise InputError(
            f"table, scores and labels must have one length above 0, got {rows}, {len(scores)} and {len(labels)}."
        )
    classes = scores.shape[1] if scores.ndim == 2 else 1
    live_scores(scores, kind, classes)
    number = labels.astype(np.float64)
    if kind == "regression":
        bad = ~np.isfinite(number)
    else:
        bad = ~np.isin(number, np.arange(classes if kind == "multiclass" else 2))
    if bad.any():
        meant = {"binary": "0 or 1", "multiclass": f"whole numbers from 0 to {classes - 1}", "regression": "finite"}[
            kind
        ]
        raise InputError(
            f"labels of a reference must be {meant}; {int(bad.sum())} of {rows} are not, first {number[bad][0]}. "
            "Leave pending rows out."
        )
    return number


def live_scores(scores: NDArray[Any], kind: Kind, curves: int) -> NDArray[np.float64]:
    """The scores as floats; InputError unless they are of this kind."""
    number = scores.astype(np.float64)
    wanted = (len(number), curves) if kind == "multiclass" else (len(number),)
    if number.shape != wanted or (kind == "multiclass" and curves < 2):
        raise InputError(
            f"scores must have shape {'(n, k) with k > 1' if kind == 'multiclass' else '(n,)'}, got {number.shape}."
        )
    bad = ~np.isfinite(number) if kind == "regression" else ~((number >= 0) & (number <= 1))
    if bad.any():
        meant = "finite" if kind == "regression" else "probabilities in [0, 1]"
        raise InputError(f"scores must be {meant}; {int(bad.sum())} of {number.size} are not, first {number[bad][0]}.")
    return number


def check_stored(record: object, versions: Sequence[int], methods: Sequence[str]) -> Mapping[str, Any]:
    """The record; InputError for another format, a name or a number that cannot have been stored."""
    held = fields("a stored estimate", record, ["format"])
    if held["format"] not in versions:
        raise InputError(f"a stored estimate must have format {max(versions)}, got {held['format']!r}. Train again.")
    names = ["kind", "threshold", "method", "share", "error", "gains", "base", "coding", "way"]
    held = fields("a stored estimate", held, names)
    if held["method"] not in methods or not are_numbers([held[name] for name in ("threshold", "share", "error")]):
        raise damaged(f"a stored estimate must have a method of {list(methods)} and numbers", held["method"])
    if held["method"] != "calibrated" and (held["coding"] is None or held["way"] is None):
        raise damaged(f"a stored estimate by {held['method']} must have a coding and a way", list(held))
    gains = fields("the gains of a stored estimate", held["gains"], [])
    if not all(isinstance(gain, list) and len(gain) == 2 and are_numbers(gain) for gain in gains.values()):
        raise damaged("gains of a stored estimate must be pairs of numbers", gains)
    return held
