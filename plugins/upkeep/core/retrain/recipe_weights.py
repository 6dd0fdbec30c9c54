"""What a recipe means for each row of a training table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Coded, Table, missing, row_count
from upkeep.core.profile.cells import spelled
from upkeep.core.retrain.recipes import LEAST_EFFECTIVE, MOST_WEIGHT, NEEDED, Cell, Recipe
from upkeep.errors import InputError

Floats: TypeAlias = NDArray[np.float64]
_ROUNDS = 30


def recipe_weights(
    recipe: Recipe,
    table: Table,
    *,
    when: NDArray[np.datetime64] | None = None,
    live: Floats | None = None,
) -> Floats:
    """How often each row counts in the fit, shape (n,); 0 leaves it out.

    Parameters
    ----------
    recipe : dict
    table : mapping of str to ndarray or Coded, each shape (n,)
        The features of the training rows.
    when : ndarray of datetime64, shape (n,)
        The rows' times; needed by recipes with a `since`.
    live : ndarray of float, shape (n,)
        What `Adversary.scores` of the recipe's adversary says of each row; needed by "augment".

    Raises
    ------
    InputError
        For an unknown recipe, or one that lacks what it needs.

    Notes
    -----
    "upsample" rakes [1]_: columns take turns, and in each turn the rows of a cell are scaled so that the cell has its live
    share, so columns that go together are not counted twice, and rows that are live already are taken as such. Weights
    stay within a factor of 10 of one, and are drawn to one by a power until their effective number of rows,
    (sum w)^2 / sum w^2, is the wanted share of n. They have mean 1.

    References
    ----------
    .. [1] Deming & Stephan (1940). On a least squares adjustment of a sampled frequency table. Ann. Math. Stat. 11.

    Examples
    --------
    >>> table = {"place": np.repeat(np.array(["city", "port"], dtype=object), [90, 10])}
    >>> cells = [{"column": "place", "levels": ["city"], "now": 0.7}, {"column": "place", "levels": ["port"], "now": 0.3}]
    >>> weights = recipe_weights({"name": "upsample", "weights": cells}, table)
    >>> weights[[0, -1]].round(3).tolist()
    [0.778, 3.0]
    """
    name, rows = recipe.get("name"), row_count(table)
    lacking = [key for key in NEEDED.get(str(name), ()) if key not in recipe]
    if lacking:
        raise InputError(f"recipe {name} must say {', '.join(lacking)}, got {sorted(recipe)}. Take it from a decision.")
    if name == "full":
        return np.ones(rows)
    if name == "recent_window":
        return _recent(recipe, when, rows).astype(np.float64)
    if name == "upsample":
        return _tempered(_raked(recipe["weights"], table, rows), recipe.get("least_effective", LEAST_EFFECTIVE))
    if name == "augment":
        return _augmented(recipe, _recent(recipe, when, rows), live)
    raise InputError(f"a recipe must be named full, recent_window, upsample or augment, got {name!r}.")


def _recent(recipe: Recipe, when: NDArray[np.datetime64] | None, rows: int) -> NDArray[np.bool_]:
    if when is None or len(when) != rows:
        raise InputError(f"recipe {recipe['name']} needs the time of each of the {rows} rows as `when`.")
    return np.asarray(when >= np.datetime64(recipe["since"]))


def _augmented(recipe: Recipe, recent: NDArray[np.bool_], live: Floats | None) -> Floats:
    if live is None or len(live) != len(recent):
        raise InputError("recipe augment needs the adversary's score of each row as `live`; see Adversary.scores.")
    weights = np.ones(len(recent))
    at = np.flatnonzero(recent)
    added = at[np.argsort(-live[at], kind="stable")[: round(recipe["share"] * len(at))]]
    rest = len(recent) - len(added)
    if len(added) and rest:
        weights[added] = np.clip(recipe["mass"] / (1 - recipe["mass"]) * rest / len(added), 1.0, MOST_WEIGHT)
    return np.asarray(weights / weights.mean() if len(weights) else weights)


def _raked(cells: Sequence[Cell], table: Table, rows: int) -> Floats:
    margins = []
    for column in dict.fromkeys(cell["column"] for cell in cells):
        if column not in table:
            raise InputError(f"recipe upsample weighs by column {column!r}, but the table has {sorted(table)}.")
        own = [cell for cell in cells if cell["column"] == column]
        place = _places(own, table[column])
        held = np.bincount(place, minlength=len(own) + 1)
        wanted = np.array([cell["now"] for cell in own] + [held[-1] / max(rows, 1)])  # the rest keeps its share
        wanted = np.where(held > 0, wanted, 0.0)
        margins.append((place, wanted / (wanted.sum() or 1.0)))
    weights = np.ones(rows)
    for _ in range(_ROUNDS):
        before = weights
        for place, wanted in margins:
            shares = np.bincount(place, weights=weights, minlength=len(wanted)) / weights.sum()
            factor = np.divide(wanted, shares, out=np.ones(len(wanted)), where=shares > 0)
            weights = np.clip(weights * factor[place], 1 / MOST_WEIGHT, MOST_WEIGHT)
        if np.allclose(before, weights, rtol=1e-4):
            break
    return weights


def _places(cells: Sequence[Cell], values: NDArray[Any] | Coded) -> NDArray[np.intp]:
    """Number of the cell that each row lies in, len(cells) for none of them."""
    if isinstance(values, Coded):
        return _places(cells, np.array([*values.levels, None], dtype=object)[values.codes])
    gone = missing(values)
    place = np.full(len(values), len(cells), dtype=np.intp)
    if any("levels" in cell or "other" in cell for cell in cells):
        at: dict[str | None, int] = {level: i for i, cell in enumerate(cells) for level in cell.get("levels", ())}
        other = next((i for i, cell in enumerate(cells) if cell.get("other")), len(cells))
        names, inverse = _names(values, gone)
        place = np.array([at.get(name, other) for name in names] or [other], dtype=np.intp)[inverse]
    else:
        number = values.astype(np.float64)
        gone |= ~np.isfinite(number)
        for i, cell in enumerate(cells):
            if not cell.get("missing"):
                place[(number >= cell.get("low", -np.inf)) & (number < cell.get("high", np.inf))] = i
    place[gone] = next((i for i, cell in enumerate(cells) if cell.get("missing")), len(cells))
    return place


def _names(values: NDArray[Any], gone: NDArray[np.bool_]) -> tuple[list[str | None], NDArray[np.intp]]:
    """Levels as histograms write them: hours of times, numbers with six digits, categories as profiles spell them."""
    if values.dtype.kind == "M":
        hours = (values - values.astype("datetime64[D]")).astype("timedelta64[h]").astype(np.int64)
        return [str(hour) for hour in range(24)], np.where(gone, 0, hours % 24).astype(np.intp)
    if values.dtype.kind in "iuf":
        distinct, inverse = np.unique(values, return_inverse=True)
        return [f"{value:g}" for value in distinct.tolist()], inverse
    seen: dict[Any, int] = {}
    codes = np.fromiter((seen.setdefault(v, len(seen)) for v in values.tolist()), dtype=np.intp, count=len(values))
    return [spelled(value) for value in seen], codes


def _tempered(weights: Floats, share: float) -> Floats:
    """w^g / mean for the largest g in [0, 1] that keeps the effective number of rows."""
    if not len(weights):
        return weights
    low, high = 0.0, 1.0
    if _effective(weights) < share:
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (middle, high) if _effective(weights**middle) >= share else (low, middle)
        weights = weights**low
    return np.asarray(weights / weights.mean())


def _effective(weights: Floats) -> float:
    return float(weights.sum() ** 2 / (weights**2).sum() / len(weights))
