"""Rows as cell numbers, and what each cell of a column says about where a row comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from upkeep.core.columns import Coded, Table, missing, row_count
from upkeep.core.profile.cells import CategoryCells, Cells, HourCells, NumericCells, spelled
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.errors import InputError

#: Degrees of the polynomials of a number's normal score: place, spread, skewness, tails.
_DEGREE = 4
_TINY = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """Functions of one column's cells, shape (cells + 1, functions); the last cell is "no value".

    `threshold` is how many standard errors of noise a function's weight must exceed to count; `prior` is how many
    rows of evidence for a weight of zero it starts with. Both have shape (functions,).
    """

    functions: NDArray[np.float64]
    threshold: NDArray[np.float64]
    prior: NDArray[np.float64]


def cell_numbers(grid: ReferenceGrid, table: Table) -> NDArray[np.uint16]:
    """The cell of every value, shape (n, columns); a missing value has the number of cells.

    Raises
    ------
    InputError
        If a column of the grid is absent, or of another sort than in the reference.
    """
    absent = sorted(set(grid.cells) - set(table))
    if absent:
        raise InputError(f"the table must have the columns of the reference sample; {absent} are absent.")
    numbers = np.empty((row_count({name: table[name] for name in grid.cells}), len(grid.cells)), dtype=np.uint16)
    for j, (name, cells) in enumerate(grid.cells.items()):
        numbers[:, j] = _numbers(name, cells, table[name])
    return numbers


def _numbers(name: str, cells: Cells, values: NDArray[Any] | Coded) -> NDArray[np.integer[Any]]:
    if isinstance(cells, CategoryCells):
        return _categories(cells, values)
    wanted, kinds = ("numbers", "iufb") if isinstance(cells, NumericCells) else ("times", "M")
    if isinstance(values, Coded) or values.dtype.kind not in kinds:
        empty = (values.codes < 0).all() if isinstance(values, Coded) else missing(values).all()
        if empty:
            return np.full(len(values), cells.size)
        kind = "text" if isinstance(values, Coded) else values.dtype
        raise InputError(f"column {name!r} must hold {wanted} as in the reference, got {kind}.")
    nowhere = missing(values)
    if isinstance(cells, HourCells):
        found = values.astype("datetime64[h]").astype(np.int64) % 24
    else:
        found = _steps(cells, np.where(nowhere, 0.0, values.astype(np.float64)))
    found[nowhere] = cells.size
    return found


def _steps(cells: NumericCells, values: NDArray[np.float64]) -> NDArray[np.intp]:
    if cells.lattice is None or not np.isfinite(values).all():
        return np.searchsorted(cells.cuts, values, side="right")
    return cells.lattice.cells(values)


def _categories(cells: CategoryCells, values: NDArray[Any] | Coded) -> NDArray[np.intp]:
    seen = _Levels({level: i for i, level in enumerate(cells.levels)}, cells.size)
    if isinstance(values, Coded):
        per_level = np.array([*(seen[level] for level in values.levels), cells.size], dtype=np.intp)
        return np.asarray(per_level[values.codes])  # code -1 finds the last entry
    return np.fromiter(map(seen.__getitem__, values.tolist()), dtype=np.intp, count=len(values))


class _Levels(dict[Any, int]):
    """The cell per value, found out once per value."""

    def __init__(self, levels: Mapping[str, int], nowhere: int) -> None:
        super().__init__()
        self._levels, self._nowhere = levels, nowhere

    def __missing__(self, value: object) -> int:
        text = spelled(value)
        self[value] = cell = self._nowhere if text is None else self._levels.get(text, self._nowhere - 1)
        return cell


def basis(cells: Cells, mass: NDArray[np.float64]) -> Basis:
    """Functions of a column whose reference rows have the `mass` in its cells, shape (cells + 1,), adding up to one.

    Notes
    -----
    Of a number: orthonormal polynomials of the normal score up to degree 4, Haar steps between ever smaller groups of
    cells of about equal mass, which together can follow any change of shape as far as the cells go, and an indicator
    of no value. Of a category or an hour: an indicator per cell. All have mean 0 over the reference.
    """
    if not isinstance(cells, NumericCells):
        functions = np.eye(cells.size + 1)
        ones = np.ones(cells.size + 1)
        return Basis(functions=functions - mass @ functions, threshold=2.0 * ones, prior=4.0 * ones)
    held = (mass[:-1] + _TINY) / (mass[:-1] + _TINY).sum()
    smooth, steps = _polynomials(held), _haar(held)
    functions = np.zeros((cells.size + 1, smooth.shape[1] + steps.shape[1] + 1))
    functions[:-1, :-1] = np.hstack([smooth, steps])
    functions[-1, -1] = 1.0
    return Basis(
        functions=functions - mass @ functions,
        threshold=np.repeat([1.5, 2.5, 1.5], [smooth.shape[1], steps.shape[1], 1]),
        prior=np.repeat([20.0, 20.0, 4.0], [smooth.shape[1], steps.shape[1], 1]),
    )


def normal_scores(held: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard normal quantiles of the middles of consecutive cells of these masses."""
    middle = np.cumsum(held) - held / 2
    return np.asarray(ndtri(np.clip(middle, _TINY, 1 - _TINY)))


def _polynomials(held: NDArray[np.float64]) -> NDArray[np.float64]:
    degree = min(_DEGREE, len(held) - 1)
    powers = np.vander(normal_scores(held), degree + 1, increasing=True)
    root = np.sqrt(held)[:, None]
    orthonormal = np.linalg.qr(powers * root)[0] / root
    return np.asarray(orthonormal[:, 1:])


def _haar(held: NDArray[np.float64]) -> NDArray[np.float64]:
    """Orthonormal steps, shape (cells, cells - 1): the lighter half of a group of cells against the other half."""
    ends = np.concatenate([[0.0], np.cumsum(held)])
    groups, steps = [(0, len(held))], []
    while groups:
        first, last = groups.pop()
        if last - first < 2:
            continue
        half = int(ends.searchsorted((ends[first] + ends[last]) / 2))
        middle = min(max(half, first + 1), last - 1)
        left, right = ends[middle] - ends[first], ends[last] - ends[middle]
        step = np.zeros(len(held))
        step[first:middle] = np.sqrt(right / (left * (left + right)))
        step[middle:last] = -np.sqrt(left / (right * (left + right)))
        steps.append(step)
        groups += [(first, middle), (middle, last)]
    return np.array(steps).reshape(len(steps), len(held)).T
