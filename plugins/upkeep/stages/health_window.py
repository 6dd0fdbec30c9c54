"""One pass over a window of the prediction log: what is counted, and the few columns that are kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from upkeep.core.columns import Columns, concatenate, row_count, select
from upkeep.core.feedback.reference import ModelReference
from upkeep.core.profile.cells import CategoryCells
from upkeep.core.profile.profile import Profile
from upkeep.core.profile.samples import RowSample
from upkeep.errors import InputError
from upkeep.ports import Datasets
from upkeep.stages.health_adversary import Opponent
from upkeep.stages.monitor_policy import MonitorPolicy

#: What labels are joined by and accuracy is computed from; of the features only texts are kept, to name slow groups.
_KEPT = ("prediction_id", "predicted_at", "prediction", "score")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A version's rows of one window.

    `profile` counts the watched columns, `rows` has the columns that are kept, `sample` holds raw rows for people to look
    at, and `opponent` has seen all of them.
    """

    reference: Profile
    profile: Profile
    rows: Columns
    sample: RowSample
    opponent: Opponent | None


def read_window(
    datasets: Datasets,
    reference: ModelReference,
    opponent: Opponent | None,
    policy: MonitorPolicy,
    *,
    model: str,
    version: str,
    since: str,
    until: str,
) -> Window:
    """Read a version's predictions in [since, until) batch by batch; numbers are counted and let go.

    Raises
    ------
    InputError
        If a column that is to be watched is not logged, or a row is not predicted 1 from the threshold on.
    """
    watched: Profile | None = None
    kept: list[Columns] = []
    for table in datasets.scan(f"{model}/predictions", since=since, until=until):
        rows = select(table, table["model_version"] == version)
        if watched is None:
            watched = _watched(reference, rows, policy)
            profile, sample = Profile.empty(watched.grid), RowSample.empty()
            texts = [name for name, cells in watched.grid.cells.items() if isinstance(cells, CategoryCells)]
        _check_threshold(reference, rows)
        profile = profile.update(rows)
        sample = sample.update({name: rows[name] for name in watched.columns}, rows["prediction_id"])
        if opponent is not None and row_count(rows):
            opponent = opponent.update(rows)
        kept.append({name: rows[name] for name in dict.fromkeys([*_KEPT, *texts])})
    if watched is None:
        raise InputError(f"the window must hold predictions of {model} version {version}, but has none.")
    return Window(reference=watched, profile=profile, rows=concatenate(kept), sample=sample, opponent=opponent)


def versions_seen(datasets: Datasets, model: str, since: str, until: str) -> dict[str, int]:
    """Predictions in [since, until) by the version that made them."""
    found: dict[str, int] = {}
    for table in datasets.scan(f"{model}/predictions", since=since, until=until, columns=["model_version"]):
        if row_count(table):
            names, counts = np.unique(table["model_version"].astype(str), return_counts=True)
            for name, count in zip(names.tolist(), counts.tolist(), strict=True):
                found[name] = found.get(name, 0) + count
    return found


def _watched(reference: ModelReference, rows: Columns, policy: MonitorPolicy) -> Profile:
    if policy.features:
        return reference.profile.only(dict.fromkeys([*policy.features, "score"]))
    return reference.profile.only(name for name in reference.profile.columns if name in rows)


def _check_threshold(reference: ModelReference, rows: Columns) -> None:
    disagree = (rows["score"] >= reference.threshold) != (rows["prediction"] == 1)
    if disagree.any():
        raise InputError(
            f"predictions must be 1 where the score is at least {reference.threshold}, as on the reference; "
            f"{int(disagree.sum())} of {len(disagree)} are not. Score with that threshold."
        )
