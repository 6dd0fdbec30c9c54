"""How to train next: recipes as plain JSON, and what makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from upkeep.core.profile.histogram import Histogram

#: The recipes there are, and what each must say.
NEEDED = {
    "full": (),
    "recent_window": ("since",),
    "upsample": ("weights",),
    "augment": ("adversary", "since", "share", "mass"),
}
#: A cell of an upsampled column holds at least this share of the rows then or now: thinner ones join a neighbour.
LEAST_SHARE = 0.02
#: No row counts more than this many times what it would without weights, or less than one over it.
MOST_WEIGHT = 10.0
#: The weights leave at least this share of the rows' worth of information.
LEAST_EFFECTIVE = 0.25


class Cell(TypedDict, total=False):
    """Rows whose `column` lies in [low, high), is one of `levels`, none of those named (`other`), or `missing`.

    `before` and `now` are the cell's shares of the reference and of the live rows, `weight` their clipped ratio.
    """

    column: str
    low: float
    high: float
    levels: list[str]
    other: bool
    missing: bool
    before: float
    now: float
    weight: float


class Recipe(TypedDict, total=False):
    """One way to train; what it means for each row is `recipe_weights`.

    ``{"name": "full"}``: all rows alike. ``recent_window``: rows from `since` on. ``upsample``: all rows, weighted so that the
    cells of each column in `weights` have their live shares. ``augment``: all rows, and of those from `since` on the
    `share` that the stored `adversary` tells most surely from the reference get the share `mass` of all weight.
    """

    name: str
    since: str
    weights: list[Cell]
    least_effective: float
    adversary: str
    share: float
    mass: float


def upsample(moved: Sequence[Histogram], *, columns: int) -> Recipe | None:
    """Weigh by the first `columns` of the features that moved; None if none did.

    Examples
    --------
    >>> shown = Histogram(column="place", kind="category", levels=("city", "port"), before=(0.9, 0.1), after=(0.6, 0.4),
    ...                   missing=(0.0, 0.0))
    >>> for cell in upsample([shown], columns=1)["weights"]:
    ...     print(cell["levels"], round(cell["weight"], 2))
    ['city'] 0.67
    ['port'] 4.0
    """
    cells = [cell for shown in moved[:columns] for cell in _cells(shown)]
    return {"name": "upsample", "weights": cells, "least_effective": LEAST_EFFECTIVE} if cells else None


def _cells(shown: Histogram) -> list[Cell]:
    made = _bins(shown) if shown.kind == "numeric" else _levels(shown)
    if max(shown.missing) > 0:
        made.append(_cell({"column": shown.column, "missing": True}, *shown.missing))
    return made


def _cell(where: Cell, before: float, now: float) -> Cell:
    ratio = now / before if before else MOST_WEIGHT
    return where | {"before": before, "now": now, "weight": float(np.clip(ratio, 1 / MOST_WEIGHT, MOST_WEIGHT))}


def _bins(shown: Histogram) -> list[Cell]:
    """Bins joined from left to right until each holds enough; the outer ones are open."""
    then, now = (1 - gone for gone in shown.missing)
    made: list[Cell] = []
    low, before, after = None, 0.0, 0.0
    for i in range(len(shown.before)):
        before, after = before + shown.before[i] * then, after + shown.after[i] * now
        last = i == len(shown.before) - 1
        if max(before, after) < LEAST_SHARE and not last:
            continue
        where: Cell = {"column": shown.column}
        where |= {} if low is None else {"low": low}
        where |= {} if last else {"high": shown.edges[i + 1]}
        made.append(_cell(where, before, after))
        low, before, after = shown.edges[i + 1], 0.0, 0.0
    return made


def _levels(shown: Histogram) -> list[Cell]:
    then, now = (1 - gone for gone in shown.missing)
    shares = [(name, a * then, b * now) for name, a, b in zip(shown.levels, shown.before, shown.after, strict=True)]
    large = [one for one in shares if one[0] != "other" and max(one[1:]) >= LEAST_SHARE]
    made = [_cell({"column": shown.column, "levels": [name]}, a, b) for name, a, b in large]
    rest = [one for one in shares if one not in large]
    before, after = sum(one[1] for one in rest), sum(one[2] for one in rest)
    return [*made, _cell({"column": shown.column, "other": True}, before, after)] if before or after else made


def augment(adversary: str, *, since: str, share: float, mass: float = 0.5) -> Recipe:
    """Let the live rows that look least like the reference count as much as all others."""
    return {"name": "augment", "adversary": adversary, "since": since, "share": share, "mass": mass}
