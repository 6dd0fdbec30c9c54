"""The tables that ours and every peer are measured on: seeded, and of numpy alone, so that each environment draws the same."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHIFT_SIGMA = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Number columns, shape (k, n), and level numbers of text columns, shape (c, n), each column in one piece of memory."""

    numbers: NDArray[np.float64]
    codes: NDArray[np.int8]
    levels: tuple[str, ...]

    @property
    def number_names(self) -> list[str]:
        return [f"num_{j}" for j in range(len(self.numbers))]

    @property
    def text_names(self) -> list[str]:
        return [f"cat_{j}" for j in range(len(self.codes))]

    def frame(self) -> Any:
        """The table for peers that take pandas; text columns are Categorical."""
        import pandas as pd

        columns: dict[str, Any] = dict(zip(self.number_names, self.numbers, strict=True))
        for name, codes in zip(self.text_names, self.codes, strict=True):
            columns[name] = pd.Categorical.from_codes(codes, pd.Index(self.levels))
        return pd.DataFrame(columns)

    def matrix(self) -> NDArray[np.float64]:
        """The table for peers that take one float matrix, shape (n, k + c)."""
        return np.vstack([self.numbers, self.codes]).T.copy()

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "numbers.npy", self.numbers)
        np.save(folder / "codes.npy", self.codes)
        (folder / "levels.txt").write_text("\n".join(self.levels))

    @classmethod
    def load(cls, folder: Path) -> Table:
        levels = tuple((folder / "levels.txt").read_text().split("\n"))
        return cls(numbers=np.load(folder / "numbers.npy"), codes=np.load(folder / "codes.npy"), levels=levels)


def wide(rng: np.random.Generator, rows: int, *, drifted: bool) -> Table:
    """40 number and 10 text columns of 20 levels; four of the numbers moved by .2 sigma, one text column mixed by 5 %."""
    numbers = np.stack([_numbers(rng, j % 5, rows) for j in range(40)])
    if drifted:
        numbers[:4] += SHIFT_SIGMA * numbers[:4].std(axis=1, keepdims=True)
    shares = _zipf(20)
    mixed = 0.95 * shares + 0.05 / 20
    codes = np.stack([_codes(rng, mixed if drifted and j == 0 else shares, rows) for j in range(10)])
    return Table(numbers=numbers, codes=codes, levels=tuple(f"level {i:02d}" for i in range(20)))


def pair(seed: int, rows: int, shift_sigma: float) -> tuple[Table, Table]:
    """Two samples of one source, 15 number and 5 text columns of 10 levels; the second has num_0 moved."""
    rng = np.random.default_rng([20, seed])
    tables = []
    for shift in (0.0, shift_sigma):
        numbers = np.stack([_numbers(rng, j % 5, rows) for j in range(15)])
        numbers[0] += shift
        codes = np.stack([_codes(rng, _zipf(10), rows) for _ in range(5)])
        tables.append(Table(numbers=numbers, codes=codes, levels=tuple(f"level {i}" for i in range(10))))
    return tables[0], tables[1]


def _numbers(rng: np.random.Generator, kind: int, rows: int) -> NDArray[np.float64]:
    if kind == 0:
        return rng.normal(size=rows)
    if kind == 1:
        return rng.lognormal(0.0, 0.5, rows)
    if kind == 2:
        return rng.uniform(-math.sqrt(3), math.sqrt(3), rows)
    if kind == 3:
        return np.asarray(np.round(rng.gamma(4.0, 0.5, rows), 2))  # a few hundred different values: ties
    return rng.standard_t(5, rows) / math.sqrt(5 / 3)


def _codes(rng: np.random.Generator, shares: NDArray[np.float64], rows: int) -> NDArray[np.int8]:
    return np.asarray(np.searchsorted(np.cumsum(shares)[:-1], rng.random(rows), side="right"), dtype=np.int8)


def _zipf(levels: int) -> NDArray[np.float64]:
    weights = 1.0 / np.arange(1, levels + 1)
    return np.asarray(weights / weights.sum())
