"""One pass over a window of the prediction log: what is counted, and the few columns that are kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from upkeep.core.columns import Columns, concatenate, row_count, select
from upkeep.core.feedback.reference import ModelReference
from upkeep.core.profile.profile import Profile
from upkeep.core.profile.samples import RowSample
from upkeep.errors import InputError
from upkeep.ports import Datasets
from upkeep.stages.health_adversary import Opponent
from upkeep.stages.monitor_policy import MonitorPolicy

#: What labels are joined by and accuracy is computed from, kept of every row.
_KEPT = ("prediction_id", "predicted_at", "prediction", "score")
#: Rows whose features are kept, to say what their labels are likely to be and who is late; drawn by chance if there are more.
ROWS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A version's rows of one window.

    Attributes
    ----------
    reference, profile : Profile
        The watched columns, when accepted and now.
    rows : Columns
        The columns that are kept, each of shape (n,).
    features : RowSample
        Logged features of at most `ROWS` of them.
    sample : RowSample
        Raw rows for people to look at.
    opponent : Opponent or None
        Has seen all of them; None where the version has none, or a column that it needs is not logged any more.
    unwatched : tuple of str
        Columns of the reference that are not logged any more.
    """

    reference: Profile
    profile: Profile
    rows: Columns
    features: RowSample
    sample: RowSample
    opponent: Opponent | None
    unwatched: tuple[str, ...]


class _Reader:
    """What is gathered while the parts of a window go by; the first of them says which columns are logged."""

    def __init__(
        self, reference: ModelReference, opponent: Opponent | None, policy: MonitorPolicy, first: Columns
    ) -> None:
        known = reference.profile.columns
        wanted = list(dict.fromkeys([*policy.features, "score"])) if policy.features else list(known)
        self.reference = reference.profile.only(name for name in wanted if policy.features or name in first)
        self.unwatched = tuple(name for name in wanted if name not in first)
        self.opponent = opponent if opponent and opponent.knows(first) else None
        self.profile, self.sample = Profile.empty(self.reference.grid), RowSample.empty()
        self.features = RowSample.empty(size=ROWS)
        self.logged = [name for name in known if name in first and name != "score"]
        self.kept: list[Columns] = []

    def add(self, rows: Columns) -> None:
        self.profile = self.profile.update(rows)
        self.sample = self.sample.update({name: rows[name] for name in self.reference.columns}, rows["prediction_id"])
        if self.opponent is not None:
            self.opponent = self.opponent.update(rows)
        self.features = self.features.update({name: rows[name] for name in self.logged}, rows["prediction_id"])
        self.kept.append({name: rows[name] for name in _KEPT})

    def finish(self) -> Window:
        return Window(
            reference=self.reference,
            profile=self.profile,
            rows=concatenate(self.kept),
            features=self.features,
            sample=self.sample,
            opponent=self.opponent,
            unwatched=self.unwatched,
        )


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
    """Read a version's predictions in [since, until) part by part; numbers are counted and let go.

    Raises
    ------
    InputError
        If a column of `policy.features` is not logged, the version's rows do not all have the same columns, or a row
        is not predicted 1 from the threshold on.
    """
    reader: _Reader | None = None
    logged: set[str] = set()
    for table in datasets.scan(f"{model}/predictions", since=since, until=until):
        rows = select(table, table["model_version"] == version)
        if not row_count(rows):
            continue
        _check_threshold(reference, rows)
        if reader is None:
            reader, logged = _Reader(reference, opponent, policy, rows), set(rows)
        if set(rows) != logged:
            raise InputError(
                f"all predictions of {model} version {version} in a window must have the same columns, but from "
                f"{rows['predicted_at'].min()} on {sorted(set(rows) ^ logged)} are not in all of them. "
                "Score the window's batches alike, or look at shorter windows."
            )
        reader.add(rows)
    if reader is None:
        raise InputError(f"the window must hold predictions of {model} version {version}, but has none.")
    return reader.finish()


def versions_seen(datasets: Datasets, model: str, since: str, until: str) -> dict[str, int]:
    """Predictions in [since, until) by the version that made them."""
    found: dict[str, int] = {}
    for table in datasets.scan(f"{model}/predictions", since=since, until=until, columns=["model_version"]):
        if row_count(table):
            names, counts = np.unique(table["model_version"].astype(str), return_counts=True)
            for name, count in zip(names.tolist(), counts.tolist(), strict=True):
                found[name] = found.get(name, 0) + count
    return found


def _check_threshold(reference: ModelReference, rows: Columns) -> None:
    disagree = (rows["score"] >= reference.threshold) != (rows["prediction"] == 1)
    if disagree.any():
        raise InputError(
            f"predictions must be 1 where the score is at least {reference.threshold}, as on the reference; "
            f"{int(disagree.sum())} of {len(disagree)} are not. Score with that threshold."
        )
