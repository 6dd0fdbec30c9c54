"""The drift core: a stored reference, one count of the window, then verdicts and all distances with intervals and p-values."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from peers.tables import Table
from peers.worker import Peer, run
from upkeep.core.columns import Coded
from upkeep.core.drift.compare import DriftReport, compare
from upkeep.core.drift.divergences import Divergence, divergences
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile

Columns = dict[str, NDArray[np.float64] | Coded]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a person gets to see about a window."""

    report: DriftReport
    divergences: dict[str, tuple[Divergence, ...]]


def load(table: Table) -> Columns:
    columns: Columns = dict(zip(table.number_names, table.numbers, strict=True))
    return columns | {
        name: Coded(codes, table.levels) for name, codes in zip(table.text_names, table.codes, strict=True)
    }


def remember(reference: Columns) -> Profile:
    """The reference's grid and counts, written as JSON and read back."""
    grid = ReferenceGrid.fit(reference)
    written = json.dumps([grid.to_json(), Profile.build(grid, reference).to_json()])
    stored_grid, stored = json.loads(written)
    return Profile.from_json(stored, ReferenceGrid.from_json(stored_grid))


def judge(reference: Profile, window: Columns, *, threads: int = 1) -> Judged:
    current = Profile.build(reference.grid, window, threads=threads)
    return Judged(
        report=compare(reference, current),
        divergences={column: divergences(reference, current, column) for column in reference.columns},
    )


def _verdict(reference: Profile, window: Columns) -> tuple[dict[str, bool], bool]:
    drifted = judge(reference, window).report.drifted
    return {column: column in drifted for column in reference.columns}, bool(drifted)


if __name__ == "__main__":
    run(Peer(load=load, remember=remember, judge=_verdict))
