"""Hold out the newest rows: the model will be asked about later ones, never about a random half of the past."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from upkeep.core.columns import Columns, row_count, select
from upkeep.errors import InputError


@dataclass(frozen=True, slots=True)
class TimeSplit:
    """Rows before a moment, and rows from it on."""

    train: Columns
    holdout: Columns
    cut: np.datetime64


def split_by_time(table: Columns, time: str, holdout_share: float) -> TimeSplit:
    """Split so that at least `holdout_share` of the rows, the newest, are held out.

    Parameters
    ----------
    table : mapping of str to ndarray, each shape (n,), n > 0
    time : str
        A datetime64 column; rows of one moment stay on one side.
    holdout_share : float
        In (0, 1).

    Examples
    --------
    >>> day = np.array(["2024-01-02", "2024-01-01", "2024-01-03", "2024-01-02"], dtype="datetime64[D]")
    >>> split = split_by_time({"day": day, "x": np.arange(4)}, "day", 0.5)
    >>> split.train["x"].tolist(), split.holdout["x"].tolist()
    ([1], [0, 2, 3])
    """
    rows = row_count(table)
    if not rows or not 0.0 < holdout_share < 1.0:
        raise InputError(f"a split needs rows and a share in (0, 1), got {rows} rows and {holdout_share}.")
    when = table[time]
    return split_at(table, time, np.sort(when)[rows - math.ceil(rows * holdout_share)])


def split_at(table: Columns, time: str, cut: np.datetime64) -> TimeSplit:
    """Split at a moment: rows of `cut` itself are held out."""
    when = table[time]
    return TimeSplit(select(table, when < cut), select(table, when >= cut), cut)
