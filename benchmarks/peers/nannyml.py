"""nannyml's UnivariateDriftCalculator with KS and chi2, ten chunks as it comes; its alarm is that any chunk alerts."""

from __future__ import annotations

from typing import Any

import nannyml

from peers.tables import Table
from peers.worker import Peer, run

Loaded = tuple[Any, list[str], list[str]]


def load(table: Table) -> Loaded:
    return table.frame(), table.number_names, table.text_names


def remember(reference: Loaded) -> Any:
    frame, numbers, texts = reference
    return nannyml.UnivariateDriftCalculator(
        column_names=numbers + texts,
        treat_as_categorical=texts,
        continuous_methods=["kolmogorov_smirnov"],
        categorical_methods=["chi2"],
    ).fit(frame)


def judge(calculator: Any, window: Loaded) -> tuple[dict[str, bool], bool]:
    table = calculator.calculate(window[0]).filter(period="analysis").to_df()
    alerts = {key[0]: table[key] for key in table.columns if key[-1] == "alert"}
    return {name: bool(alert.mean() > 0.5) for name, alert in alerts.items()}, any(a.any() for a in alerts.values())


if __name__ == "__main__":
    run(Peer(load=load, remember=remember, judge=judge))
