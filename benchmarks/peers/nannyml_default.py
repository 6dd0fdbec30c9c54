"""nannyml's UnivariateDriftCalculator with nothing chosen: Jensen-Shannon, ten chunks, thresholds of three deviations."""

from __future__ import annotations

from typing import Any

import nannyml

from peers.nannyml import Loaded, judge, load
from peers.worker import Peer, run


def remember(reference: Loaded) -> Any:
    frame, numbers, texts = reference
    return nannyml.UnivariateDriftCalculator(column_names=numbers + texts, treat_as_categorical=texts).fit(frame)


if __name__ == "__main__":
    run(Peer(load=load, remember=remember, judge=judge))
