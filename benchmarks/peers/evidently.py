"""evidently's DataDriftPreset as it comes; its alarm is that half of the columns have drifted."""

from __future__ import annotations

from typing import Any

from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

from peers.tables import Table
from peers.worker import Peer, run

Loaded = tuple[Any, list[str], list[str]]


def load(table: Table) -> Loaded:
    return table.frame(), table.number_names, table.text_names


def judge(reference: Loaded, window: Loaded) -> tuple[dict[str, bool], bool]:
    definition = DataDefinition(numerical_columns=window[1], categorical_columns=window[2])
    before, now = (Dataset.from_pandas(frame, data_definition=definition) for frame, _, _ in (reference, window))
    report = Report([DataDriftPreset()]).run(now, before).dict()
    flagged, alarm = dict.fromkeys(window[1] + window[2], False), False
    for metric in report["metrics"]:
        config = metric["config"]
        if config["type"].endswith("ValueDrift"):
            far, limit = metric["value"], config["threshold"]
            flagged[config["column"]] = bool(far < limit if "p_value" in config["method"] else far >= limit)
        elif config["type"].endswith("DriftedColumnsCount"):
            alarm = bool(metric["value"]["share"] >= config["drift_share"])
    return flagged, alarm


if __name__ == "__main__":
    run(Peer(load=load, remember=lambda reference: reference, judge=judge))
