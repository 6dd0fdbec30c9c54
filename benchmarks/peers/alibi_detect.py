"""alibi-detect's TabularDrift as it comes: KS and chi2 per column with Bonferroni's correction."""

from __future__ import annotations

import numpy as np
from alibi_detect.cd import TabularDrift
from numpy.typing import NDArray

from peers.tables import Table
from peers.worker import Peer, run

Loaded = tuple[list[str], NDArray[np.float64], dict[int, int]]


def load(table: Table) -> Loaded:
    texts = {len(table.numbers) + j: len(table.levels) for j in range(len(table.codes))}
    return table.number_names + table.text_names, table.matrix(), texts


def remember(reference: Loaded) -> TabularDrift:
    return TabularDrift(reference[1], p_val=0.05, categories_per_feature=reference[2])


def judge(detector: TabularDrift, window: Loaded) -> tuple[dict[str, bool], bool]:
    found = detector.predict(window[1], drift_type="batch")["data"]
    flagged = found["p_val"] < found["threshold"]
    return dict(zip(window[0], flagged.tolist(), strict=True)), bool(found["is_drift"])


if __name__ == "__main__":
    run(Peer(load=load, remember=remember, judge=judge))
