"""scipy's two-sample tests in a loop over the columns; drifted where p < .05 over the number of columns."""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2_contingency, ks_2samp

from peers.tables import Table
from peers.worker import Peer, run


def p_values(reference: Table, window: Table) -> dict[str, float]:
    found = {
        name: float(ks_2samp(a, b, method="asymp").pvalue)
        for name, a, b in zip(reference.number_names, reference.numbers, window.numbers, strict=True)
    }
    for name, a, b in zip(reference.text_names, reference.codes, window.codes, strict=True):
        counts = np.stack([np.bincount(codes, minlength=len(reference.levels)) for codes in (a, b)])
        found[name] = float(chi2_contingency(counts[:, counts.sum(axis=0) > 0])[1])
    return found


def judge(reference: Table, window: Table) -> tuple[dict[str, bool], bool]:
    found = p_values(reference, window)
    flagged = {name: p < 0.05 / len(found) for name, p in found.items()}
    return flagged, any(flagged.values())


if __name__ == "__main__":
    run(Peer(load=lambda table: table, remember=lambda table: table, judge=judge))
