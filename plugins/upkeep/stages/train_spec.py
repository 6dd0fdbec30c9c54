"""What to train, and on what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from upkeep.core.retrain.recipes import NEEDED
from upkeep.core.utc_time import utc_time
from upkeep.errors import InputError

#: Recipes that take every row of the version; two of them do not let each count alike.
WHOLE = ("full", "upsample", "augment")
#: The name of a training without a recipe: as the life says.
PLANNED = "planned"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSpec:
    """Which model, from which rows.

    `factory` is ``module:function``; it takes `params` and returns an unfitted scikit-learn pipeline. `recipe` names how
    the rows are chosen, and is recorded with the run: those of `WHOLE` take all batches of the version; the others take those
    that end at or after `since` (ISO 8601, UTC), which recent_window must have; without it the last `window_batches`, or all.
    `holdout_share` is the newest part of the labelled rows, never trained on; if `holdout_since` is given, it is the rows
    from that moment on instead. `max_overfit` is the accepted gap between training and holdout accuracy. `seal_holdout`
    keeps what the holdout says from the run and from its errors: where builders see a gate's answers, its rows must tell them
    no other number.
    """

    model: str
    dataset: str
    time: str
    factory: str
    features: tuple[str, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    window_batches: int | None = None
    since: str = ""
    holdout_share: float = 0.3
    holdout_since: str = ""
    seed: int = 0
    recipe: str = PLANNED
    max_overfit: float = 0.1
    seal_holdout: bool = False
    threshold: float = 0.5
    min_labelled: int = 100

    def __post_init__(self) -> None:
        if not 0.0 < self.holdout_share < 1.0:
            raise InputError(f"holdout_share must lie in (0, 1), got {self.holdout_share}. Use 0.3.")
        if self.window_batches is not None and self.window_batches < 1:
            raise InputError(f"window_batches must be at least 1, got {self.window_batches}. Leave it out for all.")
        for name, moment in (("since", self.since), ("holdout_since", self.holdout_since)):
            if moment != "":
                utc_time(f"{name} of a training", moment)
        if self.recipe not in (PLANNED, *NEEDED):
            raise InputError(f"a recipe must be named {', '.join(NEEDED)} or {PLANNED}, got {self.recipe!r}.")
        if self.recipe == "recent_window" and not self.since:
            raise InputError("recipe recent_window must say since, got none. Name the moment its rows begin.")
        if not self.max_overfit >= 0.0:
            raise InputError(f"max_overfit must be at least 0, got {self.max_overfit}. Use 0.1.")
        if not self.features:
            raise InputError("a model needs at least one feature, got none. Name columns of the features table.")
