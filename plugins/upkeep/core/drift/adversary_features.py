"""What the adversary sees of a row: functions of each column's cell, and products of the scores of two columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upkeep.core.drift.adversary_cells import Basis, basis, normal_scores
from upkeep.core.profile.grid import NumericCells, ReferenceGrid

#: Categories of a column that may go together with other columns: its most frequent ones.
_PAIRED_LEVELS = 4
#: Scores that are multiplied with each other; with more columns, those that go together most in the reference.
_PAIRED_SCORES = 128
_LEAST_VARIANCE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """Rows as cell numbers that count through all columns, shape (n, d), and as scores, shape (n, q)."""

    cells: NDArray[np.intp]
    scores: NDArray[np.float32]

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> Seen:
        return Seen(cells=self.cells[rows], scores=self.scores[rows])

    def __len__(self) -> int:
        return len(self.cells)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Features:
    """Functions of d columns with at most C cells and K functions each, and of q scores.

    Attributes
    ----------
    functions, squares : ndarray, shape (d, C, K)
        The functions, zero where a column has fewer, and their squares.
    threshold, prior : ndarray, shape (d, K)
        As in `Basis`.
    mass : ndarray, shape (d, C)
        Share of the reference per cell.
    sources : ndarray, shape (q,)
        The column that a score is of.
    scores : ndarray of float32, shape (q, C)
        A number's normal score, or the standardised indicator of a category; 0 where there is no value.
    together : ndarray, shape (q, q)
        Mean of the product of two scores over the reference.
    variance : ndarray, shape (q, q)
        Its variance.
    paired : ndarray of bool, shape (q, q)
        True once per pair of scores of different columns.
    rows : float
        Reference rows behind all this: as many of equal weight tell as much.
    """

    columns: tuple[str, ...]
    functions: NDArray[np.float64]
    squares: NDArray[np.float64]
    threshold: NDArray[np.float64]
    prior: NDArray[np.float64]
    mass: NDArray[np.float64]
    sources: NDArray[np.intp]
    scores: NDArray[np.float32]
    together: NDArray[np.float64]
    variance: NDArray[np.float64]
    paired: NDArray[np.bool_]
    rows: float

    @classmethod
    def of(cls, grid: ReferenceGrid, cells: NDArray[np.uint16], weights: NDArray[np.float64]) -> Features:
        """Features standardised by reference rows, shape (n, d), that count as `weights`, shape (n,), of mean 1."""
        size = max(column.size for column in grid.cells.values()) + 1
        flat = cells + np.arange(len(grid.cells)) * size
        held = np.bincount(flat.ravel(), weights=np.repeat(weights, flat.shape[1]), minlength=flat.shape[1] * size)
        mass = held.reshape(-1, size) / len(cells)
        bases = [basis(c, mass[j, : c.size + 1]) for j, c in enumerate(grid.cells.values())]
        functions, threshold, prior = _stack(bases, size)
        sources, scores = _scores(grid, mass)
        sources, scores = _most_connected(sources, scores, cells, weights)
        seen = scores[np.arange(len(sources)), cells[:, sources]].astype(np.float64)
        together = (seen * weights[:, None]).T @ seen / len(cells)
        squares = (seen**2 * weights[:, None]).T @ seen**2 / len(cells)
        paired = np.triu(sources[:, None] != sources[None, :])
        return cls(
            columns=tuple(grid.cells),
            functions=functions,
            squares=functions**2,
            threshold=threshold,
            prior=prior,
            mass=mass,
            sources=sources,
            scores=scores,
            together=together,
            variance=np.maximum(squares - together**2, _LEAST_VARIANCE),
            paired=paired,
            rows=float(weights.sum() ** 2 / (weights @ weights)),
        )

    def flat(self, cells: NDArray[np.uint16]) -> NDArray[np.intp]:
        """Cell numbers that count through all columns, from those of each column, shape (n, d)."""
        d, size = self.mass.shape
        return np.asarray(cells + np.arange(d, dtype=np.intp) * size)

    def see(self, flat: NDArray[np.intp]) -> Seen:
        """Rows with all their scores."""
        return Seen(cells=flat, scores=self.scored(flat, np.arange(len(self.sources))))

    def scored(self, flat: NDArray[np.intp], which: NDArray[np.intp]) -> NDArray[np.float32]:
        """Some of the scores of rows, shape (n, len(which))."""
        source = self.sources[which]
        at = flat.take(source, axis=1)
        at += (which - source) * self.scores.shape[1]
        return np.asarray(self.scores.ravel().take(at))


def _stack(bases: list[Basis], size: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    most = max(b.functions.shape[1] for b in bases)
    functions = np.zeros((len(bases), size, most))
    threshold, prior = np.ones((len(bases), most)), np.ones((len(bases), most))
    for j, b in enumerate(bases):
        cells, used = b.functions.shape
        functions[j, :cells, :used] = b.functions
        threshold[j, :used], prior[j, :used] = b.threshold, b.prior
    return functions, threshold, prior


def _scores(grid: ReferenceGrid, mass: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    sources: list[int] = []
    scores: list[NDArray[np.float64]] = []
    for j, cells in enumerate(grid.cells.values()):
        held = mass[j, : cells.size]
        known = held.sum()
        if isinstance(cells, NumericCells):
            of_column = [normal_scores(held / known)] if known and np.count_nonzero(held) > 1 else []
        else:
            shares = held / max(known, 1.0 / cells.size)
            common = [c for c in np.argsort(-shares, kind="stable")[:_PAIRED_LEVELS] if 0 < shares[c] < 1]
            common = common[:1] if np.count_nonzero(held) == 2 else common  # the second says the same
            of_column = [(np.arange(cells.size) == c) - shares[c] for c in common]
        for score in of_column:
            row = np.zeros(mass.shape[1])
            centred = score - held @ score / known
            row[: cells.size] = centred / np.sqrt(held @ centred**2 / known)
            sources.append(j)
            scores.append(row)
    return np.array(sources, dtype=np.intp), np.array(scores, dtype=np.float32).reshape(len(scores), mass.shape[1])


def _most_connected(
    sources: NDArray[np.intp], scores: NDArray[np.float32], cells: NDArray[np.uint16], weights: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """At most `_PAIRED_SCORES` scores: those of the largest correlation with a score of another column."""
    if len(sources) <= _PAIRED_SCORES:
        return sources, scores
    seen = scores[np.arange(len(sources)), cells[:, sources]]
    related = np.abs((seen * weights[:, None].astype(np.float32)).T @ seen)
    related[sources[:, None] == sources[None, :]] = 0.0
    chosen = np.sort(np.argsort(-related.max(axis=1), kind="stable")[:_PAIRED_SCORES])
    return sources[chosen], scores[chosen]
