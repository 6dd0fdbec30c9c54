"""whylogs: a profile of the window and its drift scores against the reference's profile; its alarm is any DRIFT."""

from __future__ import annotations

from typing import Any

import whylogs
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

from peers.tables import Table
from peers.worker import Peer, run


def load(table: Table) -> Any:
    return table.frame()


def remember(reference: Any) -> Any:
    return whylogs.log(pandas=reference).view()


def judge(profile: Any, window: Any) -> tuple[dict[str, bool], bool]:
    scores = calculate_drift_scores(whylogs.log(pandas=window).view(), profile, with_thresholds=True)
    flagged = {name: bool(score and score["drift_category"] == "DRIFT") for name, score in scores.items()}
    return flagged, any(flagged.values())


if __name__ == "__main__":
    run(Peer(load=load, remember=remember, judge=judge))
