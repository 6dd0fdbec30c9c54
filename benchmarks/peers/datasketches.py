"""KLL sketches of the number columns with the library's own KS test; it has none for text, which is only counted."""

from __future__ import annotations

import datasketches
import numpy as np

from peers.tables import Table
from peers.worker import Peer, run

Sketches = dict[str, "datasketches.kll_doubles_sketch"]


def remember(table: Table) -> Sketches:
    sketches = {}
    for name, column in zip(table.number_names, table.numbers, strict=True):
        sketches[name] = datasketches.kll_doubles_sketch(1024)
        sketches[name].update(column)
    for codes in table.codes:
        np.bincount(codes, minlength=len(table.levels))
    return sketches


def judge(reference: Sketches, window: Table) -> tuple[dict[str, bool], bool]:
    now = remember(window)
    flagged = {name: bool(datasketches.ks_test(reference[name], sketch, 0.05)) for name, sketch in now.items()}
    return flagged, any(flagged.values())


if __name__ == "__main__":
    run(Peer(load=lambda table: table, remember=remember, judge=judge))
